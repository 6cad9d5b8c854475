package web_test

import (
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// scrolled makes TestScroll long, and has it measure:
// go test ./web -run TestScroll -v -scroll.messages 1000000
var scrolled = flag.Int("scroll.messages", 0, "messages in the room of TestScroll, whose frames are measured then, with the processor throttled 4 times")

const (
	scrollShort = 3000 // messages when nothing is measured
	scrollRows  = 10_000
	scrollSpeed = 8000 // pixels a second: a page of the screen in a tenth
)

// TestScroll goes back through a long room: what is read stays where it is when
// older pages come, the document stays small, and nothing is left out.
func TestScroll(t *testing.T) {
	t.Parallel()
	ada, n, _, _, room := cafe(t)
	n.kill(t)
	messages := max(*scrolled, scrollShort)
	begun := time.Now()
	n.fill(t, room, messages)
	t.Logf("%d messages in %s", messages, time.Since(begun).Round(time.Second))
	n.start(t)
	ada.Until("come back", `document.querySelector("[data-testid=banner][data-state=online]")`)
	ada.goTo(room)
	ada.Until("stand at the newest", `document.querySelectorAll("[data-testid=message]").length > 10 && `+atBottom)
	if *scrolled == 0 {
		ada.holds(t, 20)
		return
	}
	ada.frames(t)
	ada.holds(t, 200)
}

// holds stands still while older pages come, again and again, and looks in every
// frame whether what is in view moved.
func (w *window) holds(t *testing.T, pages int) {
	t.Helper()
	w.Eval(`window.jump = 0; window.most = 0; window.lost = 0;
	window.log = document.querySelector("[data-testid=log]");
	window.edge = () => log.getBoundingClientRect().top;
	window.numbers = () => [...log.querySelectorAll("[data-testid=body]")].map((b) => Number(/^row (\d+)/.exec(b.textContent)[1]));
	(function look() {
		most = Math.max(most, document.querySelectorAll("[data-testid=message]").length);
		if (window.held?.isConnected) jump = Math.max(jump, Math.abs(held.getBoundingClientRect().top - heldTop));
		const all = numbers();
		if (all.some((n, i) => i > 0 && n !== all[i - 1] + 1)) lost++;
		requestAnimationFrame(look);
	})()`)
	for i := range pages {
		w.Eval(`new Promise((done) => {
			held = null;
			window.height = log.scrollHeight;
			log.scrollTop = 700;
			requestAnimationFrame(() => requestAnimationFrame(() => {
				window.held = [...log.querySelectorAll("[data-testid=message]")].find((r) => r.getBoundingClientRect().top > edge() + 100)?.querySelector(".message");
				window.heldTop = held.getBoundingClientRect().top;
				done();
			}));
		})`)
		w.Until("have an older page", `log.scrollTop > 1200 && log.ariaBusy === "false"`)
		if i%10 == 9 {
			w.Until("see no jump and no gap", `jump <= 1 && lost === 0 && most < 300`)
		}
	}
	w.Until("have seen no jump and no gap", `jump <= 1 && lost === 0 && most < 300`)
	t.Logf("%d pages: a row in view moved by at most %.2f px, %.0f rows in the document", pages, w.number(`jump`), w.number(`most`))
}

// frames measures what Chromium draws while a person flings back through the room.
func (w *window) frames(t *testing.T) {
	t.Helper()
	first := w.number(`Number(/^row (\d+)/.exec(document.querySelector("[data-testid=body]").textContent)[1])`)
	w.Run(browsertest.Command(emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: throttle}))
	var passed float64
	events := w.trace(func() {
		for passed < scrollRows {
			w.fling(60_000) // under ten seconds
			passed = first - w.number(`Number(/^row (\d+)/.exec(document.querySelector("[data-testid=body]").textContent)[1])`)
		}
	}, "devtools.timeline", "disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame", "toplevel")
	w.Run(browsertest.Command(emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 1}))
	drawn := intervals(events, "DrawFrame")
	plain := plainFrames(t)
	t.Logf("a plain list, ms: p50 %.1f, p95 %.1f, most %.1f; within 17 ms %.3f", quantile(plain, 0.5), quantile(plain, 0.95), quantile(plain, 1), within(plain, 17))
	tasks := w.tasks(events)
	t.Logf("%.0f rows in %d frames; between frames, ms: p50 %.1f, p95 %.1f, p99 %.1f, most %.1f; within 17 ms %.3f", passed, len(drawn),
		quantile(drawn, 0.5), quantile(drawn, 0.95), quantile(drawn, 0.99), quantile(drawn, 1), within(drawn, 17))
	t.Logf("tasks of the main thread, ms: p99 %.1f, most %.1f", quantile(tasks, 0.99), quantile(tasks, 1))
	if quantile(drawn, 1) > 100 {
		t.Errorf("a frame took %.1f ms: want at most 100", quantile(drawn, 1))
	}
	if within(drawn, 17) < 0.95 {
		t.Errorf("%.3f of the frames came within 17 ms: want 0.95", within(drawn, 17))
	}
}

