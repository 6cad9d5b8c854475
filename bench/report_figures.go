package bench

import "fmt"

// bigFigure is one of the few that a reader looks for first.
type bigFigure struct {
	Name, Value, Unit, Note string
	Bad                     bool
}

// fact is one row of the table of everything else.
type fact struct{ Name, Value string }

func (r Report) figures() []bigFigure {
	switch {
	case r.Result.Kind == Idle && r.Result.Idle != nil:
		return r.idleFigures()
	case r.Result.Kind == Storm && r.Result.Storm != nil:
		return r.stormFigures()
	}
	return r.loadFigures()
}

func (r Report) loadFigures() (all []bigFigure) {
	res := r.Result
	what, from := "delivery", "from a post's intended time to a delivery"
	rate := bigFigure{Name: "deliveries a second", Value: grouped(res.DeliveryRate), Note: fmt.Sprintf("%s in all", grouped(res.Delivered))}
	if res.ofPages() {
		what, from = "page", "from a page's intended time to its arrival"
		rate.Name = "pages a second"
		rate.Value = figureOf(res.DeliveryRate)
	}
	if res.Kind == FindMax {
		all = append(all, bigFigure{Name: "highest rate that held", Value: figureOf(res.Rate), Unit: "posts/s",
			Note: fmt.Sprintf("p99 within %s, nothing lost", spoken(r.Config.MaxP99))})
	}
	median := bigFigure{Name: "median latency", Value: figureOf(res.P50), Unit: "ms", Note: from}
	p99 := bigFigure{Name: "p99 latency", Value: figureOf(res.P99), Unit: "ms", Note: fmt.Sprintf("the slowest took %s ms", figureOf(res.Max))}
	if res.Kind == FindMax {
		all = append(all, rate, p99)
	} else {
		all = append(all, median, p99, rate)
	}
	all = append(all, r.correctness(res.Lost, res.Kind))
	if p := res.Pages; p != nil {
		all = append(all,
			bigFigure{Name: "stale pages", Value: grouped(p.Stale), Note: "without a message that was acknowledged before they were asked for", Bad: p.Stale > 0},
			bigFigure{Name: "hit ratio", Value: fmt.Sprintf("%.4f", p.HitRatio), Note: "answers by X-Cache: " + p.xCache()})
	}
	if watched(res.Usage) {
		u := res.Usage
		all = append(all,
			bigFigure{Name: "server CPU per " + what, Value: figureOf(res.CPUPerDelivery()), Unit: "µs", Note: fmt.Sprintf("%s of a core in all", figureOf(u.CPU/u.Seconds))},
			bigFigure{Name: "server memory", Value: figureOf(u.MaxMiB), Unit: "MiB", Note: fmt.Sprintf("resident, at most; %s at the start", figureOf(u.StartMiB))})
	}
	return all
}

// watched reports whether the server's use of the machine could be read.
func watched(u Usage) bool { return u.Seconds > 0 && u.MaxMiB > 0 }

func (r Report) correctness(lost uint64, kind Kind) bigFigure {
	res := r.Result
	if res.ofPages() {
		return bigFigure{Name: "not answered", Value: grouped(lost), Note: fmt.Sprintf("of %s pages", grouped(res.Expected)), Bad: lost > 0}
	}
	f := bigFigure{
		Name: "lost · doubled · out of order", Value: fmt.Sprintf("%s · %s · %s", grouped(lost), grouped(res.Doubled), grouped(res.Disordered)),
		Note: fmt.Sprintf("of %s deliveries, each checked", grouped(res.Expected)), Bad: lost+res.Doubled+res.Disordered > 0,
	}
	if kind == Storm {
		f.Name, f.Note = "missed · doubled · out of order", "of what was posted while they were away"
	}
	return f
}

