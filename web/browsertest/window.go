package browsertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Window is a page, with the cookies and the storage of its browser context.
// Its methods end the test where the page does not do what they ask for.
type Window struct {
	T    testing.TB
	Name string
	ctx  context.Context
}

// Open shows an address in a window whose browser context is its own.
func Open(t testing.TB, name, url string) *Window {
	t.Helper()
	ctx, err := shared.started()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, ctx, name, url, chromedp.WithNewBrowserContext())
}

// Tab shows an address beside the window, in the same browser context.
func (w *Window) Tab(name, url string) *Window {
	w.T.Helper()
	return open(w.T, w.ctx, name, url)
}

func open(t testing.TB, parent context.Context, name, url string, options ...chromedp.ContextOption) *Window {
	t.Helper()
	heard := &complaints{}
	t.Cleanup(func() { heard.tell(t, name) }) // after the window was closed
	ctx, closeWindow := chromedp.NewContext(parent, append(options, chromedp.WithListener(heard.hear))...)
	t.Cleanup(closeWindow)
	if err := chromedp.Do(ctx); err != nil { // the window lives as long as this context
		t.Fatalf("%s: opening the window: %v", name, err)
	}
	w := &Window{T: t, Name: name, ctx: ctx}
	w.Run(
		Command(cdplog.Enable, cdp.Empty{}),
		chromedp.EmulateViewport(1280, 800),
		// Each page is in front, whatever others do at the same time.
		Command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		OnNewDocument(tellViolations),
		chromedp.Navigate(url),
	)
	return w
}

// Listen has a function hear what the browser tells of the page, as long as that
// lives. It must be quick, and run no command.
func (w *Window) Listen(hear func(event any)) {
	w.T.Helper()
	if err := chromedp.Listen(w.ctx, hear); err != nil {
		w.T.Fatalf("%s: listening: %v", w.Name, err)
	}
}

// Command makes an action of a command of the browser's own protocol.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// OnNewDocument makes an action that runs a script in all documents to come, before their own.
func OnNewDocument(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

func (w *Window) Run(actions ...chromedp.Action[chromedp.Void]) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.T.Fatalf("%s: %v\nthe page: %s", w.Name, err, w.text())
	}
}

// Get runs an action for its result.
func Get[T any](w *Window, action chromedp.Action[T]) T {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	got, err := chromedp.Run(ctx, action)
	if err != nil {
		w.T.Fatalf("%s: %v\nthe page: %s", w.Name, err, w.text())
	}
	return got
}

// Value is a script's, or what its promise comes to.
func Value[T any](w *Window, script string) T {
	w.T.Helper()
	return Get(w, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Eval runs a script, and waits where it is a promise.
func (w *Window) Eval(script string) {
	w.T.Helper()
	w.Run(chromedp.Evaluate[chromedp.Void](script, chromedp.EvalAwaitPromise))
}

// Until waits for a script to be true.
func (w *Window) Until(what, script string, args ...any) {
	w.T.Helper()
	script = fmt.Sprintf(script, args...)
	ctx, cancel := context.WithTimeout(w.ctx, Patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void]("Boolean("+script+")", chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(Patience))
	if err := chromedp.Do(ctx, poll); err != nil {
		w.T.Fatalf("%s: never: %s: %v\nthe page: %s", w.Name, what, err, w.text())
	}
}

// text is what the page shows, for failures.
func (w *Window) text() string {
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return s
}

// Size makes the window a desktop's or a phone's, in light or dark.
func (w *Window) Size(width, height int64, scheme string) {
	w.T.Helper()
	var how []chromedp.EmulateViewportOption
	if width < 700 {
		how = append(how, chromedp.EmulateScale(2), chromedp.EmulateMobile)
	}
	colours := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	w.Run(chromedp.EmulateViewport(width, height, how...), Command(emulation.SetEmulatedMedia, colours))
	w.Settle()
}

// Settle waits for two frames: what was to be drawn and laid out has been then,
// and what the page does after that has begun.
func (w *Window) Settle() {
	w.T.Helper()
	w.Eval(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}
