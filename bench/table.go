package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteTable prints the result for people.
func (r Result) WriteTable(w io.Writer) error {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	switch r.Kind {
	case Idle:
		t.idle(r.Idle)
	case Storm:
		t.storm(r.Storm, r)
	case Pages:
		t.pages(r.Pages, r)
	default:
		t.load(r)
	}
	t.row("machine time taken by others", "%.1f %%", 100*r.Usage.Steal)
	if r.Bottleneck != "" {
		t.row("the generator was the bottleneck", "%s", r.Bottleneck)
	}
	return t.Flush()
}

type table struct{ *tabwriter.Writer }

func (t table) row(name, format string, args ...any) {
	fmt.Fprintf(t, "%s\t"+format+"\n", append([]any{name}, args...)...)
}

func (t table) load(r Result) {
	posts, deliveries := "posts", "delivered"
	if r.Kind == History {
		posts, deliveries = "pages", "answered"
	}
	for _, trial := range r.Trials {
		verdict := "held"
		if !trial.Held {
			verdict = trial.Why
		}
		t.row(fmt.Sprintf("%.0f posts a second", trial.Rate), "%.0f deliveries a second, p99 %.1f ms: %s", trial.Deliveries, trial.P99, verdict)
	}
	t.row("load", "%d users in %d rooms, %.6g %s a second", r.Users, r.Rooms, r.Rate, posts)
	t.row("sent", "%d (%d late)", r.Posted, r.Late)
	t.row(deliveries, "%d of %d, %.0f a second", r.Delivered, r.Expected, r.DeliveryRate)
	t.row("lost, doubled, out of order", "%d, %d, %d", r.Lost, r.Doubled, r.Disordered)
	t.troubles(r)
	for code, n := range r.StalledCodes {
		t.row("stalled readers", "%d closed with %d", n, code)
	}
	t.row("latency p50, p90, p99, max", "%.2f, %.2f, %.2f, %.2f ms", r.P50, r.P90, r.P99, r.Max)
	t.usage(r)
}

func (t table) troubles(r Result) {
	t.row("errors, dropped connections", "%d, %d", r.Errors, r.Dropped)
	if r.Refused > 0 {
		t.row("told to come again later", "%d", r.Refused)
	}
	if r.FirstError != "" {
		t.row("first error", "%s", r.FirstError)
	}
}

func (t table) pages(p *PagesResult, r Result) {
	if p == nil {
		return
	}
	how := ""
	if p.NoCache {
		how = ", with Cache-Control: no-cache"
	}
	t.row("load", "%d users, %.6g newest pages of %d rooms a second%s, and %.6g posts", r.Users, r.Rate, r.Rooms, how, p.Posts)
	t.row("sent", "%d (%d late)", r.Posted, r.Late)
	t.row("answered", "%d of %d, %.0f a second, %.0f bytes each", r.Delivered, r.Expected, r.DeliveryRate, p.Bytes)
	t.row("stale", "%d", p.Stale)
	t.row("hit ratio", "%.4f (%s)", p.HitRatio, p.xCache())
	t.troubles(r)
	t.row("latency p50, p99, p99.9, max", "%.2f, %.2f, %.2f, %.2f ms", r.P50, r.P99, r.P999, r.Max)
	t.row("posts acknowledged", "%d, p50 %.2f, p99 %.2f ms", p.Acknowledged, p.PostP50, p.PostP99)
	t.usage(r)
}

// xCache says how often each word came.
func (p *PagesResult) xCache() string {
	var words []string
	for _, word := range slices.Sorted(maps.Keys(p.XCache)) {
		words = append(words, fmt.Sprintf("%s %d", word, p.XCache[word]))
	}
	return strings.Join(words, ", ")
}

func (t table) usage(r Result) {
	u := r.Usage
	if u.Seconds == 0 || u.MaxMiB == 0 {
		return
	}
	t.row("server CPU", "%.2f of a core", u.CPU/u.Seconds)
	what := "delivery"
	if r.Kind == Pages {
		what = "page, posts included"
	}
	t.row("server CPU per "+what, "%.1f µs", r.CPUPerDelivery())
	t.row("server memory, start, most", "%.1f, %.1f MiB", u.StartMiB, u.MaxMiB)
	t.row("generator CPU", "%.2f of a core", u.Generator/u.Seconds)
}

func (t table) idle(r *IdleResult) {
	if r == nil {
		return
	}
	for _, p := range r.Points {
		t.row(fmt.Sprintf("%d connections", p.Connections), "%.1f MiB, %.0f goroutines, %.3f of a core", p.MiB, p.Goroutines, p.CPU)
	}
	t.row("memory of one more", "%.0f bytes resident", r.PerConn)
}

func (t table) storm(s *StormResult, r Result) {
	if s == nil {
		return
	}
	how := "with cursors"
	if !s.Resumed {
		how = "without cursors"
	}
	t.row("came back", "%d sessions %s in %.2f s", s.Sessions, how, s.Seconds)
	t.row("one client's way in, p50, p99", "%.0f, %.0f ms", s.EntryP50, s.EntryP99)
	t.row("missed", "%d", s.Missed)
	t.troubles(r)
	t.row("server CPU until all were in", "%.2f s", s.CPUSeconds)
	t.row("server memory before, peak, after", "%.1f, %.1f, %.1f MiB", s.BeforeMiB, s.PeakMiB, s.AfterMiB)
	if s.CalmedIn > 0 {
		t.row("memory within 1.3 times of before", "after %.1f s", s.CalmedIn)
	}
}
