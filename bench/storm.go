package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// StormResult is how a server bore that all came back at once.
type StormResult struct {
	Sessions   int     `json:"sessions"`
	Resumed    bool    `json:"resumed"` // with cursors; false: plain connects
	Seconds    float64 `json:"seconds"` // from the first knock until all were live
	EntryP50   float64 `json:"entry_p50_ms"`
	EntryP99   float64 `json:"entry_p99_ms"`
	Missed     uint64  `json:"missed"`      // messages posted meanwhile that were not delivered
	BeforeMiB  float64 `json:"before_mib"`  // resident
	PeakMiB    float64 `json:"peak_mib"`    // while they came
	AfterMiB   float64 `json:"after_mib"`   // when it had calmed, or at the end of Config.Duration
	CalmedIn   float64 `json:"calmed_in"`   // seconds until memory was within calmFactor; 0: it was not
	CPUSeconds float64 `json:"cpu_seconds"` // of the server, until all were live
}

// calmFactor is how near to its memory before a server is to come.
const calmFactor = 1.3

// stormCalm is how long the server is left alone before the storm.
const stormCalm = 5 * time.Second

// storm connects the users and one more for each room, who stay and post while
// the users are away; then the users come back.
func (r *run) storm(ctx context.Context) error {
	sessions := r.cfg.Users
	r.cfg.Users += r.cfg.Rooms
	f, err := newFleet(r.cfg)
	if err != nil {
		return err
	}
	defer f.close()
	r.fleet = f
	stay, away := f.clients[:r.cfg.Rooms], f.clients[r.cfg.Rooms:]
	if err := r.settleIn(ctx, away); err != nil {
		return err
	}
	if err := wait(ctx, stormCalm, r.phase("calm")); err != nil {
		return err
	}
	watch := r.watch(f)
	res := &StormResult{Sessions: sessions, BeforeMiB: watch.first.resident}
	r.result.Storm = res
	defer func() {
		r.result.Usage, r.result.Series = watch.stop()
		res.PeakMiB = r.result.Usage.MaxMiB
	}()
	if err := r.cut(ctx, away); err != nil {
		return err
	}
	if err := r.postMeanwhile(ctx, stay); err != nil {
		return err
	}
	if err := r.comeBack(ctx, away, res); err != nil {
		return err
	}
	return r.calm(ctx, res)
}

// settleIn connects all, and the users once more: their first connection made
// them members, and a cursor from before all that would not be the one of a
// client who was there until the storm.
func (r *run) settleIn(ctx context.Context, away []*Client) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	if err := r.cut(ctx, away); err != nil {
		return err
	}
	r.forgetCursors(away)
	r.fleet.dial(away, window)
	return r.fleet.untilLive(ctx, len(r.fleet.clients), r.phase("connecting again"))
}

// forgetCursors has clients begin anew when they come back.
func (r *run) forgetCursors(clients []*Client) {
	r.fleet.each(func(l *loop) {
		for _, c := range clients {
			if c.loop == l {
				c.Cursor = nil
			}
		}
	})
}

// cut breaks the connections of those who will come back.
func (r *run) cut(ctx context.Context, away []*Client) error {
	r.fleet.each(func(l *loop) {
		for _, c := range away {
			if c.loop == l {
				l.reset(c)
			}
		}
	})
	for _, l := range r.fleet.loops {
		r.fleet.hangUp(l, away)
	}
	return wait(ctx, time.Second, r.phase("cut off"))
}

// postMeanwhile posts in every room and waits until those who stayed have it all.
func (r *run) postMeanwhile(ctx context.Context, stay []*Client) error {
	want := r.fleet.delivered()
	tell := r.phase("posting meanwhile")
	for i := range r.cfg.Messages {
		for _, c := range stay {
			r.postAs(c, r.fleet.since())
		}
		want += uint64(len(stay))
		if err := r.untilDelivered(ctx, want); err != nil {
			return err
		}
		tell(float64(i+1) / float64(r.cfg.Messages))
	}
	return nil
}

func (r *run) comeBack(ctx context.Context, away []*Client, res *StormResult) error {
	f := r.fleet
	f.each(func(l *loop) { l.tally.entry.Reset() })
	s := r.sources()
	before, delivered, begun := s.read(), f.delivered(), time.Now()
	f.dial(away, len(away))
	if err := f.untilLive(ctx, len(f.clients), r.phase("coming back")); err != nil {
		return err
	}
	res.Seconds = time.Since(begun).Seconds()
	res.CPUSeconds = s.read().cpu - before.cpu
	t := f.sum()
	res.EntryP50, res.EntryP99 = milliseconds(t.entry, 50), milliseconds(t.entry, 99)
	res.Resumed = slices.ContainsFunc(away, func(c *Client) bool { return ask(c, func() bool { return len(c.Cursor) > 0 }) })
	if res.Resumed {
		expected := uint64(len(away) * r.cfg.Messages)
		res.Missed = expected - min(expected, f.delivered()-delivered)
	}
	r.result.Errors, r.result.FirstError = t.errors, t.firstError
	r.result.Doubled, r.result.Disordered = t.doubled, t.disordered
	r.result.Dropped, r.result.Refused = f.dropped.Load(), f.refused.Load()
	return nil
}

// calm waits until the server has given the storm's memory back.
func (r *run) calm(ctx context.Context, res *StormResult) error {
	s := r.sources()
	tell := r.phase("calming")
	begun := time.Now()
	for {
		res.AfterMiB = s.read().resident
		passed := time.Since(begun)
		if res.AfterMiB <= calmFactor*res.BeforeMiB {
			res.CalmedIn = max(passed.Seconds(), 0.01)
			return nil
		}
		if passed > r.cfg.Duration {
			return nil
		}
		tell(float64(passed) / float64(r.cfg.Duration))
		if err := wait(ctx, 200*time.Millisecond, func(float64) {}); err != nil {
			return fmt.Errorf("waiting for memory to come back: %w", err)
		}
	}
}
