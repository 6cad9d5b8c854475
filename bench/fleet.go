package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// fleet is all clients of a run and the loops that read for them.
type fleet struct {
	cfg     Config
	clients []*Client
	loops   []*loop
	start   time.Time // marks count from here

	dialed  atomic.Int64 // when dial was called last
	live    atomic.Int64 // clients that are ready
	dropped atomic.Int64 // connections that the server ended
	refused atomic.Int64 // handshakes answered with 429 or 503
	failed  atomic.Pointer[error]

	mu      sync.Mutex
	slots   int // handshakes that may still begin
	queue   []*Client
	changed chan struct{} // closed and made anew when live or failed changes
	over    bool
}

// loopCount is how many threads read: with one more for the pacer, the kernel
// decides who runs.
const loopCount = 2

// patience is how long one client's way in may take, refusals included.
const patience = 2 * time.Minute

func newFleet(cfg Config) (*fleet, error) {
	f := &fleet{cfg: cfg, start: time.Now(), changed: make(chan struct{})}
	for range loopCount {
		l, err := newLoop(f)
		if err != nil {
			f.close()
			return nil, err
		}
		f.loops = append(f.loops, l)
	}
	for i := range cfg.Users {
		c := &Client{Index: i, Room: i % cfg.Rooms, fleet: f, fd: -1}
		c.base = cfg.URLs[nodeOf(i, cfg.Rooms, len(cfg.URLs))]
		c.loop = f.loops[i%len(f.loops)]
		c.narrow = i < cfg.Stalled
		f.clients = append(f.clients, c)
	}
	return f, nil
}

// nodeOf has the users of each room take turns at the nodes.
func nodeOf(user, rooms, nodes int) int { return (user%rooms + user/rooms) % nodes }

func (f *fleet) since() int64 { return int64(time.Since(f.start)) }

// sendersPerRoom is the most users that a room has.
func (f *fleet) sendersPerRoom() int { return (f.cfg.Users + f.cfg.Rooms - 1) / f.cfg.Rooms }

// close ends all connections and the loops.
func (f *fleet) close() {
	f.mu.Lock()
	f.over = true
	f.mu.Unlock()
	for _, l := range f.loops {
		f.hangUp(l, f.clients)
		l.stop()
	}
}

// hangUp closes those of the clients that are l's.
func (f *fleet) hangUp(l *loop, clients []*Client) {
	l.do(func() {
		for _, c := range clients {
			if c.loop != l {
				continue
			}
			if c.ready {
				f.lives(-1)
			}
			l.hangUp(c)
		}
	})
}

// each has every loop call do, and waits for all.
func (f *fleet) each(do func(l *loop)) {
	var wg sync.WaitGroup
	for _, l := range f.loops {
		wg.Add(1)
		l.do(func() { defer wg.Done(); do(l) })
	}
	wg.Wait()
}

// ask has the client's loop answer a question about it.
func ask[T any](c *Client, question func() T) T {
	answer := make(chan T, 1)
	c.loop.do(func() { answer <- question() })
	return <-answer
}

// dial begins to connect clients, at most window at once.
func (f *fleet) dial(clients []*Client, window int) {
	f.dialed.Store(f.since())
	f.mu.Lock()
	f.slots = window
	f.queue = append(f.queue, clients...)
	f.mu.Unlock()
	f.next(0)
}

// next lets waiting clients begin; freed is how many handshakes have ended.
func (f *fleet) next(freed int) {
	f.mu.Lock()
	f.slots += freed
	n := min(f.slots, len(f.queue))
	batch := f.queue[:n]
	f.queue = f.queue[n:]
	f.slots -= n
	f.mu.Unlock()
	for _, c := range batch {
		c.loop.do(func() { c.loop.connect(c) })
	}
}

// wentLive is called when a client is ready.
func (f *fleet) wentLive(c *Client) {
	record(c.loop.tally.entry, f.since()-f.dialed.Load())
	f.lives(+1)
	f.next(1)
}

func (f *fleet) lives(n int64) {
	f.live.Add(n)
	f.notify()
}

func (f *fleet) notify() {
	f.mu.Lock()
	close(f.changed)
	f.changed = make(chan struct{})
	f.mu.Unlock()
}

// ended is called when the server, or a failure, has ended a connection. A
// client that was not in yet comes back as a good one does: when it was told to,
// or after a moment.
func (f *fleet) ended(c *Client, wasReady bool, err error) {
	switch status := c.refusal.status; {
	case f.isOver():
	case wasReady:
		f.dropped.Add(1)
		f.lives(-1)
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		f.refused.Add(1)
		f.again(c, max(c.refusal.after, 100*time.Millisecond))
	case status == 0 && f.since()-f.dialed.Load() < int64(patience) && retryable(err):
		f.again(c, 100*time.Millisecond)
	default:
		err = fmt.Errorf("%s could not connect: %w", c.Name(), err)
		if t := c.loop.tally.firstError; t != "" {
			err = fmt.Errorf("%w; the server had said to %s", err, t)
		}
		f.failed.CompareAndSwap(nil, &err)
		f.notify()
	}
}

// retryable reports what a busy server's kernel does to those it has no room for.
func retryable(err error) bool {
	return errors.Is(err, errClosed) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, syscall.EPIPE)
}

// again connects after a wait of up to twice after, so that those who were
// refused together do not come back together.
func (f *fleet) again(c *Client, after time.Duration) {
	after += rand.N(after)
	time.AfterFunc(after, func() {
		if !f.isOver() {
			c.loop.do(func() { c.loop.connect(c) })
		}
	})
}

func (f *fleet) isOver() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

// untilLive waits until n clients are ready.
func (f *fleet) untilLive(ctx context.Context, n int, progress func(done float64)) error {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		live := int(f.live.Load())
		progress(float64(live) / float64(n))
		if err := f.failed.Load(); err != nil {
			return *err
		}
		if live >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit.C:
			return fmt.Errorf("%d of %d clients were ready after %s", live, n, patience)
		}
	}
}

// sum is what all loops have counted. It may be asked for while they count.
func (f *fleet) sum() *tally {
	var mu sync.Mutex
	total := newTally()
	f.each(func(l *loop) {
		mu.Lock()
		defer mu.Unlock()
		total.add(&l.tally)
	})
	return &total
}

// countFrom has latencies counted of messages intended at or after a time.
func (f *fleet) countFrom(nanos int64) { f.each(func(l *loop) { l.tally.from = nanos }) }

func (f *fleet) delivered() (n uint64) {
	for _, l := range f.loops {
		n += l.tally.delivered.Load()
	}
	return n
}

// done implements load.
func (f *fleet) done() uint64 { return f.delivered() + f.answered() }

func (f *fleet) answered() (n uint64) {
	for _, l := range f.loops {
		n += l.tally.answered.Load()
	}
	return n
}
