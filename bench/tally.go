package bench

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally is what one loop has counted; owned by it but for the atomics.
type tally struct {
	delivered atomic.Uint64 // once each: neither doubled nor foreign
	answered  atomic.Uint64 // pages

	doubled, disordered, foreign, errors uint64
	firstError                           string

	from     int64 // what was intended earlier is warm-up
	all      *hdrhistogram.Histogram
	interval *hdrhistogram.Histogram // of all, since the last sample
	entry    *hdrhistogram.Histogram // from fleet.dial to a client's ready
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
}

func newTally() tally {
	return tally{all: newHistogram(), interval: newHistogram(), entry: newHistogram()}
}

// latency counts what was intended at a time and has come now.
func (t *tally) latency(now, at int64) {
	if at < t.from {
		return
	}
	record(t.all, now-at)
	record(t.interval, now-at)
}

func record(h *hdrhistogram.Histogram, nanos int64) {
	us := min(max(1, nanos/1000), int64(time.Minute/time.Microsecond))
	_ = h.RecordValue(us) // cannot fail: it is within the bounds
}

func (t *tally) fail(c *Client, text string) {
	t.errors++
	if t.firstError == "" {
		t.firstError = fmt.Sprintf("%s: %s", c.Name(), text)
	}
}

// add puts another loop's tally to a sum.
func (t *tally) add(o *tally) {
	t.delivered.Add(o.delivered.Load())
	t.answered.Add(o.answered.Load())
	t.doubled += o.doubled
	t.disordered += o.disordered
	t.foreign += o.foreign
	t.errors += o.errors
	if t.firstError == "" {
		t.firstError = o.firstError
	}
	t.all.Merge(o.all)
	t.entry.Merge(o.entry)
}
