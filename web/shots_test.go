package web_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// shotsDir is where TestShots puts its pictures: go test ./web -run Shots -shots DIR
var shotsDir = flag.String("shots", "", "a directory for screenshots of every state, in both themes and at three widths")

// shoot takes a picture of a state in both themes and at three widths.
func (w *window) shoot(state string) {
	w.T.Helper()
	for _, width := range []int64{390, 768, 1280} {
		height := int64(900)
		if width < 700 {
			height = 844
		}
		for _, scheme := range []string{"light", "dark"} {
			w.Size(width, height, scheme)
			w.Until("fit "+state, `document.documentElement.scrollWidth <= %d`, width)
			w.picture(fmt.Sprintf("%s-%d-%s", state, width, scheme))
		}
	}
	w.Size(1440, 900, "light")
}

// TestShots is for people's eyes.
func TestShots(t *testing.T) {
	if *shotsDir == "" {
		t.Skip("takes pictures only when -shots says where to")
	}
	if err := os.MkdirAll(*shotsDir, 0o755); err != nil {
		t.Fatal(err)
	}
	n := startNode(t)
	ada := openWindow(t, "ada", n.setupLink(t))
	ada.shoot("register")
	ada.Register("ada", "Ada Lovelace", password)
	ada.shoot("welcome")
	rooms := furnish(t, n)
	guest := openWindow(t, "guest", n.url())
	guest.Until("see the sign-in page", `document.querySelector("main h1")`)
	guest.shoot("sign-in")
	guest.Fill("username", "ada")
	guest.Fill("password", "wrong")
	guest.Click("Sign in")
	guest.Until("be told", `document.querySelector("[data-testid=form-error]").textContent`)
	guest.shoot("error")

	ada.Click("Browse public rooms")
	ada.Until("see rooms", `document.querySelectorAll(".browse li").length > 2`)
	ada.shoot("browse")
	ada.Click("Close")
	ada.Click("Make a room")
	ada.Until("see the form", `document.querySelector("dialog input")`)
	ada.shoot("dialog")
	ada.Click("Close")

	ada.goTo(rooms["coffee"])
	ada.Until("see the room", `document.querySelectorAll("[data-testid=message]").length > 9`)
	ada.shoot("room")
	ada.shootFeatures()
	ada.Eval(`[...document.querySelectorAll("[data-testid=message]")].at(-3).focus()`)
	ada.Click("Reply")
	ada.shoot("reply")
	ada.Size(390, 844, "light")
	ada.Click("Members")
	for _, scheme := range []string{"light", "dark"} {
		ada.Size(390, 844, scheme)
		ada.picture("members-390-" + scheme)
	}
	ada.Click("Close the member list")
	ada.goTo(rooms["empty"])
	ada.Until("see nothing", `document.querySelector("[data-testid=beginning]") && !document.querySelector("[data-testid=message]")`)
	ada.shoot("empty")
	ada.goTo(rooms["long"])
	ada.Until("see a long room", `document.querySelectorAll("[data-testid=message]").length > 20`)
	ada.Eval(`document.querySelector("[data-testid=log]").scrollTop -= 900`)
	ada.Until("be away from the newest", `document.querySelector("[data-testid=jump]")`)
	ada.shoot("long")
	ada.goTo("")
	ada.shoot("home")
	ada.goTo(rooms["coffee"])
	n.kill(t)
	ada.Until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	ada.Say("written while the server is away")
	ada.Until("be at the newest", atBottom)
	ada.shoot("offline")
	ada.Until("still be at the newest", atBottom)
	n.start(t)
}

// picture takes one as the window is.
func (w *window) picture(name string) {
	w.T.Helper()
	png := browsertest.Get(w.Window, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(*shotsDir, name+".png"), png, 0o644); err != nil {
		w.T.Fatal(err)
	}
}

const sample = "The **new grinder** arrived: *quieter*, ~~cheaper~~, and it remembers the dose.\n\n1. Weigh 18 g\n2. Grind at `4.5`\n3. Pull for 28 s\n\n> It depends on the beans.\n\nSee [the manual](https://grinder.example/manual) or https://grinder.example/faq"

// furnish fills rooms with people and talk.
func furnish(t *testing.T, n *node) map[string]string {
	t.Helper()
	ada := n.login(t, "ada", password)
	people := map[string]*caller{"ada": ada}
	for name, display := range map[string]string{"bob": "Bob Kahn", "grace": "Grace Hopper", "omar": "عمر الخيام"} {
		people[name] = n.register(t, name, display)
	}
	rooms := map[string]string{}
	for name, topic := range map[string]string{"coffee": "Beans, machines and everything around them", "empty": "", "long": "Everything that was ever said", "reading-club": "One book a month", "a-room-with-a-rather-long-name-that-does-not-fit": "x"} {
		var room struct{ ID string }
		ada.call("POST", "/rooms", map[string]string{"name": name, "topic": topic}, &room)
		rooms[name] = room.ID
		for who, c := range people {
			if who != "ada" {
				c.call("POST", "/rooms/"+room.ID+"/join", nil, nil)
			}
		}
	}
	talkAbout(people, rooms["coffee"])
	for i := range 150 {
		say(people[[]string{"ada", "bob", "grace"}[i/4%3]], rooms["long"], fmt.Sprintf("line %d of a long talk%s", i, strings.Repeat(", with more to say", i%5)))
	}
	say(people["grace"], rooms["reading-club"], "@ada what do we read next?")
	say(people["bob"], rooms["long"], "and on it goes")
	return rooms
}

func talkAbout(people map[string]*caller, room string) {
	ada, bob, grace, omar := people["ada"], people["bob"], people["grace"], people["omar"]
	say(bob, room, "Good morning! Who has tried the new grinder?")
	first := say(ada, room, sample)
	say(grace, room, "```go\nfunc brew(beans Beans) Cup {\n\treturn machine.Pull(grind(beans, 4.5), 28*time.Second)\n}\n```")
	omar.call("POST", "/rooms/"+room+"/messages", map[string]string{"body": "صباح الخير! القهوة جاهزة ☕ in the kitchen", "reply_to": first}, nil)
	last := say(bob, room, "@ada I will bring the Ethiopian ones. "+strings.Repeat("They are floral, bright, and gone by noon. ", 4))
	for _, c := range []*caller{ada, grace} {
		c.call("PUT", "/rooms/"+room+"/messages/"+last+"/reactions/☕", nil, nil)
		c.call("PUT", "/rooms/"+room+"/messages/"+first+"/reactions/👍", nil, nil)
	}
	for _, line := range []string{"Who is on dishes?", "- cups\n- spoons\n- the jug nobody owns", "Not me: I was on dishes last week."} {
		say(grace, room, line)
	}
	gone := say(bob, room, "this will go")
	bob.call("DELETE", "/rooms/"+room+"/messages/"+gone, nil, nil)
	edited := say(ada, room, "I can do it todya")
	ada.call("PATCH", "/rooms/"+room+"/messages/"+edited, map[string]string{"body": "I can do it today"}, nil)
}
