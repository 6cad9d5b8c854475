package engine

import "context"

// submit queues a write, unless it could not reach its write concern now.
func (e *Engine) submit(w write) error {
	if p := e.cfg.Peers; p != nil && !w.internal {
		if err := p.Accepting(); err != nil {
			return unavailable(err)
		}
	}
	return e.committer.submit(w)
}

// write hands one write to the committer and waits for it. When ctx ends first
// the write may still happen.
func (e *Engine) write(ctx context.Context, prepare func(*batch) error) (Receipt, error) {
	return e.writeSized(ctx, writeOverhead, prepare)
}

// writeSized is write for those that hold more than a few bytes.
func (e *Engine) writeSized(ctx context.Context, size int, prepare func(*batch) error) (Receipt, error) {
	return e.await(ctx, write{size: size, prepare: prepare})
}

// settled answers who wants what is so already: with a receipt that holds for
// whatever made it so.
func (e *Engine) settled(ctx context.Context) (Receipt, error) {
	if e.cfg.Peers == nil {
		return Receipt{e.Position(), DurableLocal}, nil
	}
	return e.write(ctx, func(*batch) error { return nil })
}

// await submits a write and waits until it is done.
func (e *Engine) await(ctx context.Context, w write) (Receipt, error) {
	type answer struct {
		receipt Receipt
		err     error
	}
	done := make(chan answer, 1)
	w.done = func(r Receipt, err error) { done <- answer{r, err} }
	if err := e.submit(w); err != nil {
		return Receipt{}, err
	}
	select {
	case a := <-done:
		return a.receipt, a.err
	case <-ctx.Done():
		return Receipt{}, &Error{Code: CodeUnavailable, Message: "gave up waiting; the write may still happen", Err: ctx.Err()}
	}
}
