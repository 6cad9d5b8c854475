package web_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 60 * time.Second

// TestAssets holds the built files to what the server and its policy rely on.
func TestAssets(t *testing.T) {
	index, err := fs.ReadFile(web.Assets(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"index.html": true}
	for _, m := range regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllSubmatch(index, -1) {
		named[string(m[1])] = true
		if !regexp.MustCompile(`^\w+-[0-9a-f]{12}\.\w+$`).Match(m[1]) {
			t.Errorf("%s: no hash in the name of what browsers keep for ever", m[1])
		}
	}
	if len(named) != 4 {
		t.Errorf("index.html names %v: want a script, a style and an icon", named)
	}
	nameParts(t, named)
	named["sw.js"] = true // the page registers it by this name
	if regexp.MustCompile(`<style|style=|<script[^>]*>[^<]`).Match(index) {
		t.Error("index.html has inline script or style, which the policy refuses")
	}
	files, err := fs.ReadDir(web.Assets(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if packed := path.Ext(f.Name()); slices.Contains([]string{".br", ".zst", ".gz"}, packed) {
			if file := strings.TrimSuffix(f.Name(), packed); !slices.ContainsFunc(files, func(d fs.DirEntry) bool { return d.Name() == file }) {
				t.Errorf("%s is built in and not a form of any file", f.Name())
			}
			continue
		}
		if !named[f.Name()] {
			t.Errorf("%s is built in and not used", f.Name())
		}
		delete(named, f.Name())
	}
	for name := range named {
		t.Errorf("%s is missing", name)
	}
}

// hashedName is what a script calls another file of the build by.
var hashedName = regexp.MustCompile(`[\w-]+-[0-9a-f]{12}\.\w+`)

// nameParts adds what scripts load when it is needed, and what that loads.
func nameParts(t *testing.T, named map[string]bool) {
	t.Helper()
	for left := slices.Collect(maps.Keys(named)); len(left) > 0; left = left[1:] {
		if path.Ext(left[0]) != ".js" {
			continue
		}
		content, err := fs.ReadFile(web.Assets(), left[0])
		if err != nil {
			continue // it is missing, which is told of below
		}
		for _, name := range hashedName.FindAllString(string(content), -1) {
			if !named[name] {
				named[name] = true
				left = append(left, name)
			}
		}
	}
}

const password = "correct horse battery"

// TestTwoPeople is the client's promise: two people find each other, talk, and
// lose nothing when the server is killed under them (I1, I5, I7).
func TestTwoPeople(t *testing.T) {
	n := startNode(t)
	b := startBrowser(t)
	ada, bob := openWindow(t, b, "ada", n.setupLink(t)), openWindow(t, b, "bob", n.url())
	ada.until("be invited", `document.querySelector("[data-testid=intro]")?.textContent.startsWith("You have been invited")`)
	ada.register("ada", "Ada Lovelace")
	ada.eval(`fetch("/api/v1/me").then((r) => r.json()).then((u) => { if (u.role !== "admin") throw new Error("the role is " + u.role) })`)
	bob.until("see the sign-in page", `document.querySelector("main h1")?.textContent === "Sign in"`)
	bob.click("Make an account")
	bob.register("bob", "Bob Kahn")
	t.Run("wrong password", func(t *testing.T) { wrongPassword(t, b, n) })

	ada.click("Make a room")
	ada.fill("name", "coffee")
	ada.fill("topic", "Beans, machines and everything around them")
	ada.click("Make the room")
	ada.until("be in the room", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
	bob.click("Browse public rooms")
	bob.click("Join coffee")
	bob.until("be in the room", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
	ada.until("see Bob here", `[...document.querySelectorAll("[data-testid=members] [data-status=online]")].length === 2`)

	talk(ada, bob)
	change(ada, bob)
	away(ada, bob)
	direct(ada, bob)
	history(t, n, ada, bob)
	crash(t, n, ada, bob)
	looks(ada, bob)
	ada.click("Sign out")
	ada.click("Sign out") // yes
	ada.until("be signed out", `document.querySelector("main h1")?.textContent === "Sign in"`)
}

func wrongPassword(t *testing.T, b context.Context, n *node) {
	w := openWindow(t, b, "guest", n.url())
	w.fill("username", "ada")
	w.fill("password", "not the password")
	w.click("Sign in")
	w.until("be told what is wrong", `document.querySelector("[data-testid=form-error]")?.textContent.includes("wrong")`)
	w.click("Make an account")
	w.fill("username", "ada")
	w.fill("password", password)
	w.click("Make my account")
	w.until("be told at the field", `document.querySelector("[data-testid=error-username]")?.textContent.includes("taken")`)
}

// talk goes both ways, live, and shows text as text.
func talk(ada, bob *window) {
	ada.t.Helper()
	ada.say("Good morning! Who has tried the new grinder?")
	bob.sees("Good morning! Who has tried the new grinder?")
	bob.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), "I "))
	ada.until("see Bob type", `document.querySelector("[data-testid=typing]").textContent === "Bob Kahn is typing…"`)
	bob.say("have, it is <b>loud</b>: https://grinder.example/review?id=7.")
	ada.until("see a link", `document.querySelector('[data-testid=body] a[href="https://grinder.example/review?id=7"][rel~="noopener"]')`)
	ada.until("see text, not markup", `document.querySelector("[data-testid=message]:last-child [data-testid=body]").textContent.includes("<b>loud</b>")`)
	ada.say("@bob thank you")
	bob.until("be mentioned", `document.querySelector("[data-testid=message] .mention")?.textContent === "@bob"`)
}

// change shows edits, reactions, replies and deletions in the other window.
func change(ada, bob *window) {
	ada.t.Helper()
	bob.say("louder then a truck")
	bob.act("louder then a truck", "Edit")
	bob.until("edit", `document.querySelector("[data-testid=composer]").value === "louder then a truck"`)
	bob.eval(`document.querySelector("[data-testid=composer]").value = ""`)
	bob.say("louder than a truck")
	ada.sees("louder than a truck")
	ada.until("see that it was edited", `document.querySelector("[data-testid=message]:last-child [data-testid=edited]")`)

	ada.act("louder than a truck", "React")
	ada.click("Laughing")
	bob.until("see the reaction", `document.querySelector('[data-testid=reaction][aria-pressed="false"]')?.textContent === "😂1"`)
	bob.run(chromedp.Click(chromedp.CSS("[data-testid=reaction]")))
	ada.until("see both", `document.querySelector('[data-testid=reaction][aria-pressed="true"]')?.textContent === "😂2"`)

	ada.act("louder than a truck", "Reply")
	ada.say("then I keep my old one")
	bob.until("see the reply", `document.querySelector("[data-testid=message]:last-child [data-testid=quote] .quoted")?.textContent === "louder than a truck"`)

	ada.say("this one goes")
	bob.sees("this one goes")
	ada.act("this one goes", "Delete")
	ada.click("Delete")
	bob.until("see it gone", `document.querySelector("[data-testid=message]:last-child .gone")`)
}

// away counts what comes while another place is shown.
func away(ada, bob *window) {
	ada.t.Helper()
	bob.eval(`location.hash = "#/"`)
	bob.until("leave the room", `document.querySelector("[data-testid=welcome]")`)
	ada.say("@bob are you there?")
	bob.until("see that it is unread", `document.querySelector("[data-testid=badge]")?.textContent === "@ 1"`)
	bob.run(chromedp.Click(chromedp.CSS(`[data-testid=room-link]`)))
	bob.until("see where the new begins", `document.querySelector("[data-testid=message] [data-testid=new-line]")`)
	bob.until("have read it", `!document.querySelector("[data-testid=badge]")`)
}

// direct is a room that opens at the other's by itself.
func direct(ada, bob *window) {
	ada.t.Helper()
	bob.click("Message someone")
	bob.fill("users", "nobody-of-this-name")
	bob.click("Open")
	bob.until("be told that there is no such user", `document.querySelector("dialog [data-testid=form-error]:not(:empty), dialog [data-testid^=error-]:not(:empty)")`)
	bob.click("Close")
	bob.click("Message someone")
	bob.fill("users", "ada")
	bob.click("Open")
	bob.until("see whom he talks to", `document.querySelector("[data-testid=room-title]")?.textContent === "Ada Lovelace"`)
	bob.say("between us")
	ada.until("have it unread", `[...document.querySelectorAll("[data-testid=room-link]")].some((a) => a.querySelector(".title").textContent === "Bob Kahn" && a.querySelector("[data-testid=badge]")?.textContent === "1")`)
	ada.click("Bob Kahn1") // the link, with its badge
	ada.sees("between us")
	for _, w := range []*window{ada, bob} {
		w.click("coffee")
		w.until("be back", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
	}
}

const cups = 420 // more than the browser keeps of a room

// history has more than a page: scrolling up loads it under a still eye.
func history(t *testing.T, n *node, ada, bob *window) {
	t.Helper()
	api := n.login(t, "bob", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	for i := range cups {
		api.call("POST", "/rooms/"+room.ID+"/messages", map[string]string{"body": fmt.Sprintf("cup %d", i+1)}, nil)
	}
	ada.sees(fmt.Sprintf("cup %d", cups))
	ada.until("stay at the newest", atBottom)
	ada.run(chromedp.Reload())
	ada.sees(fmt.Sprintf("cup %d", cups))
	ada.until("stand at the newest", atBottom)
	ada.until("have read all", `!document.querySelector("[data-testid=badge]")`)

	// A row in view must stay where it is while older ones come above it: looked at in every frame.
	ada.until("have loaded", `document.querySelector("[data-testid=log]").ariaBusy === "false"`)
	ada.eval(`(async () => {
		const log = document.querySelector("[data-testid=log]");
		log.scrollTop = 900;
		await new Promise((done) => log.addEventListener("scroll", done, { once: true }));
		window.watched = [...log.querySelectorAll("[data-testid=message]")].find((r) => r.getBoundingClientRect().top > log.getBoundingClientRect().top + 100);
		window.watchedTop = watched.getBoundingClientRect().top;
		window.jump = 0;
		const look = () => { jump = Math.max(jump, Math.abs(watched.getBoundingClientRect().top - watchedTop)); requestAnimationFrame(look) };
		look();
	})()`)
	ada.until("load the page before", `document.querySelector("[data-testid=log]").scrollTop > 1200`)
	ada.until("still hold the row", `watched.isConnected && jump < 1`)
	bob.say("while you were reading")
	ada.until("be told below", `document.querySelector("[data-testid=jump]")?.textContent === "1 new message"`)
	ada.until("see no jump", `jump < 1`)
	ada.run(chromedp.Click(chromedp.CSS("[data-testid=jump]")))
	ada.until("be at the newest", atBottom)
	ada.until("have few rows", `document.querySelectorAll("[data-testid=message]").length < 300`)
	ada.until("reach the beginning", `(document.querySelector("[data-testid=log]").scrollTop = 0, document.querySelector("[data-testid=beginning]"))`)
	ada.sees("Good morning! Who has tried the new grinder?")
	ada.run(chromedp.Click(chromedp.CSS("[data-testid=jump]")))
	ada.until("be at the newest", atBottom)
}

const atBottom = `(() => { const v = document.querySelector("[data-testid=log]"); return v.scrollHeight - v.scrollTop - v.clientHeight < 2 })()`

// crash kills the server under both: they come back by themselves and lose nothing.
func crash(t *testing.T, n *node, ada, bob *window) {
	t.Helper()
	ada.say("before the crash")
	ada.sees("before the crash") // acknowledged
	n.kill(t)
	for _, w := range []*window{ada, bob} {
		w.until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	}
	ada.say("while the server was down")
	ada.until("have it waiting", "%s === 1", count("while the server was down", "pending"))
	n.start(t)
	for _, w := range []*window{ada, bob} {
		w.until("come back", `document.querySelector("[data-testid=banner][data-state=online]")`)
		w.sees("before the crash")
		w.sees("while the server was down")
	}
	bob.say("and after")
	ada.sees("and after")
	for _, w := range []*window{ada, bob} {
		w.sees("while the server was down")
		w.run(chromedp.Reload())
		w.sees("before the crash")
		w.sees("while the server was down")
		w.sees("and after")
	}
}

// looks is for people: the sizes and colours, and that nothing is wider than a phone.
func looks(ada, bob *window) {
	ada.t.Helper()
	bob.say("Back again. The log says nothing was lost, and the kettle is on: there is coffee for everybody who finds the kitchen before ten.")
	bob.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), "…"))
	ada.until("see Bob type", `document.querySelector("[data-testid=typing]").textContent !== ""`)
	ada.size(1280, 800, "light")
	ada.size(1280, 800, "dark")
	for _, scheme := range []string{"light", "dark"} {
		ada.size(390, 844, scheme)
		ada.until("fit the phone", `document.documentElement.scrollWidth <= 390 && %s`, atBottom)
	}
	ada.click("Members")
	ada.click("Close the member list")
	ada.eval(`location.hash = "#/"`)
	ada.until("see the list of rooms", `document.querySelector("[data-testid=sidebar]").checkVisibility() && !document.querySelector("main").checkVisibility()`)
	ada.size(1280, 800, "light")
}
