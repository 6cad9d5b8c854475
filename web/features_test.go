package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web/browsertest"
)

var (
	tab    = browsertest.Press("Tab", 9)
	escape = browsertest.Press("Escape", 27)
	left   = browsertest.Press("ArrowLeft", 37)
	right  = browsertest.Press("ArrowRight", 39)
	down   = browsertest.Press("ArrowDown", 40)
	up     = browsertest.Press("ArrowUp", 38)
)

const (
	composed = `document.querySelector("[data-testid=composer]").value`
	options  = `[...document.querySelectorAll("[data-testid=completion] [role=option]")]`
	noList   = `!document.querySelector("[data-testid=completion]")`
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	ada, _, _, _, _ := cafe(t)
	ada.Type("hi @b")
	ada.Until("be offered bob", options+`.length === 1 && `+options+`[0].textContent.includes("Bob Kahn")`)
	ada.Until("be told which one", `document.getElementById(document.querySelector("[data-testid=composer]").getAttribute("aria-activedescendant"))?.getAttribute("aria-selected") === "true"`)
	ada.accessible("completion")
	ada.Run(browsertest.Enter)
	ada.Until("have the name and not have sent it", composed+` === "hi @bob " && `+noList)
	ada.Type(":coff")
	ada.Until("be offered coffee", options+`[0]?.textContent.includes("☕")`)
	ada.Run(tab)
	ada.Until("have the cup", composed+` === "hi @bob ☕ "`)
	ada.Type("@")
	ada.Until("be offered everybody", options+`.length === 3`)
	ada.Run(down)
	ada.Until("be at the second", options+`[1].getAttribute("aria-selected") === "true"`)
	ada.Run(escape)
	ada.Until("see none", noList)
	ada.Type("bo")
	ada.Until("have sent them away", composed+`.endsWith("@bo") && `+noList)
	ada.Type("b :tada:")
	ada.Until("have the emoji", composed+` === "hi @bob ☕ @bob 🎉"`)
	ada.Run(browsertest.Enter)
	ada.Sees("hi @bob ☕ @bob 🎉")
	ada.Until("have named bob", `document.querySelectorAll("[data-testid=body] .mention").length === 2`)
}

func TestEmojiPicker(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "lunch?")
	ada.act("lunch?", "React")
	ada.Click("More emoji")
	ada.Until("be where one searches", `document.activeElement?.dataset.testid === "emoji-search"`)
	ada.accessible("emoji picker")
	ada.Run(chromedp.SendKeys(chromedp.CSS(`[data-testid=emoji-search]`), "taco"), browsertest.Enter)
	ada.Until("have reacted", `document.querySelector("[data-testid=reaction]")?.textContent === "🌮1" && !document.querySelector("dialog")`)
	ada.Click("Choose an emoji")
	ada.Until("have it at hand", `document.querySelector(".emoji-groups [role=grid]")?.getAttribute("aria-label") === "Used lately" && document.activeElement?.dataset.testid === "emoji-search"`)
	ada.Run(down)
	ada.Until("be on it", `document.activeElement?.textContent === "🌮"`)
	ada.Run(down)
	ada.Until("be below it", `document.activeElement?.textContent === "😀"`)
	ada.Run(right, right, left)
	ada.Until("be beside that", `document.activeElement?.textContent === "😃"`)
	ada.Run(browsertest.Enter)
	ada.Until("have written it", composed+` === "😃" && document.activeElement?.dataset.testid === "composer"`)
}

