package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

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
	complained := func(ev any) {
		if what := complaint(ev); what != "" {
			t.Errorf("%s: the page complained: %s", name, what)
		}
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(complained))
	t.Cleanup(cancel)
	w := &window{t: t, name: name, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the window lives as long as this context
		t.Fatal(err)
	}
	w.run(
		call(cdplog.Enable, cdp.Empty{}),
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

// complaint is what the console shows as an error. What the network refuses is
// logged by the browser itself: the tests refuse much of it on purpose.
func complaint(ev any) string {
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		return thrown(e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			b, _ := json.Marshal(e.Args)
			return string(b)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError && e.Entry.Source != cdplog.EntrySourceNetwork {
			return e.Entry.Text + " " + e.Entry.URL
		}
	}
	return ""
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
	w.until("be signed in", `document.querySelector("[data-testid=my-name]")?.textContent === %q`, display)
}

// say types a message and sends it with Enter.
func (w *window) say(body string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), body), enter)
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
	return fmt.Sprintf(`[...document.querySelectorAll("[data-testid=message][data-state=%s] [data-testid=body]")].filter((e) => e.textContent === %q).length`, state, body)
}

func (w *window) sees(body string) {
	w.t.Helper()
	w.until("see "+body+" once", "%s === 1", count(body, "sent"))
}

// act opens the toolbar of a message and presses one of its buttons.
func (w *window) act(body, button string) {
	w.t.Helper()
	w.sees(body)
	w.eval(fmt.Sprintf(`[...document.querySelectorAll("[data-testid=message]")].find((r) => r.querySelector("[data-testid=body]")?.textContent === %q).focus()`, body))
	w.click(button)
}

// size makes the window a desktop's or a phone's, in light or dark.
func (w *window) size(width, height int64, scheme string) {
	w.t.Helper()
	var how []chromedp.EmulateViewportOption
	if width < 700 {
		how = append(how, chromedp.EmulateScale(2), chromedp.EmulateMobile)
	}
	colours := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	w.run(chromedp.EmulateViewport(width, height, how...), call(emulation.SetEmulatedMedia, colours))
	// The page has laid itself out anew after two frames.
	w.eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}
