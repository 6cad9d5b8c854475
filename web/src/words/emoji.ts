// Common emoji by what they are of, each with its name; another language has names of its own.

const people = `😀 grinning 😃 smiley 😄 smile 😁 beaming 😆 laughing 😅 sweat_smile 🤣 rofl 😂 joy 🙂 slight_smile 🙃 upside_down
😉 wink 😊 blush 😇 innocent 🥰 in_love 😍 heart_eyes 🤩 star_struck 😘 kiss 😋 yum 😛 tongue 😜 winking_tongue 🤪 zany
🤗 hugging 🤭 hand_over_mouth 🤫 hush 🤔 thinking 🫡 salute 🤐 zipped 🤨 raised_eyebrow 😐 neutral 😑 expressionless 😶 no_mouth
😏 smirk 😒 unamused 🙄 rolling_eyes 😬 grimacing 😮‍💨 exhaling 🤥 lying 😌 relieved 😔 pensive 😪 sleepy 😴 sleeping 😷 mask
🤒 ill 🤕 hurt 🤢 nauseated 🥵 hot 🥶 cold 🥴 woozy 😵 dizzy 🤯 mind_blown 🤠 cowboy 🥳 partying 😎 cool 🤓 nerd 🧐 monocle
😕 confused 😟 worried 🙁 frowning 😮 open_mouth 😲 astonished 😳 flushed 🥺 pleading 🥹 moved 😨 fearful 😰 anxious 😢 cry
😭 sob 😱 scream 😖 confounded 😞 disappointed 😓 sweat 😩 weary 😫 tired 🥱 yawning 😤 triumph 😡 angry 🤬 swearing 😈 devil
💀 skull 💩 poop 🤡 clown 👻 ghost 👽 alien 🤖 robot 🙈 see_no_evil 🙉 hear_no_evil 🙊 speak_no_evil 🫠 melting 🤷 shrug 🤦 facepalm
🙋 raising_hand 🙇 bow 💃 dancing 🏃 running 👶 baby 🧑‍💻 coder 🧑‍🍳 cook 🕵️ detective 🥷 ninja 🦸 hero 🧙 mage`;

const hands = `👍 thumbs_up 👎 thumbs_down 👌 ok 🤌 pinched 🤏 pinching ✌️ victory 🤞 fingers_crossed 🤟 love_you 🤘 horns 🤙 call_me
👈 left 👉 right 👆 up 👇 down ☝️ point_up 👋 wave 🤚 back_of_hand ✋ stop 🖖 vulcan 👏 clap 🙌 raised_hands 👐 open_hands
🤲 palms 🤝 handshake 🙏 thanks ✊ fist 👊 fist_bump 💪 strong 🫶 heart_hands ✍️ writing 👀 eyes 👂 ear 🧠 brain
❤️ heart 🧡 orange_heart 💛 yellow_heart 💚 green_heart 💙 blue_heart 💜 purple_heart 🤎 brown_heart 🖤 black_heart 🤍 white_heart
💔 broken_heart 💕 two_hearts 💖 sparkling_heart 💯 hundred 💢 anger 💥 boom 💫 dizzy_star 💦 splash 💨 dash 💬 speech 💭 thought 💤 zzz`;

const nature = `🐶 dog 🐱 cat 🐭 mouse 🐹 hamster 🐰 rabbit 🦊 fox 🐻 bear 🐼 panda 🐨 koala 🐯 tiger 🦁 lion 🐮 cow 🐷 pig 🐸 frog 🐵 monkey
🐔 chicken 🐧 penguin 🐦 bird 🦆 duck 🦅 eagle 🦉 owl 🐺 wolf 🐴 horse 🦄 unicorn 🐝 bee 🐛 bug 🦋 butterfly 🐌 snail 🐞 ladybird
🐢 turtle 🐍 snake 🐙 octopus 🦀 crab 🐟 fish 🐬 dolphin 🐳 whale 🦈 shark 🐘 elephant 🦒 giraffe 🦔 hedgehog 🦥 sloth 🐾 paws
🌵 cactus 🎄 christmas_tree 🌲 pine 🌳 tree 🌴 palm 🌱 seedling 🍀 four_leaf_clover 🍁 maple_leaf 🍂 autumn 🍄 mushroom 🌹 rose
🌻 sunflower 🌸 blossom 🌷 tulip 🌍 earth 🌙 moon ⭐ star 🌟 glowing_star ✨ sparkles ⚡ lightning 🔥 fire 🌈 rainbow ☀️ sun
⛅ cloudy ☁️ cloud 🌧️ rain ⛈️ storm ❄️ snowflake ⛄ snowman 🌊 sea_wave 💧 drop`;

