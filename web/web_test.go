package web_test

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web"
	"github.com/klatch-chat/klatch/web/browsertest"
)

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
	t.Parallel()
	n := startNode(t)
	ada, bob := openWindow(t, "ada", n.setupLink(t)), openWindow(t, "bob", n.url())
	ada.Until("be invited", `document.querySelector("[data-testid=intro]")?.textContent.startsWith("You have been invited")`)
	ada.Register("ada", "Ada Lovelace", password)
	ada.Eval(`fetch("/api/v1/me").then((r) => r.json()).then((u) => { if (u.role !== "admin") throw new Error("the role is " + u.role) })`)
	bob.Until("see the sign-in page", `document.querySelector("main h1")?.textContent === "Sign in"`)
	bob.Click("Make an account")
	bob.Register("bob", "Bob Kahn", password)
	t.Run("wrong password", func(t *testing.T) { wrongPassword(t, n) })

	ada.Click("Make a room")
	ada.Fill("name", "coffee")
	ada.Fill("topic", "Beans, machines and everything around them")
	ada.Click("Make the room")
	ada.Until("be in the room", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
	bob.Click("Browse public rooms")
	bob.Click("Join coffee")
	bob.Until("be in the room", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
	ada.Until("see Bob here", `[...document.querySelectorAll("[data-testid=members] [data-status=online]")].length === 2`)

	talk(ada, bob)
	change(ada, bob)
	away(ada, bob)
	direct(ada, bob)
	history(t, n, ada, bob)
	crash(t, n, ada, bob)
	looks(ada, bob)
	ada.Click("Sign out")
	ada.Click("Sign out") // yes
	ada.Until("be signed out", `document.querySelector("main h1")?.textContent === "Sign in"`)
}

func wrongPassword(t *testing.T, n *node) {
	w := openWindow(t, "guest", n.url())
	w.Fill("username", "ada")
	w.Fill("password", "not the password")
	w.Click("Sign in")
	w.Until("be told what is wrong", `document.querySelector("[data-testid=form-error]")?.textContent.includes("wrong")`)
	w.Click("Make an account")
	w.Fill("username", "ada")
	w.Fill("password", password)
	w.Click("Make my account")
	w.Until("be told at the field", `document.querySelector("[data-testid=error-username]")?.textContent.includes("taken")`)
}

// talk goes both ways, live, and shows text as text.
func talk(ada, bob *window) {
	ada.T.Helper()
	ada.Say("Good morning! Who has tried the new grinder?")
	bob.Sees("Good morning! Who has tried the new grinder?")
	bob.Type("I ")
	ada.Until("see Bob type", `document.querySelector("[data-testid=typing]").textContent === "Bob Kahn is typing…"`)
	bob.Say("have, it is <b>loud</b>: https://grinder.example/review?id=7.")
	ada.Until("see a link", `document.querySelector('[data-testid=body] a[href="https://grinder.example/review?id=7"][rel~="noopener"]')`)
	ada.Until("see text, not markup", `document.querySelector("[data-testid=message]:last-child [data-testid=body]").textContent.includes("<b>loud</b>")`)
	ada.Say("@bob thank you")
	bob.Until("be mentioned", `document.querySelector("[data-testid=message] .mention")?.textContent === "@bob"`)
}

// change shows edits, reactions, replies and deletions in the other window.
func change(ada, bob *window) {
	ada.T.Helper()
	bob.Say("louder then a truck")
	bob.act("louder then a truck", "Edit")
	bob.Until("edit", `document.querySelector("[data-testid=composer]").value === "louder then a truck"`)
	bob.Eval(`document.querySelector("[data-testid=composer]").value = ""`)
	bob.Say("louder than a truck")
	ada.Sees("louder than a truck")
	ada.Until("see that it was edited", `document.querySelector("[data-testid=message]:last-child [data-testid=edited]")`)

	ada.act("louder than a truck", "React")
	ada.Click("Laughing")
	bob.Until("see the reaction", `document.querySelector('[data-testid=reaction][aria-pressed="false"]')?.textContent === "😂1"`)
	bob.Run(chromedp.Click(chromedp.CSS("[data-testid=reaction]")))
	ada.Until("see both", `document.querySelector('[data-testid=reaction][aria-pressed="true"]')?.textContent === "😂2"`)

	ada.act("louder than a truck", "Reply")
	ada.Say("then I keep my old one")
	bob.Until("see the reply", `document.querySelector("[data-testid=message]:last-child [data-testid=quote] .quoted")?.textContent === "louder than a truck"`)

	ada.Say("this one goes")
	bob.Sees("this one goes")
	ada.act("this one goes", "Delete")
	ada.Click("Delete")
	bob.Until("see it gone", `document.querySelector("[data-testid=message]:last-child .gone")`)
}

// away counts what comes while another place is shown.
func away(ada, bob *window) {
	ada.T.Helper()
	bob.Eval(`location.hash = "#/"`)
	bob.Until("leave the room", `document.querySelector("[data-testid=welcome]")`)
	ada.Say("@bob are you there?")
	bob.Until("see that it is unread", `document.querySelector("[data-testid=badge]")?.textContent === "@ 1"`)
	bob.Run(chromedp.Click(chromedp.CSS(`[data-testid=room-link]`)))
	bob.Until("see where the new begins", `document.querySelector("[data-testid=message] [data-testid=new-line]")`)
	bob.Until("have read it", `!document.querySelector("[data-testid=badge]")`)
}

// direct is a room that opens at the other's by itself.
func direct(ada, bob *window) {
	ada.T.Helper()
	bob.Click("Message someone")
	bob.Fill("users", "nobody-of-this-name")
	bob.Click("Open")
	bob.Until("be told that there is no such user", `document.querySelector("dialog [data-testid=form-error]:not(:empty), dialog [data-testid^=error-]:not(:empty)")`)
	bob.Click("Close")
	bob.Click("Message someone")
	bob.Fill("users", "ada")
	bob.Click("Open")
	bob.Until("see whom he talks to", `document.querySelector("[data-testid=room-title]")?.textContent === "Ada Lovelace"`)
	bob.Say("between us")
	ada.Until("have it unread", `[...document.querySelectorAll("[data-testid=room-link]")].some((a) => a.querySelector(".title").textContent === "Bob Kahn" && a.querySelector("[data-testid=badge]")?.textContent === "1")`)
	ada.Click("Bob Kahn1") // the link, with its badge
	ada.Sees("between us")
	for _, w := range []*window{ada, bob} {
		w.Click("coffee")
		w.Until("be back", `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`)
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
		say(api, room.ID, fmt.Sprintf("cup %d", i+1))
	}
	ada.Sees(fmt.Sprintf("cup %d", cups))
	ada.Until("stay at the newest", atBottom)
	ada.Run(chromedp.Reload())
	ada.Sees(fmt.Sprintf("cup %d", cups))
	ada.Until("stand at the newest", atBottom)
	ada.Until("have read all", `!document.querySelector("[data-testid=badge]")`)

	// That what is read stays where it is while older pages come is TestScroll's.
	ada.Until("have loaded", `document.querySelector("[data-testid=log]").ariaBusy === "false"`)
	ada.Eval(`(async () => {
		const log = document.querySelector("[data-testid=log]");
		log.scrollTop = 900;
		await new Promise((done) => log.addEventListener("scroll", done, { once: true }));
	})()`)
	bob.Say("while you were reading")
	ada.Until("be told below", `document.querySelector("[data-testid=jump]")?.textContent === "1 new message"`)
	ada.Run(chromedp.Click(chromedp.CSS("[data-testid=jump]")))
	ada.Until("be at the newest", atBottom)
	ada.Until("have few rows", `document.querySelectorAll("[data-testid=message]").length < 300`)
	ada.Until("reach the beginning", `(document.querySelector("[data-testid=log]").scrollTop = 0, document.querySelector("[data-testid=beginning]"))`)
	ada.Sees("Good morning! Who has tried the new grinder?")
	ada.Run(chromedp.Click(chromedp.CSS("[data-testid=jump]")))
	ada.Until("be at the newest", atBottom)
}

const atBottom = `(() => { const v = document.querySelector("[data-testid=log]"); return v.scrollHeight - v.scrollTop - v.clientHeight < 2 })()`

// crash kills the server under both: they come back by themselves and lose nothing.
func crash(t *testing.T, n *node, ada, bob *window) {
	t.Helper()
	ada.Say("before the crash")
	ada.Sees("before the crash") // acknowledged
	n.kill(t)
	for _, w := range []*window{ada, bob} {
		w.Until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	}
	ada.Say("while the server was down")
	ada.Until("have it waiting", "%s === 1", browsertest.Count("while the server was down", "pending"))
	n.start(t)
	for _, w := range []*window{ada, bob} {
		w.Until("come back", `document.querySelector("[data-testid=banner][data-state=online]")`)
		w.Sees("before the crash")
		w.Sees("while the server was down")
	}
	bob.Say("and after")
	ada.Sees("and after")
	for _, w := range []*window{ada, bob} {
		w.Sees("while the server was down")
		w.Run(chromedp.Reload())
		w.Sees("before the crash")
		w.Sees("while the server was down")
		w.Sees("and after")
	}
}

// looks is for people: the sizes and colours, and that nothing is wider than a phone.
func looks(ada, bob *window) {
	ada.T.Helper()
	bob.Say("Back again. The log says nothing was lost, and the kettle is on: there is coffee for everybody who finds the kitchen before ten.")
	bob.Type("…")
	ada.Until("see Bob type", `document.querySelector("[data-testid=typing]").textContent !== ""`)
	ada.Size(1280, 800, "light")
	ada.Size(1280, 800, "dark")
	for _, scheme := range []string{"light", "dark"} {
		ada.Size(390, 844, scheme)
		ada.Until("fit the phone", `document.documentElement.scrollWidth <= 390 && %s`, atBottom)
	}
	ada.Click("Members")
	ada.Click("Close the member list")
	ada.Eval(`location.hash = "#/"`)
	ada.Until("see the list of rooms", `document.querySelector("[data-testid=sidebar]").checkVisibility() && !document.querySelector("main").checkVisibility()`)
	ada.Size(1280, 800, "light")
}
