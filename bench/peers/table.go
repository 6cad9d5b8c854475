package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/klatch-chat/klatch/bench"
)

// column is a figure of a result.
type column struct {
	name   string
	format string
	value  func(r *bench.Result) float64
	to     []string // servers that ratios are given to
	spread bool     // of the ratios too
}

var (
	deliveries = column{name: "deliveries/s", format: "%.0f", value: func(r *bench.Result) float64 { return r.DeliveryRate }}
	p50        = column{name: "p50 ms", format: "%.2f", value: func(r *bench.Result) float64 { return r.P50 }}
	p99        = column{name: "p99 ms", format: "%.2f", value: func(r *bench.Result) float64 { return r.P99 }}
	cpu        = column{name: "CPU µs/delivery", format: "%.2f", value: (*bench.Result).CPUPerDelivery}
	memory     = column{name: "memory MiB", format: "%.0f", value: func(r *bench.Result) float64 { return r.Usage.MaxMiB }}

	requests    = column{name: "requests/s", format: "%.0f", value: func(r *bench.Result) float64 { return r.DeliveryRate }, spread: true}
	cpuRequest  = column{name: "CPU µs/request", format: "%.1f", value: (*bench.Result).CPUPerDelivery}
	size        = column{name: "bytes", format: "%.0f", value: func(r *bench.Result) float64 { return r.Pages.Bytes }}
	serverCores = column{name: "server cores", format: "%.2f", value: func(r *bench.Result) float64 { return r.Usage.CPU / r.Usage.Seconds }}
	wrkCores    = column{name: "wrk cores", format: "%.2f", value: func(r *bench.Result) float64 { return r.Usage.Generator / r.Usage.Seconds }}

	taken = column{name: "taken by others %", format: "%.1f", value: func(r *bench.Result) float64 { return 100 * r.Usage.Steal }}

	back       = column{name: "all back s", format: "%.2f", value: func(r *bench.Result) float64 { return r.Storm.Seconds }}
	entry      = column{name: "p99 of one s", format: "%.2f", value: func(r *bench.Result) float64 { return r.Storm.EntryP99 / 1000 }}
	cpuBack    = column{name: "CPU s", format: "%.2f", value: func(r *bench.Result) float64 { return r.Storm.CPUSeconds }}
	before     = column{name: "memory before MiB", format: "%.0f", value: func(r *bench.Result) float64 { return r.Storm.BeforeMiB }}
	afterwards = column{name: "after MiB", format: "%.0f", value: func(r *bench.Result) float64 { return r.Storm.AfterMiB }}
)

// columnsOf are the figures of a scenario. The bare server is a measure of what
// a delivery costs, not of how many are possible: it cuts off who is slow.
func columnsOf(kind bench.Kind) []column {
	peer, both := []string{"socketio"}, []string{"socketio", "bare"}
	switch kind {
	case bench.FindMax:
		return []column{deliveries.ratioTo([]string{"socketio", "klatch"}), p50, p99, cpu.ratioTo(both), memory}
	case bench.Storm:
		return []column{back.ratioTo(peer), entry, cpuBack.ratioTo(peer), before, afterwards}
	case bench.Pages:
		return []column{requests.ratioTo([]string{"express", "express" + uncached, "klatch" + uncached}), p50, p99, cpuRequest, size, serverCores, wrkCores, memory, taken}
	}
	return []column{p50.ratioTo(both), p99.ratioTo(both), cpu.ratioTo(both), memory}
}

func (c column) ratioTo(servers []string) column {
	c.to = servers
	return c
}

func brief(r bench.Result) string {
	var s []string
	for _, c := range columnsOf(r.Kind) {
		s = append(s, fmt.Sprintf(c.format, c.value(&r))+" "+c.name)
	}
	return strings.Join(append(s, remarks([]bench.Result{r})...), ", ")
}

