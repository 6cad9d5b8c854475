package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// press presses a key by its name, as a keyboard does.
func press(name string, code int64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			key := input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
				return err
			}
		}
		return nil
	})
}

var (
	tab    = press("Tab", 9)
	escape = press("Escape", 27)
	left   = press("ArrowLeft", 37)
	right  = press("ArrowRight", 39)
	down   = press("ArrowDown", 40)
)

// types writes into the composer without sending it.
func (w *window) types(text string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), text))
}

// cafe is a room of ada's with bob in it, open in ada's window.
func cafe(t *testing.T) (ada *window, n *node, a, b *caller, room string) {
	t.Helper()
	n = startNode(t)
	ada = openWindow(t, startBrowser(t), "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	a, b = n.login(t, "ada", password), n.register(t, "bob", "Bob Kahn")
	var r struct{ ID string }
	a.call("POST", "/rooms", map[string]string{"name": "coffee"}, &r)
	b.call("POST", "/rooms/"+r.ID+"/join", nil, nil)
	ada.goTo(r.ID)
	ada.until("have the room", `document.querySelector("[data-testid=beginning]")`)
	return ada, n, a, b, r.ID
}

const (
	composed = `document.querySelector("[data-testid=composer]").value`
	options  = `[...document.querySelectorAll("[data-testid=completion] [role=option]")]`
	noList   = `!document.querySelector("[data-testid=completion]")`
)

func TestCompletion(t *testing.T) {
	ada, _, _, _, _ := cafe(t)
	ada.types("hi @b")
	ada.until("be offered bob", options+`.length === 1 && `+options+`[0].textContent.includes("Bob Kahn")`)
	ada.until("be told which one", `document.getElementById(document.querySelector("[data-testid=composer]").getAttribute("aria-activedescendant"))?.getAttribute("aria-selected") === "true"`)
	ada.accessible("completion")
	ada.run(enter)
	ada.until("have the name and not have sent it", composed+` === "hi @bob " && `+noList)
	ada.types(":coff")
	ada.until("be offered coffee", options+`[0]?.textContent.includes("☕")`)
	ada.run(tab)
	ada.until("have the cup", composed+` === "hi @bob ☕ "`)
	ada.types("@")
	ada.until("be offered everybody", options+`.length === 3`)
	ada.run(down)
	ada.until("be at the second", options+`[1].getAttribute("aria-selected") === "true"`)
	ada.run(escape)
	ada.until("see none", noList)
	ada.types("bo")
	ada.until("have sent them away", composed+`.endsWith("@bo") && `+noList)
	ada.types("b :tada:")
	ada.until("have the emoji", composed+` === "hi @bob ☕ @bob 🎉"`)
	ada.run(enter)
	ada.sees("hi @bob ☕ @bob 🎉")
	ada.until("have named bob", `document.querySelectorAll("[data-testid=body] .mention").length === 2`)
}

func TestEmojiPicker(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "lunch?")
	ada.act("lunch?", "React")
	ada.click("More emoji")
	ada.until("be where one searches", `document.activeElement?.dataset.testid === "emoji-search"`)
	ada.accessible("emoji picker")
	ada.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=emoji-search]`), "taco"), enter)
	ada.until("have reacted", `document.querySelector("[data-testid=reaction]")?.textContent === "🌮1" && !document.querySelector("dialog")`)
	ada.click("Choose an emoji")
	ada.until("have it at hand", `document.querySelector(".emoji-groups [role=grid]")?.getAttribute("aria-label") === "Used lately" && document.activeElement?.dataset.testid === "emoji-search"`)
	ada.run(down)
	ada.until("be on it", `document.activeElement?.textContent === "🌮"`)
	ada.run(down)
	ada.until("be below it", `document.activeElement?.textContent === "😀"`)
	ada.run(right, right, left)
	ada.until("be beside that", `document.activeElement?.textContent === "😃"`)
	ada.run(enter)
	ada.until("have written it", composed+` === "😃" && document.activeElement?.dataset.testid === "composer"`)
}

func TestFirstUnread(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "before")
	ada.sees("before")
	ada.until("have read it", `!document.querySelector("[data-testid=badge]")`)
	// The read marker is on its way for a moment: another window of ada's would wait for it likewise.
	ada.goTo("")
	ada.until("be away", `document.querySelector("[data-testid=welcome]")`)
	for i := range 90 {
		say(bob, room, fmt.Sprintf("while away %d", i))
	}
	ada.until("be told by the title", `/^\(9\d\)/.test(document.title)`)
	ada.until("be told by the icon", `document.querySelector("link[rel=icon]").href.includes("unread")`)
	ada.goTo(room)
	ada.sees("while away 89")
	ada.until("be offered a way", `document.querySelector("[data-testid=first-unread]")`)
	ada.accessible("first unread")
	ada.eval(`document.querySelector("[data-testid=first-unread]").click()`)
	ada.until("be at the first unread", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "while away 0"`)
	ada.until("see the line there", `document.activeElement?.querySelector("[data-testid=new-line]")`)
	ada.until("be offered it no more", `!document.querySelector("[data-testid=first-unread]")`)
}

