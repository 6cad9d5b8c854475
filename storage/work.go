package storage

import (
	"context"
	"sync"
)

// work is what callers have a store do for longer than a query: Close ends it and
// waits, for Pebble may not be closed under a reader.
type work struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	running sync.WaitGroup
	over    bool
}

func (w *work) init() { w.ctx, w.cancel = context.WithCancel(context.Background()) }

// begin returns a context that also ends with the store, and what ends the work.
func (w *work) begin(ctx context.Context) (context.Context, func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, nil, errClosed()
	}
	w.running.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(w.ctx, cancel)
	return ctx, func() { unhook(); cancel(); w.running.Done() }, nil
}

// stop ends all work. Nothing begins any more.
func (w *work) stop() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.cancel()
	w.running.Wait()
}
