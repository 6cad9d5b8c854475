package bench

import (
	"context"
	"sync"
	"sync/atomic"
)

// crew is a bounded number of connections that take jobs in turn. A job that
// finds none free waits, and more than jobsMost that wait are refused.
type crew struct {
	jobs chan job
	wg   sync.WaitGroup
}

// job is one exchange: in a room, as a user, intended for a time.
type job struct {
	room, user int
	at         int64
}

const jobsMost = 1 << 16

func newCrew(ctx context.Context, size int, urls []string, do func(c *caller, j job)) *crew {
	w := &crew{jobs: make(chan job, jobsMost)}
	for i := range size {
		w.wg.Go(func() {
			c := newCaller(ctx, urls[i%len(urls)])
			defer c.close()
			for j := range w.jobs {
				do(c, j)
			}
		})
	}
	return w
}

// take reports whether there was room for the job.
func (w *crew) take(j job) bool {
	select {
	case w.jobs <- j:
		return true
	default:
		return false
	}
}

// close waits for the jobs that were taken; the end of the context makes them short.
func (w *crew) close() {
	close(w.jobs)
	w.wg.Wait()
}

// together does n things over some connections, each once, until one fails.
func together(ctx context.Context, size int, urls []string, n int, tell func(done float64), do func(c *caller, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var telling sync.Mutex
	var wg sync.WaitGroup
	for worker := range size {
		wg.Go(func() {
			c := newCaller(ctx, urls[worker%len(urls)])
			defer c.close()
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(c, i); err != nil {
					cancel(err)
				}
				if telling.TryLock() {
					tell(float64(i+1) / float64(n))
					telling.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
