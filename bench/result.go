package bench

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run found. Latencies are from a post's intended time to a
// delivery, or from a page's to its arrival.
type Result struct {
	Scenario string    `json:"scenario,omitempty"` // its name, where it has one
	Server   string    `json:"server,omitempty"`   // what was measured, and its version
	Began    time.Time `json:"began"`
	Kind     Kind      `json:"kind"`
	Protocol string    `json:"protocol"`
	Users    int       `json:"users"`
	Rooms    int       `json:"rooms"`
	Rate     float64   `json:"posts_per_second,omitempty"`
	Body     int       `json:"body_bytes,omitempty"`

	Posted       uint64  `json:"posted"`
	Late         uint64  `json:"late"`   // the generator itself started late
	Unsent       uint64  `json:"unsent"` // the server did not take
	Delivered    uint64  `json:"delivered"`
	Expected     uint64  `json:"expected"`
	DeliveryRate float64 `json:"deliveries_per_second,omitempty"`
	Lost         uint64  `json:"lost"`
	Doubled      uint64  `json:"doubled"`
	Disordered   uint64  `json:"disordered"`
	Foreign      uint64  `json:"foreign"` // messages of nobody here
	Errors       uint64  `json:"errors"`
	FirstError   string  `json:"first_error,omitempty"`
	Dropped      int64   `json:"dropped"` // connections that the server ended, stalled ones aside
	Refused      int64   `json:"refused"` // handshakes answered with "come again later"

	StalledCodes map[uint16]int `json:"stalled_codes,omitempty"` // how the server ended stalled readers: close code, 1006 for none; 0: not at all

	P50     float64    `json:"p50_ms"`
	P90     float64    `json:"p90_ms"`
	P99     float64    `json:"p99_ms"`
	P999    float64    `json:"p999_ms"`
	Max     float64    `json:"max_ms"`
	Latency []Quantile `json:"latency,omitempty"` // the whole distribution

	Trials []Trial      `json:"trials,omitempty"`
	Idle   *IdleResult  `json:"idle,omitempty"`
	Storm  *StormResult `json:"storm,omitempty"`
	Pages  *PagesResult `json:"pages,omitempty"`

	Usage      Usage    `json:"server_usage"`
	Series     []Sample `json:"series,omitempty"`
	Bottleneck string   `json:"bottleneck,omitempty"` // why this run measures the generator
}

// Quantile is one point of a distribution.
type Quantile struct {
	Percentile float64 `json:"percentile"`
	MS         float64 `json:"ms"`
}

// distributionTicks is how many points a distribution has for each halving of what is above.
const distributionTicks = 5

func (r *Result) setLatency(h *hdrhistogram.Histogram) {
	r.P50, r.P90, r.P99, r.P999 = milliseconds(h, 50), milliseconds(h, 90), milliseconds(h, 99), milliseconds(h, 99.9)
	r.Max = float64(h.Max()) / 1000
	r.Latency = nil
	for _, b := range h.CumulativeDistributionWithTicks(distributionTicks) {
		r.Latency = append(r.Latency, Quantile{b.Quantile, float64(b.ValueAt) / 1000})
	}
}

// ofPages reports whether deliveries are pages that were asked for.
func (r *Result) ofPages() bool { return r.Kind == History || r.Kind == Pages }

// CPUPerDelivery is the server's, in microseconds.
func (r *Result) CPUPerDelivery() float64 { return r.Usage.CPU * 1e6 / float64(max(1, r.Delivered)) }

// lateShare of posts is what a generator may start late and still measure the server.
const lateShare = 0.01

// judge finds out whether the generator was the bottleneck.
func (r *Result) judge() {
	u := r.Usage
	switch {
	case float64(r.Late) > lateShare*float64(r.Posted):
		what := "posts"
		if r.ofPages() {
			what = "pages"
		}
		r.Bottleneck = fmt.Sprintf("the generator itself started %d of %d %s late", r.Late, r.Posted, what)
	case u.Seconds > 0 && u.CPU > 0 && u.Idle < 0.05 && u.Generator > u.CPU:
		r.Bottleneck = fmt.Sprintf("the machine was busy, and the generator used more of it (%.1f cores) than the server (%.1f)",
			u.Generator/u.Seconds, u.CPU/u.Seconds)
	}
}

// broken says what of a fanout's bounds was not kept; empty: nothing.
func (r *Result) broken(p99 time.Duration) string {
	switch {
	case r.Unsent > 0:
		return fmt.Sprintf("%d posts not taken", r.Unsent)
	case r.Errors > 0:
		return fmt.Sprintf("%d errors, the first %s", r.Errors, r.FirstError)
	case r.Dropped > 0:
		return fmt.Sprintf("%d connections dropped", r.Dropped)
	case r.Lost+r.Doubled+r.Disordered > 0:
		return fmt.Sprintf("%d lost, %d doubled, %d out of order", r.Lost, r.Doubled, r.Disordered)
	case r.P99 > float64(p99)/float64(time.Millisecond):
		return fmt.Sprintf("p99 %.1f ms", r.P99)
	}
	return ""
}
