package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// shards spreads the histogram's locks.
const shards = 16

// lateAfter is how far behind its schedule a post may start before it counts as late.
const lateAfter = 5 * time.Millisecond

// settle is how long deliveries may still come after the last post.
const settle = 10 * time.Second

// run is one run in progress.
type run struct {
	cfg   Config
	users []*user
	start time.Time

	count   counters
	dropped atomic.Int64
	ending  atomic.Bool

	hists [shards]struct {
		sync.Mutex
		h *hdrhistogram.Histogram
	}
	errOnce  sync.Once
	firstErr atomic.Value // string
}

type counters struct {
	posted, late, delivered, doubled, disordered, foreign, errors atomic.Uint64
}

// Run carries out one run and returns what it found. A run that could not be
// carried out is an error; a bad result is not.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	r := &run{cfg: cfg, start: time.Now()}
	for i := range r.hists {
		r.hists[i].h = hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
	}
	defer r.hangUp()
	if err := r.connect(ctx); err != nil {
		return Result{}, err
	}
	watch := startWatch(cfg.PID)
	if err := r.load(ctx); err != nil {
		return Result{}, err
	}
	usage := watch.stop()
	r.settle(ctx)
	r.unstall()
	return r.result(usage), ctx.Err()
}

// connect opens all connections, a few at a time, and waits until each is ready.
func (r *run) connect(ctx context.Context) error {
	r.users = make([]*user, r.cfg.Users)
	errs := make([]error, r.cfg.Users)
	slots := make(chan struct{}, 32)
	var wg sync.WaitGroup
	for i := range r.users {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if r.users[i], errs[i] = r.dial(i); errs[i] != nil {
				return
			}
			select {
			case <-r.users[i].ready:
			case <-r.users[i].gone:
				errs[i] = fmt.Errorf("user %d: closed with %d before ready", i, r.users[i].code.Load())
			case <-ctx.Done():
				errs[i] = ctx.Err()
			case <-time.After(time.Minute):
				errs[i] = fmt.Errorf("user %d: no ready within a minute", i)
			}
		})
	}
	wg.Wait()
	return r.connected(errs)
}

// connected says how many users have failed, and with what the first of them:
// one cause mostly fails all.
func (r *run) connected(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	err := fmt.Errorf("%d of %d users could not connect: %w", len(errs), r.cfg.Users, errs[0])
	if said, ok := r.firstErr.Load().(string); ok {
		err = fmt.Errorf("%w; the server said to %s", err, said)
	}
	return err
}

// load posts on schedule. The schedule does not wait for anything.
func (r *run) load(ctx context.Context) error {
	for _, u := range r.users[:r.cfg.Stalled] {
		u.stalling.Store(true)
	}
	r.start = time.Now()
	total := r.cfg.Warmup + r.cfg.Duration
	posts := int(r.cfg.Rate * total.Seconds())
	senders := r.users[r.cfg.Stalled:]
	nextProgress := time.Second
	for i := range posts {
		at := time.Duration(float64(i) / r.cfg.Rate * float64(time.Second))
		if wait := at - time.Since(r.start); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if time.Since(r.start)-at > lateAfter {
			r.count.late.Add(1)
		}
		// A stride through the users changes the room with every post.
		if err := senders[i%len(senders)].post(at); err != nil {
			return fmt.Errorf("post: %w", err)
		}
		r.count.posted.Add(1)
		if r.cfg.Progress != nil && at >= nextProgress {
			r.cfg.Progress(at, total)
			nextProgress += time.Second
		}
	}
	return nil
}

// expected is how many deliveries the posts so far should make to those who read.
func (r *run) expected() (n uint64) {
	readers := make([]uint64, r.cfg.Rooms)
	for _, u := range r.users[r.cfg.Stalled:] {
		readers[u.index%r.cfg.Rooms]++
	}
	for _, u := range r.users {
		n += u.number * readers[u.index%r.cfg.Rooms]
	}
	return n
}

// settle waits until everything has been delivered, or long enough.
func (r *run) settle(ctx context.Context) {
	want := r.expected()
	deadline := time.After(settle)
	for r.count.delivered.Load() < want {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			return
		case <-ctx.Done():
			return
		}
	}
}

// unstall lets the stalled read on, and waits a moment for what ended their connections.
func (r *run) unstall() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, u := range r.users[:r.cfg.Stalled] {
		close(u.stall)
		select {
		case <-u.gone:
		case <-ctx.Done():
		}
	}
}

func (r *run) record(shard int, d time.Duration) {
	h := &r.hists[shard%shards]
	h.Lock()
	defer h.Unlock()
	_ = h.h.RecordValue(max(1, d.Microseconds())) // past a minute it is counted as undelivered anyway
}

func (r *run) failed(u *user, frame []byte) {
	r.count.errors.Add(1)
	r.errOnce.Do(func() { r.firstErr.Store(fmt.Sprintf("user %d: %s", u.index, frame)) })
}

func (r *run) hangUp() {
	r.ending.Store(true)
	for _, u := range r.users {
		if u != nil && u.conn != nil {
			_ = u.conn.NetConn().Close()
		}
	}
}
