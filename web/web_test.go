package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
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

// node is a klatch process that can be killed and started again in its place.
type node struct {
	binary, data, addr string
	cmd                *exec.Cmd
	setup              chan string // the link that makes the first administrator
}

func startNode(t *testing.T) *node {
	t.Helper()
	n := &node{binary: filepath.Join(t.TempDir(), "klatch"), data: t.TempDir(), addr: "127.0.0.1:0", setup: make(chan string, 1)}
	build := exec.Command("go", "build", "-o", n.binary, "../cli/klatch")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building klatch: %v\n%s", err, out)
	}
	n.start(t)
	t.Cleanup(func() { n.kill(t) })
	return n
}

// start runs the node and reads where it serves from the first line that it prints.
func (n *node) start(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	n.cmd = exec.Command(n.binary, "serve", "--addr", n.addr, "--ops-addr", "off", "--data", n.data)
	n.cmd.Stderr = &log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, _, _ := strings.Cut(lines.Text(), " ")
		if addr, ok := strings.CutPrefix(word, "http://"); ok {
			n.addr = addr
			go n.readOn(lines)
			return
		}
	}
	err = n.cmd.Wait()
	t.Fatalf("klatch serve ended without an address: %v\n%s", err, log.String())
}

// readOn reads what else is printed, so that the node never waits for us.
func (n *node) readOn(lines *bufio.Scanner) {
	for lines.Scan() {
		if link, _, _ := strings.Cut(lines.Text(), " "); strings.Contains(link, "#invite=") {
			n.setup <- link
		}
	}
}

// setupLink waits for the link of a first start.
func (n *node) setupLink(t *testing.T) string {
	t.Helper()
	select {
	case link := <-n.setup:
		return link
	case <-time.After(patience):
		t.Fatal("klatch serve printed no link that makes the first administrator")
		return ""
	}
}

// kill is kill -9: nothing gets a chance to be tidied up.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Log(err)
	}
	_ = n.cmd.Wait() // says only that it was killed
}

func (n *node) url() string { return "http://" + n.addr }

// caller speaks REST as a user, to do quickly what is not the page's test.
type caller struct {
	t    *testing.T
	base string
	http http.Client
}

func (n *node) login(t *testing.T, username, password string) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, base: n.url(), http: http.Client{Jar: jar}}
	c.call("POST", "/login", map[string]string{"username": username, "password": password}, nil)
	return c
}

func (c *caller) call(method, path string, body, answer any) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	for {
		req, err := http.NewRequest(method, c.base+"/api/v1"+path, bytes.NewReader(b))
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", c.base)
		resp, err := c.http.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			continue // 120 messages are more than a user's burst
		}
		if resp.StatusCode >= 300 {
			c.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, got)
		}
		if answer != nil {
			if err := json.Unmarshal(got, answer); err != nil {
				c.t.Fatal(err)
			}
		}
		return
	}
}

// findBrowser fails where there is none: the page is not tested then.
func findBrowser(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "headless_shell", "headless-shell", "google-chrome", "google-chrome-stable"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("the web client's test needs a browser, and there is none of %s: install chromium (make setup does)", strings.Join(names, ", "))
	return ""
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // CI runs as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("lang", "en-GB"),
	)
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return ctx
}

// window is a page with cookies of its own, as another person's browser has.
type window struct {
	t    *testing.T
	name string
	ctx  context.Context
}

// tellViolations makes what the server's Content-Security-Policy refuses an exception.
const tellViolations = `document.addEventListener("securitypolicyviolation",
	(e) => setTimeout(() => { throw new Error("refused by the policy: " + e.violatedDirective + " " + e.blockedURI) }))`

func openWindow(t *testing.T, parent context.Context, name, url string) *window {
	t.Helper()
	threw := func(ev any) {
		if e, ok := ev.(*runtime.EventExceptionThrown); ok {
			t.Errorf("%s: the page threw: %s", name, thrown(e.ExceptionDetails))
		}
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(threw))
	t.Cleanup(cancel)
	w := &window{t: t, name: name, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the window lives as long as this context
		t.Fatal(err)
	}
	w.run(
		chromedp.EmulateViewport(1280, 800),
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tellViolations})
			return err
		}),
		chromedp.Navigate(url),
	)
	return w
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Exception.Description
	}
	return d.Text
}

// call makes an action of a command of the browser's own protocol.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatalf("%s: %v\nthe page: %s", w.name, err, w.text())
	}
}

// text is what the page shows, for failures.
func (w *window) text() string {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return s
}

