package browsertest

import (
	"encoding/json"
	"sync"
	"testing"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// mostComplaints of a window are told; of the rest, how many there were.
const mostComplaints = 20

// complaints are what a page should not have said. The browser tells of them at
// any time, and the test hears of them at its end, in its own goroutine.
type complaints struct {
	mu    sync.Mutex
	texts []string
	more  int
}

func (c *complaints) hear(ev any) {
	text := complaint(ev)
	if text == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.texts) == mostComplaints {
		c.more++
		return
	}
	c.texts = append(c.texts, text)
}

func (c *complaints) tell(t testing.TB, name string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.texts {
		t.Errorf("%s: the page complained: %s", name, text)
	}
	if c.more > 0 {
		t.Errorf("%s: the page complained %d times more", name, c.more)
	}
}

// complaint is what the console shows as an error. What the network refuses is
// logged by the browser itself: the tests refuse much of it on purpose.
func complaint(ev any) string {
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		return thrown(e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			b, _ := json.Marshal(e.Args) // decoded from JSON a moment ago
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

// tellViolations makes what the server's Content-Security-Policy refuses an exception.
const tellViolations = `document.addEventListener("securitypolicyviolation",
	(e) => setTimeout(() => { throw new Error("refused by the policy: " + e.violatedDirective + " " + e.blockedURI) }))`
