package web_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// starts makes TestStarts measure: go test ./web -run Starts -v -starts 5
var starts = flag.Int("starts", 0, "how many starts of the page to measure, with the processor throttled 4 times")

const (
	throttle    = 4
	mostFirst   = 500 * time.Millisecond
	mostSecond  = 250 * time.Millisecond
	startsRoom  = 60 // messages: more than a page
	startsAfter = "message 60"
)

// watchStart notes when the first message is in the document and a frame has been made with it.
const watchStart = `window.marks = {};
new MutationObserver((_, me) => {
	if (!document.querySelector("[data-testid=message] [data-testid=body]")) return;
	me.disconnect();
	marks.drawn = performance.now();
	requestAnimationFrame(() => setTimeout(() => { marks.shown = performance.now() }));
}).observe(document, { childList: true, subtree: true })`

// marks are the milliseconds from the navigation to what a start is made of.
type marks struct {
	Response, Script, Parsed, Me, Ready, Page, Drawn, Shown float64
}

const readMarks = `JSON.stringify((() => {
	const nav = performance.getEntriesByType("navigation")[0];
	const end = (part) => performance.getEntriesByType("resource").find((r) => r.name.includes(part))?.responseEnd ?? 0;
	return { response: nav.responseEnd, script: end("/app-"), parsed: nav.domInteractive, me: end("/me"), page: end("/messages?"), drawn: marks.drawn, shown: marks.shown };
})())`

// TestStarts measures how long it takes until messages are visible.
func TestStarts(t *testing.T) {
	if *starts == 0 {
		t.Skip("measures only when -starts says how often")
	}
	_, n, api, _, room := cafe(t)
	for i := range startsRoom {
		say(api, room, fmt.Sprintf("message %d", i+1))
	}
	link := n.url() + "/#/room/" + room
	bare := httptest.NewServer(http.HandlerFunc(barePage))
	defer bare.Close()
	var first, second, floor []float64
	for range *starts {
		floor = append(floor, openBare(t, bare.URL))
		w := openWindow(t, "start", "about:blank")
		w.setCookies(api)
		w.Run(browsertest.OnNewDocument(watchStart))
		first = append(first, w.start("first", link))
		w.settled(startsAfter)
		w.Run(chromedp.Navigate("about:blank"))
		second = append(second, w.start("second", link))
	}
	slices.Sort(floor)
	t.Logf("a document with one message in it, and nothing else: median %.0f of %.0f ms", floor[len(floor)/2], floor)
	report(t, "first", first, mostFirst)
	report(t, "second", second, mostSecond)
}

// barePage is the least that a browser can show as a message.
func barePage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><title>bare</title><div data-testid="message"><p data-testid="body">hello</p></div>`)
}

// openBare is a start of that page: what this machine takes for any, throttled.
func openBare(t *testing.T, url string) float64 {
	t.Helper()
	w := openWindow(t, "bare", "about:blank")
	w.Run(browsertest.OnNewDocument(watchStart))
	return w.start("bare", url)
}

func report(t *testing.T, what string, all []float64, most time.Duration) {
	t.Helper()
	slices.Sort(all)
	median := time.Duration(all[len(all)/2] * float64(time.Millisecond)).Round(time.Millisecond)
	t.Logf("%s start: median %v of %.0f ms, aim %v", what, median, all, most)
	if median > most {
		t.Errorf("a %s start takes %v: want at most %v", what, median, most)
	}
}

// start opens a page with the processor throttled, and returns the milliseconds until a message was shown.
func (w *window) start(what, url string) float64 {
	w.T.Helper()
	w.Run(browsertest.Command(emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: throttle}))
	before := w.metrics()
	w.Run(chromedp.Navigate(url))
	w.Until("show messages", `window.marks?.shown`)
	w.Run(browsertest.Command(emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 1}))
	spent := w.metrics()
	text := browsertest.Value[string](w.Window, readMarks)
	var m marks
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		w.T.Fatal(err)
	}
	w.T.Logf("%s start, ms: %s", what, text)
	for _, part := range []string{"TaskDuration", "ScriptDuration", "V8CompileDuration", "LayoutDuration", "RecalcStyleDuration"} {
		w.T.Logf("  %s %.0f ms of processor, throttled", part, 1000*(spent[part]-before[part]))
	}
	return m.Shown
}

// metrics are the seconds that the page's main thread has spent.
func (w *window) metrics() map[string]float64 {
	w.T.Helper()
	all := map[string]float64{}
	w.Run(
		browsertest.Command(performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			got, err := cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
			if err != nil {
				return err
			}
			for _, m := range got.Metrics {
				all[m.Name] = m.Value
			}
			return nil
		}),
	)
	return all
}

// setCookies signs a window in as a caller of REST is.
func (w *window) setCookies(c *caller) {
	w.T.Helper()
	base, err := url.Parse(c.base)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, k := range c.http.Jar.Cookies(base) {
		w.Run(browsertest.Command(network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: c.base}))
	}
}

func clearCookies(w *window) {
	w.T.Helper()
	w.Run(browsertest.Command(network.ClearBrowserCookies, cdp.Empty{}))
}