func (w *window) eval(script string) {
	w.t.Helper()
	w.run(chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise))
}

// until waits for a script to be true.
func (w *window) until(what, script string, args ...any) {
	w.t.Helper()
	script = fmt.Sprintf(script, args...)
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void]("Boolean("+script+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience))
	if err := chromedp.Do(ctx, poll); err != nil {
		w.t.Fatalf("%s: never: %s: %v\nthe page: %s", w.name, what, err, w.text())
	}
}

// click presses what has a role's label or text, as a person or a screen reader finds it.
func (w *window) click(label string) {
	w.t.Helper()
	find := fmt.Sprintf(`[...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, a")].find((e) => e.checkVisibility() && (e.getAttribute("aria-label") ?? e.textContent).trim() === %q)`, label)
	w.until("see "+label, "%s", find)
	w.eval(fmt.Sprintf(`%s.click()`, find))
}

func (w *window) fill(name, value string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(chromedp.CSS(fmt.Sprintf(`input[name=%q]`, name)), value))
}

func (w *window) register(username, display string) {
	w.t.Helper()
	w.fill("username", username)
	w.fill("display_name", display)
	w.fill("password", password)
	w.click("Make my account")
	w.until("be signed in", `document.querySelector(".me strong")?.textContent === %q`, display)
}

// say types a message and sends it with Enter.
func (w *window) say(body string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(chromedp.CSS(`.composer textarea`), body), enter)
}

// enter presses Enter as a keyboard does: SendKeys would type a line break
// even where the page has kept the key for itself.
var enter = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		key := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13}
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
			return err
		}
	}
	return nil
})