// write prints a table for each scenario.
func (c *comparison) write(w io.Writer) error {
	for _, s := range c.scenarios {
		if len(c.rows(s)) == 0 {
			continue
		}
		if err := c.writeScenario(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) writeScenario(w io.Writer, s scenario) error {
	fmt.Fprintf(w, "\n%s: %s\n\n", s.Name, loadOf(s))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	columns := columnsOf(s.config.Kind)
	head := []string{"server"}
	for _, col := range columns {
		head = append(head, col.name)
		for _, y := range c.yardsticks(s, col) {
			head = append(head, "to "+y)
		}
	}
	fmt.Fprintln(t, strings.Join(append(head, "remarks"), "\t"))
	for _, name := range c.rows(s) {
		fmt.Fprintln(t, strings.Join(c.row(s, name, c.results[cell{s.Name, name}]), "\t"))
	}
	return t.Flush()
}

// yardsticks are those of the column's that have been measured.
func (c *comparison) yardsticks(s scenario, col column) (list []string) {
	for _, name := range col.to {
		if c.results[cell{s.Name, name}] != nil {
			list = append(list, name)
		}
	}
	return list
}

func (c *comparison) row(s scenario, name string, results []bench.Result) []string {
	row := []string{name}
	for _, col := range columnsOf(s.config.Kind) {
		values := col.values(results)
		row = append(row, spreadOf(col.format, values))
		for _, y := range c.yardsticks(s, col) {
			base := col.values(c.results[cell{s.Name, y}])
			if r := ratios(values, base); col.spread {
				row = append(row, spreadOf("× %.2f", r))
			} else {
				row = append(row, fmt.Sprintf("× %.2f", median(r)))
			}
		}
	}
	return append(row, cmp.Or(strings.Join(remarks(results), ", "), "ok"))
}

func (c column) values(results []bench.Result) (v []float64) {
	for i := range results {
		v = append(v, c.value(&results[i]))
	}
	return v
}

// ratios are taken within each round, where both had the same machine.
func ratios(a, b []float64) (r []float64) {
	for i := range min(len(a), len(b)) {
		r = append(r, a[i]/b[i])
	}
	return r
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// spreadOf is the median, and between what it lies.
func spreadOf(format string, v []float64) string {
	s := fmt.Sprintf(format, median(v))
	low, high := fmt.Sprintf(format, slices.Min(v)), fmt.Sprintf(format, slices.Max(v))
	if low == high {
		return s
	}
	return s + " (" + low + "–" + high + ")"
}

// remarks is what a reader must know beside the figures.
func remarks(results []bench.Result) (list []string) {
	for _, r := range results {
		bad := wrong(r)
		if bad == "" && r.Storm != nil && r.Storm.Missed > 0 {
			bad = fmt.Sprintf("%d missed", r.Storm.Missed)
		}
		if bad == "" && r.Pages != nil {
			bad = unexpected(r.Pages)
		}
		if line := cmp.Or(bad, r.Bottleneck); line != "" && !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return list
}

// unexpected says when an answer was not cached as it should be.
func unexpected(p *bench.PagesResult) string {
	want := "HIT"
	if p.NoCache {
		want = "BYPASS"
	}
	if p.XCache[want] > 0 {
		return ""
	}
	return fmt.Sprintf("X-Cache is %s, not %s", strings.Join(slices.Sorted(maps.Keys(p.XCache)), ", "), want)
}

func loadOf(s scenario) string {
	c := s.config
	users := fmt.Sprintf("%d users in %d rooms", c.Users, c.Rooms)
	switch c.Kind {
	case bench.FindMax:
		return fmt.Sprintf("%s, the highest rate with p99 within %s and nothing lost", users, c.MaxP99)
	case bench.Pages:
		return fmt.Sprintf("the newest page of a room with %d messages of %d bytes, %d connections asking at once (wrk), %s%s", c.Messages, c.Body, c.Users, c.Duration, s.asker.about())
	case bench.Storm:
		return users + " come back at once, klatch's with cursors, the others' anew"
	}
	return fmt.Sprintf("%s, %g posts a second of %d bytes, %s", users, c.Rate, c.Body, c.Duration)
}
