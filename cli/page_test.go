package cli_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// page is the web client in a real browser, used as a person does.
type page struct {
	t   *testing.T
	ctx context.Context
}

// openPage shows an address in a browser of its own.
func openPage(t *testing.T, url string) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findBrowser(t)), chromedp.UserDataDir(t.TempDir()), chromedp.DisableGPU,
		chromedp.NoSandbox, // CI runs as root
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	)
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatalf("starting the browser: %v", err)
	}
	p := &page{t, ctx}
	p.do(chromedp.Navigate(url))
	return p
}

func findBrowser(t *testing.T) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "headless_shell", "headless-shell", "google-chrome", "google-chrome-stable"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("this needs a browser, and there is none of %s: install chromium (make setup does)", strings.Join(names, ", "))
	return ""
}

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, crashPatience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("the page: %v\n%s", err, p.text())
	}
}

// text is what the page shows, for failures.
func (p *page) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return s
}

// until waits for a script to be true.
func (p *page) until(what, script string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, crashPatience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void]("Boolean("+script+")", chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(crashPatience))
	if err := chromedp.Do(ctx, poll); err != nil {
		p.t.Fatalf("the page never %s: %v\n%s", what, err, p.text())
	}
}

// press clicks the button or link of a name.
func (p *page) press(name string) {
	p.t.Helper()
	find := fmt.Sprintf(`[...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, a")].find((e) => e.checkVisibility() && (e.getAttribute("aria-label") ?? e.textContent).trim() === %q)`, name)
	p.until("shows "+name, find)
	p.do(chromedp.Evaluate[chromedp.Void](find + ".click()"))
}

func (p *page) fill(name, value string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(fmt.Sprintf(`input[name=%q]`, name)), value))
}

// enter makes an account and goes into a public room.
func (p *page) enter(room string) {
	p.t.Helper()
	p.press("Make an account")
	p.fill("username", "page")
	p.fill("display_name", "A Page")
	p.fill("password", "correct horse battery")
	p.press("Make my account")
	p.press("Browse public rooms")
	p.press("Join " + room)
	p.until("is in the room", fmt.Sprintf(`document.querySelector("[data-testid=room-title]")?.textContent === %q`, room))
}

// say types a message and sends it.
func (p *page) say(body string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), body), pressEnter)
}

var pressEnter = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		key := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13}
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
			return err
		}
	}
	return nil
})

// shows waits until the page shows a message as stored, once.
func (p *page) shows(body string) {
	p.t.Helper()
	p.until("shows "+body, fmt.Sprintf(`[...document.querySelectorAll("[data-testid=message][data-state=sent] [data-testid=body]")].filter((e) => e.textContent === %q).length === 1`, body))
}