// plainFrames is what the same gesture comes to in a list that is only there: what
// this machine draws at best.
func plainFrames(t *testing.T) []float64 {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>plain</title><style>body { margin: 0 } #log { height: 100vh; overflow: auto } p { margin: 0; padding: 4px 60px }</style><div id="log">`)
		for i := range scrollRows / 4 {
			_, _ = fmt.Fprintf(w, "<p>%s</p>", html.EscapeString(body(i)))
		}
		_, _ = io.WriteString(w, `</div><script>document.getElementById("log").scrollTop = 1e9</script>`)
	}))
	t.Cleanup(page.Close)
	w := openWindow(t, "plain", page.URL)
	w.Run(browsertest.Command(emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: throttle}))
	events := w.trace(func() { w.fling(60_000) }, "devtools.timeline", "disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame", "toplevel")
	return intervals(events, "DrawFrame")
}

// fling scrolls back by a gesture, as a touchpad does, through the compositor.
func (w *window) fling(pixels float64) {
	w.T.Helper()
	gesture := input.SynthesizeScrollGestureParams{X: 640, Y: 400, YDistance: pixels, Speed: scrollSpeed, GestureSourceType: input.GestureSourceTypeMouse}
	w.Run(browsertest.Command(input.SynthesizeScrollGesture, gesture))
}

// intervals are the milliseconds between the events of a name, of the process that has most of them.
func intervals(events []traceEvent, name string) []float64 {
	at := map[int64][]float64{}
	for _, e := range events {
		if e.Name == name {
			at[e.Process] = append(at[e.Process], e.At)
		}
	}
	var all []float64
	for _, times := range at {
		if len(times) > len(all) {
			all = times
		}
	}
	var between []float64
	for i := 1; i < len(all); i++ {
		between = append(between, (all[i]-all[i-1])/1000)
	}
	slices.Sort(between)
	return between
}

// tasks are the milliseconds of each task of the page's main thread.
func (w *window) tasks(events []traceEvent) []float64 {
	w.T.Helper()
	type thread struct{ process, id int64 }
	layouts := map[thread]int{}
	for _, e := range events {
		if e.Name == "UpdateLayoutTree" {
			layouts[thread{e.Process, e.Thread}]++
		}
	}
	var main thread
	for t, n := range layouts {
		if n > layouts[main] {
			main = t
		}
	}
	var all []float64
	for _, e := range events {
		if e.Name == "ThreadControllerImpl::RunTask" && (thread{e.Process, e.Thread}) == main {
			all = append(all, e.Lasts/1000)
		}
	}
	slices.Sort(all)
	return all
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func within(sorted []float64, most float64) float64 {
	n, _ := slices.BinarySearch(sorted, most+0.5) // a tick of 60 Hz is 16.7 ms, give or take the clock
	return float64(n) / float64(max(len(sorted), 1))
}

func (w *window) number(script string) float64 {
	w.T.Helper()
	return browsertest.Value[float64](w.Window, script)
}
