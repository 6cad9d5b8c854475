package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// final is an error that no more waiting will mend.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// poll asks again and again until the answer is nil, final or ctx ends; then it
// returns the last answer. Processes tell nobody when they have changed.
func poll(ctx context.Context, every time.Duration, ask func() error) error {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		err := ask()
		var f final
		if err == nil || errors.As(err, &f) {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("%w; at last: %w", context.Cause(ctx), err)
		}
	}
}
