package web_test

import (
	"flag"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// traffic makes TestHeap long: go test ./web -run TestHeap -v -heap.time 30m -timeout 40m
var traffic = flag.Duration("heap.time", 0, "how long TestHeap has messages come; 0: it is left out")

const (
	heapRate  = 20 // messages a second
	heapFirst = time.Minute
	heapMost  = 1.5 // times the heap of the first minute
)

// TestHeap is a page that is left open in a busy room: what it holds does not grow with what it has seen (I6).
func TestHeap(t *testing.T) {
	if *traffic == 0 {
		t.Skip("lasts as long as -heap.time says")
	}
	ada, _, _, bob, room := cafe(t)
	begun := time.Now()
	tick := time.NewTicker(time.Second / heapRate)
	defer tick.Stop()
	var first float64
	sent := 0
	for ; time.Since(begun) < *traffic; <-tick.C {
		say(bob, room, body(sent))
		sent++
		if first == 0 && time.Since(begun) >= min(heapFirst, *traffic/3) {
			first = ada.heap()
			t.Logf("after %s and %d messages: %.2f MB of heap, %.0f rows", time.Since(begun).Round(time.Second), sent, first/1e6, ada.number(rowsDrawn))
		}
	}
	last := ada.heap()
	t.Logf("after %s and %d messages: %.2f MB of heap, %.0f rows: %.2f times as much", time.Since(begun).Round(time.Second), sent, last/1e6, ada.number(rowsDrawn), last/first)
	if last > heapMost*first {
		t.Errorf("the heap is %.2f times that of the first minute: want at most %v", last/first, heapMost)
	}
}

const rowsDrawn = `document.querySelectorAll("[data-testid=message]").length`

// heap is what is in use after what is not has been collected, in bytes.
func (w *window) heap() float64 {
	w.T.Helper()
	w.Run(browsertest.Command(heapprofiler.CollectGarbage, cdp.Empty{}))
	return w.metrics()["JSHeapUsedSize"]
}