func TestFirstUnread(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "before")
	ada.Sees("before")
	ada.Until("have read it", `!document.querySelector("[data-testid=badge]")`)
	// The read marker is on its way for a moment: another window of ada's would wait for it likewise.
	ada.goTo("")
	ada.Until("be away", `document.querySelector("[data-testid=welcome]")`)
	for i := range 90 {
		say(bob, room, fmt.Sprintf("while away %d", i))
	}
	ada.Until("be told by the title", `/^\(9\d\)/.test(document.title)`)
	ada.Until("be told by the icon", `document.querySelector("link[rel=icon]").href.includes("unread")`)
	ada.goTo(room)
	ada.Sees("while away 89")
	ada.Until("be offered a way", `document.querySelector("[data-testid=first-unread]")`)
	ada.accessible("first unread")
	ada.Eval(`document.querySelector("[data-testid=first-unread]").click()`)
	ada.Until("be at the first unread", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "while away 0"`)
	ada.Until("see the line there", `document.activeElement?.querySelector("[data-testid=new-line]")`)
	ada.Until("be offered it no more", `!document.querySelector("[data-testid=first-unread]")`)
}

// TestAway: what comes into the open room while nobody looks is unread, and begins below a line.
func TestAway(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "before")
	ada.Sees("before")
	ada.Until("have read it", `!document.querySelector("[data-testid=badge]")`)
	ada.Eval(`document.hasFocus = () => false; window.dispatchEvent(new Event("blur"))`)
	say(bob, room, "while away")
	ada.Sees("while away")
	ada.Until("be told", `document.title.startsWith("(1)")`)
	ada.Eval(`delete document.hasFocus; window.dispatchEvent(new Event("focus"))`)
	ada.Until("see where it begins", `[...document.querySelectorAll("[data-testid=message]")].find((m) => m.querySelector("[data-testid=new-line]"))?.textContent.includes("while away")`)
	ada.Until("have read it", `!document.title.startsWith("(") && !document.querySelector("[data-testid=badge]")`)
}

func TestJumpToDateAndCopyLink(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	for i := range 120 {
		say(bob, room, fmt.Sprintf("line %d", i))
	}
	ada.Sees("line 119")
	ada.Click("Jump to a date")
	ada.Until("see the date", `document.querySelector("dialog input[type=date]")?.value`)
	ada.accessible("jump to a date")
	ada.Eval(`document.querySelector("dialog input[type=date]").value = "2020-01-01"`)
	ada.Click("Jump")
	ada.Until("be at the first", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "line 0"`)
	ada.Eval(`navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }`)
	ada.act("line 0", "Copy link")
	ada.Until("have the link", `window.copied?.includes(%q)`, "#/room/"+room+"/")
	ada.goTo("")
	ada.Until("be away", `document.querySelector("[data-testid=welcome]")`)
	ada.Eval(`location.href = window.copied`)
	ada.Until("be there by the link", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "line 0"`)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	ada, n, _, _, _ := cafe(t)
	ada.Click("Settings")
	ada.Until("see them", `document.querySelector("dialog input[name=display_name]")?.value === "Ada Lovelace"`)
	ada.accessible("settings")
	ada.Eval(`document.querySelector("dialog input[name=display_name]").value = ""`)
	ada.Fill("display_name", "Countess")
	ada.Click("Save")
	ada.Until("be called so", `document.querySelector("[data-testid=my-name]").textContent === "Countess"`)
	ada.Eval(`document.querySelector("input[name=theme][value=dark]").click(); document.querySelector("input[name=density][value=dense]").click()`)
	ada.Until("be dark", `getComputedStyle(document.documentElement).colorScheme === "dark" && document.documentElement.dataset.density === "dense"`)
	ada.Fill("current_password", "wrong password")
	ada.Fill("password", "another good password")
	ada.Click("Change password")
	ada.Until("be refused", `document.querySelector("dialog [data-testid=error-current_password]").textContent || [...document.querySelectorAll("dialog [data-testid=form-error]")].some((e) => e.textContent)`)
	ada.Eval(`document.querySelector("dialog input[name=current_password]").value = ""`)
	ada.Fill("current_password", password)
	ada.Click("Change password")
	ada.Until("be told", `[...document.querySelectorAll("dialog .saved")].some((e) => e.textContent === "Saved.") && document.querySelector("dialog input[name=password]").value === ""`)
	n.login(t, "ada", "another good password")
	ada.Run(chromedp.Reload())
	ada.Until("be dark still, and signed in", `document.documentElement.dataset.theme === "dark" && document.querySelector("[data-testid=my-name]")?.textContent === "Countess"`)
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	ada.Eval(`window.told = []; window.asked = 0; window.Notification = class {
		static permission = "default";
		static requestPermission() { asked++; this.permission = "granted"; return Promise.resolve("granted"); }
		constructor(title, options) { told.push(title + ": " + options.body); }
		close() {}
	}; document.hasFocus = () => false`)
	say(bob, room, "@ada nobody is told of this")
	ada.Sees("@ada nobody is told of this")
	ada.Click("Settings")
	ada.tick("Notify me of mentions and direct messages")
	ada.Until("have been asked once", `asked === 1`)
	ada.Until("have it on", `!document.getElementById([...document.querySelectorAll("dialog label")].find((l) => l.textContent === "Show what the message says").htmlFor).disabled`)
	say(bob, room, "no name, no noise")
	say(bob, room, "@ada *hush*")
	ada.Until("be told without the text", `told.join() === "Bob Kahn · coffee: You were mentioned"`)
	ada.tick("Show what the message says")
	say(bob, room, "@ada **loud**")
	ada.Until("be told with it", `told.length === 2 && told[1] === "Bob Kahn · coffee: @ada loud"`)
}

// tick presses the control that a label is of.
func (w *window) tick(label string) {
	w.T.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("dialog label")].find((l) => l.textContent === %q)`, label)
	w.Until("see "+label, "%s", find)
	w.Eval(find + `.click()`)
}

func TestInvite(t *testing.T) {
	t.Parallel()
	ada, n, _, _, _ := cafe(t)
	ada.Click("Settings")
	ada.Click("Make an invite")
	ada.Until("have a link", `document.querySelector("[data-testid=invite-link]")?.value.includes("#invite=")`)
	link := browsertest.Value[string](ada.Window, `document.querySelector("[data-testid=invite-link]").value`)
	if !strings.HasPrefix(link, n.url()) {
		t.Fatalf("the link is %s, not of %s", link, n.url())
	}
	eve := openWindow(t, "eve", link)
	eve.Until("be invited", `document.querySelector("[data-testid=intro]")?.textContent.includes("invited")`)
	eve.Register("eve", "Eve", password)
}

