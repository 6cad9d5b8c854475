package bench

import (
	"fmt"
	"math"
)

// plots are those that a kind of run has figures for.
func (r Report) plots() (all []*plot) {
	add := func(p *plot) {
		if p != nil {
			all = append(all, p)
		}
	}
	res := r.Result
	switch res.Kind {
	case FindMax:
		add(r.trials())
	case Idle:
		add(r.held())
	}
	if res.Kind != Idle && res.Kind != Storm {
		add(r.distribution())
		add(r.latencyOverTime())
		add(r.deliveriesOverTime())
	}
	if res.Kind == Storm {
		add(r.deliveriesOverTime())
	}
	add(r.overTime("Server CPU", "cores", func(s Sample) float64 { return s.CPU }))
	add(r.overTime("Server memory", "MiB resident", func(s Sample) float64 { return s.MiB }))
	if res.Kind == FindMax {
		return all
	}
	add(r.overTime("Goroutines", "goroutines", func(s Sample) float64 { return s.Goroutines }))
	return all
}

func (r Report) distribution() *plot {
	res := r.Result
	l := line{Class: "one", area: true}
	most := 0.0
	for _, q := range res.Latency {
		if q.Percentile < 100 {
			l.xs, l.ys = append(l.xs, nines(q.Percentile)), append(l.ys, q.MS)
			most = q.MS
		}
	}
	if len(l.xs) < 2 {
		return nil
	}
	end := l.xs[len(l.xs)-1]
	p := &plot{
		Title: "Latency distribution", x: percentiles(end), y: fromZero("ms", most*1.08), lines: []line{l},
		Says: fmt.Sprintf("median %s, p90 %s, p99 %s, p99.9 %s, slowest %s milliseconds",
			figureOf(res.P50), figureOf(res.P90), figureOf(res.P99), figureOf(res.P999), figureOf(res.Max)),
	}
	for _, m := range []struct {
		percentile, ms float64
		name, label    string
	}{
		{50, res.P50, "p50", ""}, // it would stand on the line
		{99, res.P99, "p99", "p99 " + figureOf(res.P99)},
		{99.9, res.P999, "p99.9", "p99.9 " + figureOf(res.P999)},
	} {
		if at := nines(m.percentile); at <= end {
			p.points = append(p.points, dot{x: at, y: m.ms, class: "one", label: m.label, says: m.name + " " + figureOf(m.ms) + " ms"})
		}
	}
	return p
}

// times is the moments of the samples.
func (r Report) times() (xs []float64) {
	for _, s := range r.Result.Series {
		xs = append(xs, s.At)
	}
	return xs
}

// values takes one figure of all samples.
func (r Report) values(of func(Sample) float64) (ys []float64, most float64) {
	for _, s := range r.Result.Series {
		y := of(s)
		ys = append(ys, y)
		if !math.IsNaN(y) {
			most = max(most, y)
		}
	}
	return ys, most
}

// overTime plots one figure; nil where nobody told it.
func (r Report) overTime(title, unit string, of func(Sample) float64) *plot {
	xs := r.times()
	ys, most := r.values(of)
	if len(xs) < 2 || most == 0 {
		return nil
	}
	return &plot{
		Title: title, Says: fmt.Sprintf("over %s seconds, at most %s %s, at the end %s", figureOf(xs[len(xs)-1]), figureOf(most), unit, figureOf(ys[len(ys)-1])),
		x: r.timeAxis(xs), y: fromZero(unit, most*1.05), shaded: r.warmup(),
		lines: []line{{Class: "one", xs: xs, ys: ys, area: true}},
	}
}

func (r Report) timeAxis(xs []float64) axis { return upToEnd("seconds", 0, xs[len(xs)-1]) }

// warmup is what to shade: only loads at a rate have one.
func (r Report) warmup() float64 {
	if r.Result.Kind == Idle || r.Result.Kind == Storm {
		return 0
	}
	return r.Config.Warmup.Seconds()
}

func (r Report) deliveriesOverTime() *plot {
	title, unit := "Deliveries", "deliveries a second"
	if r.Result.ofPages() {
		title, unit = "Pages", "pages a second"
	}
	return r.overTime(title, unit, func(s Sample) float64 { return s.Deliveries })
}

// latencyOverTime has a gap where nothing was delivered, or nothing counted yet.
func (r Report) latencyOverTime() *plot {
	known := func(v float64) float64 {
		if v == 0 {
			return math.NaN()
		}
		return v
	}
	xs := r.times()
	p50, _ := r.values(func(s Sample) float64 { return known(s.P50) })
	p99, most := r.values(func(s Sample) float64 { return known(s.P99) })
	if len(xs) < 2 || most == 0 {
		return nil
	}
	return &plot{
		Title: "Latency over time", Says: fmt.Sprintf("p50 and p99 of every half second, p99 at most %s milliseconds", figureOf(most)),
		x: r.timeAxis(xs), y: fromZero("ms", most*1.05), shaded: r.warmup(),
		lines: []line{{Name: "p99", Class: "one", xs: xs, ys: p99}, {Name: "p50", Class: "two", xs: xs, ys: p50}},
	}
}

// trials plots a search: rate against p99.
func (r Report) trials() *plot {
	var shown []Trial
	bound := float64(r.Config.MaxP99.Microseconds()) / 1000
	leastRate, mostRate, least, most := math.Inf(1), 0.0, bound, bound
	for _, t := range r.Result.Trials {
		if t.P99 > 0 {
			shown = append(shown, t)
			leastRate, mostRate = min(leastRate, t.Rate), max(mostRate, t.Rate)
			least, most = min(least, t.P99), max(most, t.P99)
		}
	}
	if len(shown) == 0 || bound == 0 {
		return nil
	}
	p := &plot{
		Title: "The search", Says: fmt.Sprintf("%d trials; the highest rate that held is %s posts a second", len(shown), figureOf(r.Result.Rate)),
		x: logarithmic("posts a second", leastRate, mostRate), y: logarithmic("p99 in ms", least, most),
		borders: []border{{bound, "bound " + figureOf(bound) + " ms"}},
	}
	for _, t := range shown {
		d := dot{x: t.Rate, y: t.P99, class: "held", says: fmt.Sprintf("%s posts a second: p99 %s ms, held", figureOf(t.Rate), figureOf(t.P99))}
		if !t.Held {
			d.class, d.cross = "failed", true
			d.says = fmt.Sprintf("%s posts a second: %s", figureOf(t.Rate), t.Why)
		} else if t.Rate == r.Result.Rate {
			d.label = figureOf(t.Rate) + "/s"
		}
		p.points = append(p.points, d)
	}
	return p
}

// held plots what connections cost: the slope is one's.
func (r Report) held() *plot {
	idle := r.Result.Idle
	if idle == nil || len(idle.Points) < 2 {
		return nil
	}
	l := line{Class: "one", area: true}
	p := &plot{Title: "Memory by connections", Says: fmt.Sprintf("%s bytes for each connection more", figureOf(idle.PerConn))}
	most, connections := 0.0, 0.0
	for _, h := range idle.Points {
		x := float64(h.Connections)
		l.xs, l.ys = append(l.xs, x), append(l.ys, h.MiB)
		most, connections = max(most, h.MiB), max(connections, x)
		label := figureOf(h.MiB) + " MiB"
		p.points = append(p.points, dot{x: x, y: h.MiB, class: "one", label: label, says: grouped(h.Connections) + " connections: " + label})
	}
	p.x, p.y = fromZero("connections", connections), fromZero("MiB resident", most*1.15)
	p.lines = []line{l}
	return p
}
