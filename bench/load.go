package bench

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// lateAfter is how far behind its schedule a post may start before it counts as late.
const lateAfter = 5 * time.Millisecond

// settle is how long deliveries may still come after the last post of an ordinary run.
const settle = 10 * time.Second

// window is how many clients of an ordinary run connect at once.
const window = 64

const phaseMeasuring = "measuring"

// pacer sends on schedule. The schedule does not wait for anything.
type pacer struct {
	rate     float64
	total    time.Duration
	send     func(i int, at int64) bool // at is the intended time
	progress func(done float64)

	sent, late, unsent uint64
}

// run sends until the time is over.
func (p *pacer) run(ctx context.Context, since func() int64) error {
	runtime.LockOSThread() // the kernel wakes it in time; the runtime has other work
	defer runtime.UnlockOSThread()
	begin := since()
	for i := range int(p.rate * p.total.Seconds()) {
		at := begin + int64(float64(i)/p.rate*float64(time.Second))
		behind := since() - at
		for ; behind < 0; behind = since() - at {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			p.progress(float64(at-begin) / float64(p.total))
			time.Sleep(min(time.Duration(-behind), 100*time.Millisecond))
		}
		if behind > int64(lateAfter) {
			p.late++
		}
		if p.sent++; !p.send(i, at) {
			p.unsent++
		}
		if i%256 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// fanout connects the users, posts at a rate, and checks what is delivered.
func (r *run) fanout(ctx context.Context) error {
	f, err := newFleet(r.cfg)
	if err != nil {
		return err
	}
	defer f.close()
	r.fleet = f
	if err := r.connect(ctx); err != nil {
		return err
	}
	stalled := f.clients[:r.cfg.Stalled]
	for _, c := range stalled {
		c.loop.do(func() { c.loop.pause(c, true) })
	}
	p := r.pacer()
	p.send = r.post
	watch := r.watch(f)
	f.countFrom(f.since() + int64(r.cfg.Warmup))
	err = p.run(ctx, f.since)
	r.settle(ctx, f.delivered, r.expected())
	r.result.Usage, r.result.Series = watch.stop()
	if err != nil {
		return err
	}
	r.collect(p)
	r.unstall(ctx, stalled)
	return ctx.Err()
}

func (r *run) pacer() *pacer {
	return &pacer{
		rate: r.cfg.Rate, total: r.cfg.Warmup + r.cfg.Duration,
		progress: r.phase(phaseMeasuring),
	}
}

func (r *run) connect(ctx context.Context) error {
	r.fleet.dial(r.fleet.clients, window)
	return r.fleet.untilLive(ctx, len(r.fleet.clients), r.phase("connecting"))
}

// post has one user post. A stride through the users changes the room with every post.
func (r *run) post(i int, at int64) bool {
	senders := r.fleet.clients[r.cfg.Stalled:]
	return r.postAs(senders[i%len(senders)], at)
}

func (r *run) postAs(c *Client, at int64) bool {
	r.body = mark{c.Index, c.number, at}.appendBody(r.body[:0], r.cfg.Body)
	if !r.cfg.Protocol.Post(c, r.body) {
		return false
	}
	c.number++
	return true
}

// untilDelivered waits for so many deliveries in all, which a working server
// makes before long.
func (r *run) untilDelivered(ctx context.Context, want uint64) error {
	for begun := time.Now(); r.fleet.delivered() < want; {
		if time.Since(begun) > settle {
			return errors.New("what is posted is not delivered")
		}
		if err := wait(ctx, time.Millisecond, func(float64) {}); err != nil {
			return err
		}
		if err := r.fleet.failed.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// expected is how many deliveries the posts so far should make to those who read.
func (r *run) expected() (n uint64) {
	readers := make([]uint64, r.cfg.Rooms)
	for _, c := range r.fleet.clients[r.cfg.Stalled:] {
		readers[c.Room]++
	}
	for _, c := range r.fleet.clients {
		n += uint64(c.number) * readers[c.Room]
	}
	return n
}

// settle waits until all that is wanted has come, or long enough.
func (r *run) settle(ctx context.Context, come func() uint64, want uint64) {
	deadline := time.Now().Add(r.settleFor)
	for come() < want && time.Now().Before(deadline) && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

// unstall lets the stalled read on, and waits a moment for what ended their connections.
func (r *run) unstall(ctx context.Context, stalled []*Client) {
	if len(stalled) == 0 {
		return
	}
	for _, c := range stalled {
		c.loop.do(func() { c.loop.pause(c, false) })
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	r.result.StalledCodes = map[uint16]int{}
	for _, c := range stalled {
		r.result.StalledCodes[ask(c, func() uint16 {
			if c.phase == open {
				return 0
			}
			return c.code
		})]++
	}
}

// collect puts the fleet's tally into the result.
func (r *run) collect(p *pacer) {
	t := r.fleet.sum()
	res := &r.result
	res.Posted, res.Late, res.Unsent = p.sent, p.late, p.unsent
	res.Delivered, res.Expected = t.delivered.Load(), r.expected()
	res.Doubled, res.Disordered, res.Foreign = t.doubled, t.disordered, t.foreign
	res.Errors, res.FirstError = t.errors, t.firstError
	res.Dropped, res.Refused = r.fleet.dropped.Load(), r.fleet.refused.Load()
	res.DeliveryRate = float64(res.Delivered) / p.total.Seconds()
	res.Lost = res.Expected - min(res.Expected, res.Delivered)
	res.setLatency(t.all)
}
