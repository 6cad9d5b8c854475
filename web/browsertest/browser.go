// Package browsertest drives the page in a real browser. Only tests import it.
//
// A test binary has one browser: the first [Open] starts it, and TestMain ends
// it with [Close]. Each window has a browser context of its own, which is to the
// server another person's browser: cookies, caches, the keep and the service
// worker are its own, and go with the window at the end of its test. So tests
// may run side by side. A browser for each test was the alternative: it took a
// second or two a test, and bought nothing that a context does not.
//
// A window finds things as people do, by name and label, and waits on
// conditions in the page, never for a time. It notes what the page complains
// of, an exception, an error on the console or a refusal of the policy, and the
// test fails of it.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience is how long a condition may take to come true on a busy machine.
const Patience = 60 * time.Second

// shared is the browser of this test binary.
var shared browser

type browser struct {
	mu  sync.Mutex
	ctx context.Context // nil until it has been started
	end func()
	err error // why it could not be started, which is not tried again
}

// Close ends the browser, if one was started, and waits for it.
func Close() { shared.close() }

func (b *browser) started() (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil && b.err == nil {
		b.err = b.start()
	}
	return b.ctx, b.err
}

func (b *browser) start() error {
	path, err := find()
	if err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // CI runs as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-GB"),
	)
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, endBrowser := chromedp.NewContext(alloc)
	end := func() { endBrowser(); endAlloc() }
	if err := chromedp.Do(ctx); err != nil {
		end()
		return fmt.Errorf("start the browser: %w", err)
	}
	b.ctx, b.end = ctx, end
	return nil
}

func (b *browser) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		b.end()
	}
	b.ctx, b.end, b.err = nil, nil, errors.New("the browser was closed")
}

// find fails where there is no browser: the page would go untested.
func find() (path string, err error) {
	names := []string{"chromium", "chromium-browser", "headless_shell", "headless-shell", "google-chrome", "google-chrome-stable"}
	for _, name := range names {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("find a browser: there is none of %s: install chromium (make setup does)", strings.Join(names, ", "))
}
