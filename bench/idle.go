package bench

import (
	"context"
	"fmt"
	"time"
)

// Held is what an idle scenario measured with a number of connections.
type Held struct {
	Connections int     `json:"connections"`
	MiB         float64 `json:"resident_mib"`
	Goroutines  float64 `json:"goroutines"`
	CPU         float64 `json:"cpu_cores"` // while nothing happens but heartbeats
}

// IdleResult is the cost of a connection that does nothing.
type IdleResult struct {
	Points  []Held  `json:"points"`
	PerConn float64 `json:"bytes_per_connection"` // slope from the first point to the last
}

// idleFirst is the share of the connections that the slope begins at.
const idleFirst = 15

// idle holds a fifteenth of the connections, then all. All have been there once
// before, so many at a time: what a user costs the store and its caches is not
// what a connection costs.
func (r *run) idle(ctx context.Context) error {
	f, err := newFleet(r.cfg)
	if err != nil {
		return err
	}
	defer f.close()
	r.fleet = f
	first := max(1, r.cfg.Users/idleFirst)
	if err := r.introduce(ctx, first); err != nil {
		return err
	}
	watch := r.watch(f)
	defer func() { r.result.Usage, r.result.Series = watch.stop() }()
	idle := &IdleResult{}
	r.result.Idle = idle
	connected := 0
	for _, n := range []int{first, r.cfg.Users} {
		f.dial(f.clients[connected:n], window)
		connected = n
		if err := f.untilLive(ctx, n, r.phase(fmt.Sprintf("connecting %d", n))); err != nil {
			return err
		}
		held, err := r.hold(ctx, n)
		if err != nil {
			return err
		}
		idle.Points = append(idle.Points, held)
	}
	few, all := idle.Points[0], idle.Points[1]
	if n := all.Connections - few.Connections; n > 0 {
		idle.PerConn = (all.MiB - few.MiB) * (1 << 20) / float64(n)
	}
	r.result.Dropped, r.result.Refused = f.dropped.Load(), f.refused.Load()
	return nil
}

// introduce connects the users once, so many at a time.
func (r *run) introduce(ctx context.Context, many int) error {
	tell := r.phase("making users")
	for done := 0; done < len(r.fleet.clients); done += many {
		some := r.fleet.clients[done:min(done+many, len(r.fleet.clients))]
		r.fleet.dial(some, window)
		if err := r.fleet.untilLive(ctx, len(some), func(float64) {}); err != nil {
			return err
		}
		for _, l := range r.fleet.loops {
			r.fleet.hangUp(l, some)
		}
		r.forgetCursors(some)
		tell(float64(done+len(some)) / float64(len(r.fleet.clients)))
	}
	return nil
}

// hold waits for the duration and looks at the server then. The first half is
// for what connecting left behind; the second is measured.
func (r *run) hold(ctx context.Context, n int) (Held, error) {
	s := r.sources()
	tell := r.phase(fmt.Sprintf("holding %d", n))
	half := r.cfg.Duration / 2
	if err := wait(ctx, half, func(done float64) { tell(done / 2) }); err != nil {
		return Held{}, err
	}
	before, begun := s.read(), time.Now()
	if err := wait(ctx, half, func(done float64) { tell(0.5 + done/2) }); err != nil {
		return Held{}, err
	}
	now := s.read()
	return Held{n, now.resident, now.goroutines, (now.cpu - before.cpu) / time.Since(begun).Seconds()}, nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration, progress func(done float64)) error {
	begun := time.Now()
	t := time.NewTicker(min(d, 100*time.Millisecond))
	defer t.Stop()
	for time.Since(begun) < d {
		progress(float64(time.Since(begun)) / float64(d))
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
