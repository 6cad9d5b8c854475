package web_test

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// traceEvent is one of Chromium's trace, in microseconds.
type traceEvent struct {
	Name     string          `json:"name"`
	Phase    string          `json:"ph"`
	Category string          `json:"cat"`
	Thread   int64           `json:"tid"`
	Process  int64           `json:"pid"`
	At       float64         `json:"ts"`
	Lasts    float64         `json:"dur"`
	ID       json.RawMessage `json:"id"` // text or a number
	Args     json.RawMessage `json:"args"`
}

// trace returns what Chromium traces in some categories while do runs, by time.
func (w *window) trace(do func(), categories ...string) []traceEvent {
	w.T.Helper()
	var mu sync.Mutex
	var events []traceEvent
	complete := make(chan struct{})
	var ended sync.Once // the listener lives as long as the window, and hears of later traces
	hear := func(ev any) {
		switch ev := ev.(type) {
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, v := range ev.Value {
				var e traceEvent
				if err := json.Unmarshal([]byte(v), &e); err != nil {
					w.T.Errorf("an event of the trace: %v", err)
					return
				}
				events = append(events, e)
			}
		case *tracing.EventTracingComplete:
			if ev.DataLossOccurred {
				w.T.Error("the trace is not whole")
			}
			ended.Do(func() { close(complete) })
		}
	}
	w.Listen(hear)
	w.Run(browsertest.Command(tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{IncludedCategories: categories, RecordMode: tracing.TraceConfigRecordModeRecordUntilFull}}))
	do()
	w.Run(browsertest.Command(tracing.End, cdp.Empty{}))
	<-complete
	mu.Lock()
	defer mu.Unlock()
	slices.SortStableFunc(events, func(a, b traceEvent) int { return int(a.At - b.At) })
	return events
}
