package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run found. Latencies are from a post's intended time to a delivery.
type Result struct {
	Users  int     `json:"users"`
	Rooms  int     `json:"rooms"`
	Rate   float64 `json:"posts_per_second"`
	Posted uint64  `json:"posted"`
	Late   uint64  `json:"late"` // posts that the generator itself started late

	Delivered  uint64 `json:"delivered"`
	Expected   uint64 `json:"expected"`
	Lost       uint64 `json:"lost"`
	Doubled    uint64 `json:"doubled"`
	Disordered uint64 `json:"disordered"`
	Errors     uint64 `json:"errors"`
	FirstError string `json:"first_error,omitempty"`
	Dropped    int64  `json:"dropped"` // connections that the server ended, stalled ones aside

	StalledCodes map[uint32]int `json:"stalled_codes,omitempty"` // how the server ended stalled readers: close code, 1006 for none; 0: not at all

	P50 float64 `json:"p50_ms"`
	P90 float64 `json:"p90_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`

	Usage Usage `json:"server"`
}

func (r *run) result(usage Usage) Result {
	all := hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
	for i := range r.hists {
		r.hists[i].Lock()
		all.Merge(r.hists[i].h)
		r.hists[i].Unlock()
	}
	ms := func(q float64) float64 { return float64(all.ValueAtQuantile(q)) / 1000 }
	c := &r.count
	res := Result{
		Users: r.cfg.Users, Rooms: r.cfg.Rooms, Rate: r.cfg.Rate, Posted: c.posted.Load(), Late: c.late.Load(),
		Delivered: c.delivered.Load(), Expected: r.expected(), Doubled: c.doubled.Load(),
		Disordered: c.disordered.Load(), Errors: c.errors.Load(), Dropped: r.dropped.Load(),
		P50: ms(50), P90: ms(90), P99: ms(99), Max: float64(all.Max()) / 1000, Usage: usage,
	}
	res.FirstError, _ = r.firstErr.Load().(string)
	res.Lost = res.Expected - min(res.Expected, res.Delivered-res.Doubled)
	for _, u := range r.users[:r.cfg.Stalled] {
		if res.StalledCodes == nil {
			res.StalledCodes = map[uint32]int{}
		}
		res.StalledCodes[u.code.Load()]++
	}
	return res
}

// WriteTable prints the result for people.
func (r Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("load", "%d users in %d rooms, %g posts a second", r.Users, r.Rooms, r.Rate)
	row("posted", "%d (%d late)", r.Posted, r.Late)
	row("delivered", "%d of %d", r.Delivered, r.Expected)
	row("lost, doubled, out of order", "%d, %d, %d", r.Lost, r.Doubled, r.Disordered)
	row("errors, dropped connections", "%d, %d", r.Errors, r.Dropped)
	if r.FirstError != "" {
		row("first error", "%s", r.FirstError)
	}
	for code, n := range r.StalledCodes {
		row("stalled readers", "%d closed with %d", n, code)
	}
	row("latency p50, p90, p99, max", "%.2f, %.2f, %.2f, %.2f ms", r.P50, r.P90, r.P99, r.Max)
	row("machine time taken by others", "%.1f %%", 100*r.Usage.Steal)
	if r.Usage.Seconds > 0 {
		row("server CPU", "%.2f of a core", r.Usage.CPU/r.Usage.Seconds)
		row("server CPU per delivery", "%.1f µs", r.Usage.CPU*1e6/float64(max(1, r.Delivered)))
		row("server memory, start, most", "%.1f, %.1f MiB", r.Usage.StartMiB, r.Usage.MaxMiB)
	}
	return t.Flush()
}