// TestAway: what comes into the open room while nobody looks is unread, and begins below a line.
func TestAway(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	say(bob, room, "before")
	ada.sees("before")
	ada.until("have read it", `!document.querySelector("[data-testid=badge]")`)
	ada.eval(`document.hasFocus = () => false; window.dispatchEvent(new Event("blur"))`)
	say(bob, room, "while away")
	ada.sees("while away")
	ada.until("be told", `document.title.startsWith("(1)")`)
	ada.eval(`delete document.hasFocus; window.dispatchEvent(new Event("focus"))`)
	ada.until("see where it begins", `[...document.querySelectorAll("[data-testid=message]")].find((m) => m.querySelector("[data-testid=new-line]"))?.textContent.includes("while away")`)
	ada.until("have read it", `!document.title.startsWith("(") && !document.querySelector("[data-testid=badge]")`)
}

func TestJumpToDateAndCopyLink(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	for i := range 120 {
		say(bob, room, fmt.Sprintf("line %d", i))
	}
	ada.sees("line 119")
	ada.click("Jump to a date")
	ada.until("see the date", `document.querySelector("dialog input[type=date]")?.value`)
	ada.accessible("jump to a date")
	ada.eval(`document.querySelector("dialog input[type=date]").value = "2020-01-01"`)
	ada.click("Jump")
	ada.until("be at the first", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "line 0"`)
	ada.eval(`navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }`)
	ada.act("line 0", "Copy link")
	ada.until("have the link", `window.copied?.includes(%q)`, "#/room/"+room+"/")
	ada.goTo("")
	ada.until("be away", `document.querySelector("[data-testid=welcome]")`)
	ada.eval(`location.href = window.copied`)
	ada.until("be there by the link", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "line 0"`)
}

func TestSettings(t *testing.T) {
	ada, n, _, _, _ := cafe(t)
	ada.click("Settings")
	ada.until("see them", `document.querySelector("dialog input[name=display_name]")?.value === "Ada Lovelace"`)
	ada.accessible("settings")
	ada.eval(`document.querySelector("dialog input[name=display_name]").value = ""`)
	ada.fill("display_name", "Countess")
	ada.click("Save")
	ada.until("be called so", `document.querySelector("[data-testid=my-name]").textContent === "Countess"`)
	ada.eval(`document.querySelector("input[name=theme][value=dark]").click(); document.querySelector("input[name=density][value=dense]").click()`)
	ada.until("be dark", `getComputedStyle(document.documentElement).colorScheme === "dark" && document.documentElement.dataset.density === "dense"`)
	ada.fill("current_password", "wrong password")
	ada.fill("password", "another good password")
	ada.click("Change password")
	ada.until("be refused", `document.querySelector("dialog [data-testid=error-current_password]").textContent || [...document.querySelectorAll("dialog [data-testid=form-error]")].some((e) => e.textContent)`)
	ada.eval(`document.querySelector("dialog input[name=current_password]").value = ""`)
	ada.fill("current_password", password)
	ada.click("Change password")
	ada.until("be told", `[...document.querySelectorAll("dialog .saved")].some((e) => e.textContent === "Saved.") && document.querySelector("dialog input[name=password]").value === ""`)
	n.login(t, "ada", "another good password")
	ada.run(chromedp.Reload())
	ada.until("be dark still, and signed in", `document.documentElement.dataset.theme === "dark" && document.querySelector("[data-testid=my-name]")?.textContent === "Countess"`)
}