// count is a script: how many messages have exactly this text and this state.
func count(body, state string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".row.%s .text")].filter((e) => e.firstChild?.textContent === %q).length`, state, body)
}

func (w *window) sees(body string) {
	w.t.Helper()
	w.until("see "+body+" once", "%s === 1", count(body, "sent"))
}

// act opens the toolbar of a message and presses one of its buttons.
func (w *window) act(body, button string) {
	w.t.Helper()
	w.sees(body)
	w.eval(fmt.Sprintf(`[...document.querySelectorAll(".row")].find((r) => r.querySelector(".text")?.firstChild?.textContent === %q).focus()`, body))
	w.click(button)
}

func (w *window) screenshot(name string) {
	w.t.Helper()
	dir := os.Getenv("KLATCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// size makes the window a desktop's or a phone's, in light or dark.
func (w *window) size(width, height int64, scheme string) {
	w.t.Helper()
	var how []chromedp.EmulateViewportOption
	if width < 700 {
		how = append(how, chromedp.EmulateScale(2), chromedp.EmulateMobile)
	}
	colours := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	w.run(chromedp.EmulateViewport(width, height, how...), call(emulation.SetEmulatedMedia, colours))
	// The page has laid itself out anew after two frames.
	w.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}

const password = "correct horse battery"

// TestTwoPeople is the client's promise: two people find each other, talk, and
// lose nothing when the server is killed under them (I1, I5, I7).
func TestTwoPeople(t *testing.T) {
	n := startNode(t)
	b := startBrowser(t)
	ada, bob := openWindow(t, b, "ada", n.setupLink(t)), openWindow(t, b, "bob", n.url())
	ada.until("be invited", `document.querySelector(".intro")?.textContent.startsWith("You have been invited")`)
	ada.register("ada", "Ada Lovelace")
	ada.eval(`fetch("/api/v1/me").then((r) => r.json()).then((u) => { if (u.role !== "admin") throw new Error("the role is " + u.role) })`)
	bob.until("see the sign-in page", `document.querySelector(".account h1")?.textContent === "Sign in"`)
	bob.screenshot("sign-in")
	bob.click("Make an account")
	bob.register("bob", "Bob Kahn")
	t.Run("wrong password", func(t *testing.T) { wrongPassword(t, b, n) })

	ada.click("Make a room")
	ada.fill("name", "coffee")
	ada.fill("topic", "Beans, machines and everything around them")
	ada.click("Make the room")
	ada.until("be in the room", `document.querySelector(".room-head h1")?.textContent === "coffee"`)
	bob.click("Browse public rooms")
	bob.screenshot("browse")
	bob.click("Join coffee")
	bob.until("be in the room", `document.querySelector(".room-head h1")?.textContent === "coffee"`)
	ada.until("see Bob here", `[...document.querySelectorAll(".members .dot.online")].length === 2`)

	talk(ada, bob)
	change(ada, bob)
	away(ada, bob)
	direct(ada, bob)
	history(t, n, ada, bob)
	crash(t, n, ada, bob)
	looks(ada, bob)
	ada.click("Sign out")
	ada.click("Sign out") // yes
	ada.until("be signed out", `document.querySelector(".account h1")?.textContent === "Sign in"`)
}

func wrongPassword(t *testing.T, b context.Context, n *node) {
	w := openWindow(t, b, "guest", n.url())
	w.fill("username", "ada")
	w.fill("password", "not the password")
	w.click("Sign in")
	w.until("be told what is wrong", `document.querySelector(".form-error:not([hidden])")?.textContent.includes("wrong")`)
	w.click("Make an account")
	w.fill("username", "ada")
	w.fill("password", password)
	w.click("Make my account")
	w.until("be told at the field", `document.querySelector("#field-username-error")?.textContent.includes("taken")`)
	w.screenshot("error")
}

// talk goes both ways, live, and shows text as text.
func talk(ada, bob *window) {
	ada.t.Helper()
	ada.say("Good morning! Who has tried the new grinder?")
	bob.sees("Good morning! Who has tried the new grinder?")
	bob.run(chromedp.SendKeys(chromedp.CSS(`.composer textarea`), "I "))
	ada.until("see Bob type", `document.querySelector(".typing").textContent === "Bob Kahn is typing…"`)
	bob.say("have, it is <b>loud</b>: https://grinder.example/review?id=7.")
	ada.until("see a link", `document.querySelector('.text a[href="https://grinder.example/review?id=7"][rel~="noopener"]')`)
	ada.until("see text, not markup", `document.querySelector(".row:last-child .text").textContent.includes("<b>loud</b>")`)
	ada.say("@bob thank you")
	bob.until("be mentioned", `document.querySelector(".row.named .mention")?.textContent === "@bob"`)
}

// change shows edits, reactions, replies and deletions in the other window.
func change(ada, bob *window) {
	ada.t.Helper()
	bob.say("louder then a truck")
	bob.act("louder then a truck", "Edit")
	bob.until("edit", `document.querySelector(".composer textarea").value === "louder then a truck"`)
	bob.eval(`document.querySelector(".composer textarea").value = ""`)
	bob.say("louder than a truck")
	ada.sees("louder than a truck")
	ada.until("see that it was edited", `document.querySelector(".row:last-child .edited")`)

	ada.act("louder than a truck", "React")
	ada.click("Laughing")
	bob.until("see the reaction", `document.querySelector('.chip[aria-pressed="false"]')?.textContent === "😂1"`)
	bob.run(chromedp.Click(chromedp.CSS(".chip")))
	ada.until("see both", `document.querySelector('.chip[aria-pressed="true"]')?.textContent === "😂2"`)

	ada.act("louder than a truck", "Reply")
	ada.say("then I keep my old one")
	bob.until("see the reply", `document.querySelector(".row:last-child .quote span")?.textContent === "louder than a truck"`)

	ada.screenshot("conversation")

	ada.say("this one goes")
	bob.sees("this one goes")
	ada.act("this one goes", "Delete")
	ada.click("Delete")
	bob.until("see it gone", `document.querySelector(".row:last-child .text.gone")`)
}

// away counts what comes while another place is shown.
func away(ada, bob *window) {
	ada.t.Helper()
	bob.eval(`location.hash = "#/"`)
	bob.until("leave the room", `document.querySelector(".empty")`)
	ada.say("@bob are you there?")
	bob.until("see that it is unread", `document.querySelector(".badge.mention")?.textContent === "@ 1"`)
	bob.run(chromedp.Click(chromedp.CSS(`.sidebar a[href^="#/room/"]`)))
	bob.until("see where the new begins", `document.querySelector(".row .fresh")`)
	bob.until("have read it", `!document.querySelector(".badge")`)
}

// direct is a room that opens at the other's by itself.
func direct(ada, bob *window) {
	ada.t.Helper()
	bob.click("Message someone")
	bob.fill("users", "nobody-of-this-name")
	bob.click("Open")
	bob.until("be told that there is no such user", `document.querySelector("dialog .form-error:not([hidden]), dialog .field-error:not(:empty)")`)
	bob.click("Close")
	bob.click("Message someone")
	bob.fill("users", "ada")
	bob.click("Open")
	bob.until("see whom he talks to", `document.querySelector(".room-head h1")?.textContent === "Ada Lovelace"`)
	bob.say("between us")
	ada.until("have it unread", `[...document.querySelectorAll(".sidebar a.unread")].some((a) => a.querySelector(".title").textContent === "Bob Kahn" && a.querySelector(".badge").textContent === "1")`)
	ada.click("Bob Kahn1") // the link, with its badge
	ada.sees("between us")
	for _, w := range []*window{ada, bob} {
		w.click("coffee")
		w.until("be back", `document.querySelector(".room-head h1")?.textContent === "coffee"`)
	}
}

// history has more than a page: scrolling up loads it under a still eye.
func history(t *testing.T, n *node, ada, bob *window) {
	t.Helper()
	api := n.login(t, "bob", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	for i := range 120 {
		api.call("POST", "/rooms/"+room.ID+"/messages", map[string]string{"body": fmt.Sprintf("cup %d", i+1)}, nil)
	}
	ada.sees("cup 120")
	ada.until("stay at the newest", atBottom)
	ada.run(chromedp.Reload())
	ada.sees("cup 120")
	ada.until("have one page", `document.querySelectorAll(".row").length === 50`)
	ada.until("stand at the newest", atBottom)
	ada.until("have read all", `!document.querySelector(".badge")`)

	// A row in view must stay where it is while older ones come above it.
	ada.eval(`window.watched = [...document.querySelectorAll(".row")][12];
		document.querySelector(".viewport").scrollTop = watched.offsetTop - 100;
		window.watchedTop = watched.getBoundingClientRect().top; null`)
	ada.until("load the page before", `document.querySelectorAll(".row").length >= 100`)
	ada.until("see no jump", `Math.abs(watched.getBoundingClientRect().top - watchedTop) < 2`)
	bob.say("while you were reading")
	ada.until("be told below", `document.querySelector(".jump:not([hidden])")?.textContent === "1 new message"`)
	ada.until("still see no jump", `Math.abs(watched.getBoundingClientRect().top - watchedTop) < 2`)
	ada.screenshot("scrolled-up")
	ada.run(chromedp.Click(chromedp.CSS(".jump")))
	ada.until("be at the newest", atBottom)
	for range 3 {
		ada.eval(`document.querySelector(".viewport").scrollTop = 0`)
		ada.until("have loaded", `!document.querySelector(".top .loading") || document.querySelector(".viewport").scrollTop > 0`)
	}
	ada.until("reach the beginning", `(document.querySelector(".viewport").scrollTop = 0, document.querySelector(".top .beginning"))`)
	ada.sees("Good morning! Who has tried the new grinder?")
	ada.run(chromedp.Click(chromedp.CSS(".jump")))
}

const atBottom = `(() => { const v = document.querySelector(".viewport"); return v.scrollHeight - v.scrollTop - v.clientHeight < 2 })()`

// crash kills the server under both: they come back by themselves and lose nothing.
func crash(t *testing.T, n *node, ada, bob *window) {
	t.Helper()
	ada.say("before the crash")
	ada.sees("before the crash") // acknowledged
	n.kill(t)
	for _, w := range []*window{ada, bob} {
		w.until("notice", `document.querySelector(".banner:not([hidden])")?.textContent.includes("Reconnecting")`)
	}
	ada.say("while the server was down")
	ada.until("have it waiting", "%s === 1", count("while the server was down", "pending"))
	ada.screenshot("reconnecting")
	n.start(t)
	for _, w := range []*window{ada, bob} {
		w.until("come back", `document.querySelector(".banner[hidden]")`)
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
	bob.run(chromedp.SendKeys(chromedp.CSS(`.composer textarea`), "…"))
	ada.until("see Bob type", `document.querySelector(".typing").textContent !== ""`)
	ada.size(1280, 800, "light")
	ada.screenshot("desktop-light")
	ada.size(1280, 800, "dark")
	ada.screenshot("desktop-dark")
	for _, scheme := range []string{"light", "dark"} {
		ada.size(390, 844, scheme)
		ada.until("fit the phone", `document.documentElement.scrollWidth <= 390 && %s`, atBottom)
		ada.screenshot("phone-" + scheme)
	}
	ada.click("Members")
	ada.screenshot("phone-members")
	ada.click("Close the member list")
	ada.eval(`location.hash = "#/"`)
	ada.until("see the list of rooms", `document.querySelector(".sidebar").checkVisibility() && !document.querySelector(".room").checkVisibility()`)
	ada.screenshot("phone-rooms")
	ada.size(1280, 800, "light")
}