func (r Report) idleFigures() []bigFigure {
	idle, u := r.Result.Idle, r.Result.Usage
	last := Held{}
	if n := len(idle.Points); n > 0 {
		last = idle.Points[n-1]
	}
	all := []bigFigure{
		{Name: "connections held", Value: grouped(last.Connections), Note: fmt.Sprintf("%d ended by the server", r.Result.Dropped), Bad: r.Result.Dropped > 0},
	}
	if !watched(u) {
		return all
	}
	return append(all,
		bigFigure{Name: "memory of one connection", Value: grouped(idle.PerConn), Unit: "bytes", Note: "resident: the slope between the two points"},
		bigFigure{Name: "server memory", Value: figureOf(last.MiB), Unit: "MiB", Note: fmt.Sprintf("resident with all; %s at the start", figureOf(u.StartMiB))},
		bigFigure{Name: "goroutines", Value: grouped(last.Goroutines), Note: "with all connections"},
		bigFigure{Name: "server CPU while idle", Value: figureOf(100 * last.CPU), Unit: "% of a core", Note: "heartbeats only"})
}

func (r Report) stormFigures() []bigFigure {
	s, u := r.Result.Storm, r.Result.Usage
	how := "with cursors"
	if !s.Resumed {
		how = "without cursors"
	}
	all := []bigFigure{
		{Name: "all live again after", Value: figureOf(s.Seconds), Unit: "s", Note: fmt.Sprintf("%s sessions, %s", grouped(s.Sessions), how)},
		{Name: "one client's way in, median", Value: figureOf(s.EntryP50), Unit: "ms", Note: "from the first knock of all"},
		{Name: "one client's way in, p99", Value: figureOf(s.EntryP99), Unit: "ms", Note: fmt.Sprintf("%s told to come again later", grouped(r.Result.Refused))},
		r.correctness(s.Missed, Storm),
	}
	if !watched(u) {
		return all
	}
	after := fmt.Sprintf("%s after, not within 1.3 times of before in time", figureOf(s.AfterMiB))
	if s.CalmedIn > 0 {
		after = figureOf(s.AfterMiB) + " after"
	}
	if s.CalmedIn > 0.1 {
		after += fmt.Sprintf(" %s s", figureOf(s.CalmedIn))
	}
	return append(all,
		bigFigure{Name: "server memory at its peak", Value: figureOf(s.PeakMiB), Unit: "MiB", Note: fmt.Sprintf("%s before; %s", figureOf(s.BeforeMiB), after)},
		bigFigure{Name: "server CPU", Value: figureOf(s.CPUSeconds), Unit: "s", Note: "until all were live"})
}

// facts is the table of everything else that was counted.
func (r Report) facts() (all []fact) {
	res, u := r.Result, r.Result.Usage
	add := func(name, format string, args ...any) { all = append(all, fact{name, fmt.Sprintf(format, args...)}) }
	add("protocol", "%s", res.Protocol)
	add("users, rooms", "%s, %s", grouped(res.Users), grouped(res.Rooms))
	if res.Kind != Idle && res.Kind != Storm {
		sent := "posts sent"
		if res.ofPages() {
			sent = "pages asked for"
		}
		add(sent, "%s at %s a second; %s late, %s not taken", grouped(res.Posted), rateOf(res.Rate), grouped(res.Late), grouped(res.Unsent))
		add("latency p50, p90, p99, p99.9, max", "%s, %s, %s, %s, %s ms", figureOf(res.P50), figureOf(res.P90), figureOf(res.P99), figureOf(res.P999), figureOf(res.Max))
	}
	if p := res.Pages; p != nil {
		add("bytes of an answer", "%s", grouped(p.Bytes))
		add("posts acknowledged", "%s, p50 %s, p99 %s ms", grouped(p.Acknowledged), figureOf(p.PostP50), figureOf(p.PostP99))
	}
	add("errors, dropped connections", "%s, %s", grouped(res.Errors), grouped(res.Dropped))
	add("told to come again later", "%s", grouped(res.Refused))
	for code, n := range res.StalledCodes {
		add("stalled readers", "%d ended with close code %d", n, code)
	}
	if watched(u) {
		add("server CPU", "%s s in %s s", figureOf(u.CPU), figureOf(u.Seconds))
		add("server memory at start, most, end", "%s, %s, %s MiB", figureOf(u.StartMiB), figureOf(u.MaxMiB), figureOf(u.EndMiB))
	}
	if u.Goroutines > 0 {
		add("server goroutines at the end", "%s", grouped(u.Goroutines))
	}
	if u.Seconds > 0 {
		add("generator CPU", "%s of a core", figureOf(u.Generator/u.Seconds))
		add("machine idle", "%.0f %%", 100*u.Idle)
	}
	add("machine time taken by others", "%.1f %%", 100*u.Steal)
	return all
}