func TestNotifications(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	ada.eval(`window.told = []; window.asked = 0; window.Notification = class {
		static permission = "default";
		static requestPermission() { asked++; this.permission = "granted"; return Promise.resolve("granted"); }
		constructor(title, options) { told.push(title + ": " + options.body); }
		close() {}
	}; document.hasFocus = () => false`)
	say(bob, room, "@ada nobody is told of this")
	ada.sees("@ada nobody is told of this")
	ada.click("Settings")
	ada.tick("Notify me of mentions and direct messages")
	ada.until("have been asked once", `asked === 1`)
	ada.until("have it on", `!document.getElementById([...document.querySelectorAll("dialog label")].find((l) => l.textContent === "Show what the message says").htmlFor).disabled`)
	say(bob, room, "no name, no noise")
	say(bob, room, "@ada *hush*")
	ada.until("be told without the text", `told.join() === "Bob Kahn · coffee: You were mentioned"`)
	ada.tick("Show what the message says")
	say(bob, room, "@ada **loud**")
	ada.until("be told with it", `told.length === 2 && told[1] === "Bob Kahn · coffee: @ada loud"`)
}

// tick presses the control that a label is of.
func (w *window) tick(label string) {
	w.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll("dialog label")].find((l) => l.textContent === %q)`, label)
	w.until("see "+label, "%s", find)
	w.eval(find + `.click()`)
}

func TestInvite(t *testing.T) {
	ada, n, _, _, _ := cafe(t)
	ada.click("Settings")
	ada.click("Make an invite")
	ada.until("have a link", `document.querySelector("[data-testid=invite-link]")?.value.includes("#invite=")`)
	link, err := chromedp.Run(ada.ctx, chromedp.Evaluate[string](`document.querySelector("[data-testid=invite-link]").value`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link, n.url()) {
		t.Fatalf("the link is %s, not of %s", link, n.url())
	}
	eve := openWindow(t, startBrowser(t), "eve", link)
	eve.until("be invited", `document.querySelector("[data-testid=intro]")?.textContent.includes("invited")`)
	eve.register("eve", "Eve")
}

func TestRoomSettings(t *testing.T) {
	ada, _, a, bob, room := cafe(t)
	ada.click("Room settings")
	ada.until("see bob", `document.querySelector("dialog select[aria-label='Role of Bob Kahn']")`)
	ada.accessible("room settings")
	ada.fill("topic", "Beans")
	ada.click("Save")
	ada.until("see the topic", `document.querySelector(".room-head p")?.textContent === "Beans"`)
	ada.eval(`(() => { const s = document.querySelector("dialog select[aria-label='Role of Bob Kahn']"); s.value = "moderator"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`)
	ada.until("see him moderate", `document.querySelector("[data-testid=members]").textContent.includes("moderator")`)
	var r struct{ Role string }
	bob.call("GET", "/rooms/"+room, nil, &r)
	if r.Role != "moderator" {
		t.Errorf("bob is %q, not a moderator", r.Role)
	}
	ada.click("Remove Bob Kahn")
	ada.until("see him gone", `!document.querySelector("dialog select[aria-label='Role of Bob Kahn']")`)
	bob.call("GET", "/rooms/"+room, nil, &r)
	if r.Role != "" {
		t.Errorf("bob is still %q", r.Role)
	}
	ada.fill("confirm", "cofee")
	ada.click("Delete this room")
	ada.until("be asked for the right name", `[...document.querySelectorAll("dialog [data-testid=form-error]")].some((e) => e.textContent)`)
	ada.fill("confirm", "x")
	ada.eval(`document.querySelector("dialog input[name=confirm]").value = "coffee"`)
	ada.click("Delete this room")
	ada.until("see it gone", `document.querySelector("[data-testid=welcome]") && !document.querySelector("[data-testid=room-link]")`)
	var rooms struct{ Items []any }
	a.call("GET", "/rooms?filter=joined", nil, &rooms)
	if len(rooms.Items) != 0 {
		t.Errorf("%d rooms are left", len(rooms.Items))
	}
}

func TestCodeAndLongBodies(t *testing.T) {
	ada, _, _, bob, room := cafe(t)
	ada.until("not have fetched colours yet", `!performance.getEntriesByType("resource").some((e) => e.name.includes("highlight"))`)
	say(bob, room, "```go\nfunc brew() string { return \"<b>hot</b>\" }\n```")
	ada.until("see colours", `document.querySelector("[data-testid=body] .hljs-keyword")?.textContent === "func"`)
	ada.until("see all of the text", `document.querySelector("[data-testid=body] code").textContent.trim() === 'func brew() string { return "<b>hot</b>" }'`)
	ada.accessible("code")
	say(bob, room, strings.Repeat("and on\n", 60)+"the end")
	ada.until("see it folded", `document.querySelector(".folded")?.getBoundingClientRect().height < 700`)
	ada.click("Show all")
	ada.until("see all", `!document.querySelector(".folded") && document.querySelector(".fold .body").getBoundingClientRect().height > 1000`)
	ada.click("Show less")
	ada.until("see less", `document.querySelector(".folded")`)
}