func TestRoomSettings(t *testing.T) {
	t.Parallel()
	ada, _, a, bob, room := cafe(t)
	ada.Click("Room settings")
	ada.Until("see bob", `document.querySelector("dialog select[aria-label='Role of Bob Kahn']")`)
	ada.accessible("room settings")
	ada.Fill("topic", "Beans")
	ada.Click("Save")
	ada.Until("see the topic", `document.querySelector(".room-head p")?.textContent === "Beans"`)
	ada.Eval(`(() => { const s = document.querySelector("dialog select[aria-label='Role of Bob Kahn']"); s.value = "moderator"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	ada.Until("see him moderate", `document.querySelector("[data-testid=members]").textContent.includes("moderator")`)
	var r struct{ Role string }
	bob.call("GET", "/rooms/"+room, nil, &r)
	if r.Role != "moderator" {
		t.Errorf("bob is %q, not a moderator", r.Role)
	}
	ada.Click("Remove Bob Kahn")
	ada.Until("see him gone", `!document.querySelector("dialog select[aria-label='Role of Bob Kahn']")`)
	bob.call("GET", "/rooms/"+room, nil, &r)
	if r.Role != "" {
		t.Errorf("bob is still %q", r.Role)
	}
	ada.Fill("confirm", "cofee")
	ada.Click("Delete this room")
	ada.Until("be asked for the right name", `[...document.querySelectorAll("dialog [data-testid=form-error]")].some((e) => e.textContent)`)
	ada.Fill("confirm", "x")
	ada.Eval(`document.querySelector("dialog input[name=confirm]").value = "coffee"`)
	ada.Click("Delete this room")
	ada.Until("see it gone", `document.querySelector("[data-testid=welcome]") && !document.querySelector("[data-testid=room-link]")`)
	var rooms struct{ Items []any }
	a.call("GET", "/rooms?filter=joined", nil, &rooms)
	if len(rooms.Items) != 0 {
		t.Errorf("%d rooms are left", len(rooms.Items))
	}
}

func TestCodeAndLongBodies(t *testing.T) {
	t.Parallel()
	ada, _, _, bob, room := cafe(t)
	ada.Until("not have fetched colours yet", `!performance.getEntriesByType("resource").some((e) => e.name.includes("highlight"))`)
	say(bob, room, "```go\nfunc brew() string { return \"<b>hot</b>\" }\n```")
	ada.Until("see colours", `document.querySelector("[data-testid=body] .hljs-keyword")?.textContent === "func"`)
	ada.Until("see all of the text", `document.querySelector("[data-testid=body] code").textContent.trim() === 'func brew() string { return "<b>hot</b>" }'`)
	ada.accessible("code")
	say(bob, room, strings.Repeat("and on\n", 60)+"the end")
	ada.Until("see it folded", `document.querySelector(".folded")?.getBoundingClientRect().height < 700`)
	ada.Click("Show all")
	ada.Until("see all", `!document.querySelector(".folded") && document.querySelector(".fold .body").getBoundingClientRect().height > 1000`)
	ada.Click("Show less")
	ada.Until("see less", `document.querySelector(".folded")`)
}

const signIns = `[...document.querySelectorAll("[data-testid=sessions] li")]`

// TestSessions: two windows and a program of one person; each that is signed out
// lands where one signs in.
func TestSessions(t *testing.T) {
	t.Parallel()
	ada, n, _, _, _ := cafe(t)
	two := openWindow(t, "ada's other window", n.url())
	two.Until("see the sign-in page", `document.querySelector("main h1")?.textContent === "Sign in"`)
	two.Fill("username", "ada")
	two.Fill("password", password)
	two.Click("Sign in")
	two.Until("be signed in", `document.querySelector("[data-testid=my-name]")?.textContent === "Ada Lovelace"`)
	ada.Click("Settings")
	ada.Until("see three", signIns+`.length === 3`)
	ada.Until("see them in words", signIns+`.map((e) => e.querySelector("strong").textContent).join().replace(/ on \w+/g, "") === "Chrome,Go-http-client,Chrome"`)
	ada.Until("know the own", signIns+`.map((e) => e.textContent.includes("This one")).join() === "false,false,true" && !`+signIns+`[2].querySelector("button")`)
	ada.accessible("sessions")
	ada.Eval(signIns + `[0].querySelector("button").click()`)
	two.Until("be signed out", `document.querySelector("main h1")?.textContent === "Sign in"`)
	ada.Until("see two", signIns+`.length === 2 && document.activeElement?.dataset.testid === "sessions"`)
	ada.Click("Sign out all others")
	ada.Until("be alone", signIns+`.length === 1 && `+signIns+`[0].textContent.includes("This one") && ![...document.querySelectorAll("dialog button")].some((b) => b.textContent === "Sign out all others")`)
	ada.Run(chromedp.Reload())
	ada.Until("be signed in still", `document.querySelector("[data-testid=my-name]")?.textContent === "Ada Lovelace"`)
}