const food = `☕ coffee 🍵 tea 🫖 teapot 🧋 bubble_tea 🥤 soft_drink 🍺 beer 🍻 cheers 🥂 toast 🍷 wine 🍸 cocktail 🥃 whisky 🧃 juice 🥛 milk
🍎 apple 🍐 pear 🍊 orange 🍋 lemon 🍌 banana 🍉 watermelon 🍇 grapes 🍓 strawberry 🫐 blueberries 🍒 cherries 🍑 peach 🥭 mango
🍍 pineapple 🥥 coconut 🥝 kiwi 🍅 tomato 🥑 avocado 🥦 broccoli 🌶️ chilli 🌽 corn 🥕 carrot 🥔 potato 🍞 bread 🥐 croissant
🥨 pretzel 🧀 cheese 🥚 egg 🍳 cooking 🥞 pancakes 🥓 bacon 🍔 burger 🍟 fries 🍕 pizza 🌭 hot_dog 🌮 taco 🌯 burrito 🥗 salad
🍝 pasta 🍜 noodles 🍲 stew 🍣 sushi 🍚 rice 🍦 ice_cream 🍩 doughnut 🍪 cookie 🎂 birthday_cake 🍰 cake 🧁 cupcake 🍫 chocolate 🍿 popcorn 🍯 honey`;

const things = `🎉 tada 🎊 confetti 🎈 balloon 🎁 present 🏆 trophy 🥇 gold 🥈 silver 🥉 bronze ⚽ football 🏀 basketball 🎾 tennis 🎯 bullseye 🎮 game
🎲 dice 🧩 puzzle 🎨 art 🎬 film 🎤 microphone 🎧 headphones 🎸 guitar 🎹 piano 🎵 music 🚗 car 🚌 bus 🚲 bicycle ✈️ plane 🚀 rocket
🚂 train ⛵ sailing 🚧 construction 🏠 house 🏢 office 🏖️ beach 🏔️ mountain 🗺️ map ⌚ watch 📱 phone 💻 laptop ⌨️ keyboard 🖨️ printer
💾 floppy 📷 camera 📺 television 🔋 battery 🔌 plug 💡 idea 🔦 torch 🕯️ candle 💸 money 💎 gem 🔧 spanner 🔨 hammer 🛠️ tools ⚙️ gear
🧲 magnet 💣 bomb 🔪 knife 🛡️ shield 🔑 key 🔒 locked 🔓 unlocked 🚪 door 🛏️ bed 🧹 broom 🧻 paper_roll 📦 package ✉️ letter 📧 mail
📅 calendar 📈 chart_up 📉 chart_down 📌 pin 📎 paper_clip ✂️ scissors 📝 memo 📖 book 📚 books 🔍 search 🔗 link 🗑️ bin 🧪 test_tube 🔬 microscope`;

const signs = `✅ done ☑️ checked ✔️ tick ❌ no ❎ crossed ➕ plus ➖ minus ❓ question ❗ exclamation ‼️ double_exclamation ⚠️ warning 🚫 forbidden ⛔ no_entry
♻️ recycle 🔄 again 🔁 repeat ▶️ play ⏸️ pause ⏹️ stop_button ⏩ fast 🔔 bell 🔕 no_bell 📣 megaphone 🔇 muted 🔊 loud ⏰ alarm ⏳ hourglass 🕐 clock
🔴 red 🟠 orange_circle 🟡 yellow 🟢 green 🔵 blue 🟣 purple ⚫ black ⚪ white 🏁 finish 🚩 flag 🏳️‍🌈 rainbow_flag 🆗 ok_button 🆕 new 🆘 sos ℹ️ info
➡️ arrow_right ⬅️ arrow_left ⬆️ arrow_up ⬇️ arrow_down 🔝 top 💲 dollar ©️ copyright 🅿️ parking ♾️ infinity ☮️ peace ☯️ yin_yang`;

export const emojiNames = {
  groups: [
    { label: "Faces and people", list: people },
    { label: "Hands and hearts", list: hands },
    { label: "Animals and nature", list: nature },
    { label: "Food and drink", list: food },
    { label: "Things", list: things },
    { label: "Signs", list: signs },
  ],
};
