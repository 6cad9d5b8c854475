package engine

import "context"

// Alive returns once the committer has come round and the hub has answered, or
// an error when ctx ends first: then the engine hangs. It writes nothing, so a
// disk that refuses writes is no reason; one that never answers is.
func (e *Engine) Alive(ctx context.Context) error {
	round := make(chan error, 1)
	ending := e.submit(write{ // of no size, for which there is room in a full queue
		internal: true,
		between:  func() error { return nil },
		done:     func(_ Receipt, err error) { round <- err },
	})
	if ending != nil {
		return nil
	}
	select {
	case <-round:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	e.Position()
	return nil
}
