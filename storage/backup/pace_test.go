package backup

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// TestPace: rests come with other work, as long as the share says, and end with whoever asked.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var position engine.Position
		p := newPace(func() engine.Position { return position })
		if want := 1/(share*float64(runtime.GOMAXPROCS(0))) - 1; p.factor != want {
			t.Errorf("the rest is %.2f times the work, not %.2f", p.factor, want)
		}
		p.factor = 4
		rest := func(ctx context.Context, work time.Duration) (time.Duration, error) {
			start := time.Now()
			err := p.after(ctx, work)
			return time.Since(start), err
		}
		if d, err := rest(t.Context(), time.Millisecond); d != 0 || err != nil {
			t.Errorf("rests for %v with nothing to rest for: %v", d, err)
		}
		position = position.With(1, 1)
		if d, err := rest(t.Context(), 10*time.Millisecond); d != 40*time.Millisecond || err != nil {
			t.Errorf("rests for %v: %v", d, err)
		}
		if d, err := rest(t.Context(), 10*time.Millisecond); d != 0 || err != nil {
			t.Errorf("rests for %v when all is quiet again: %v", d, err)
		}
		position = position.With(1, 2)
		if d, err := rest(t.Context(), time.Hour); d != maxRest || err != nil {
			t.Errorf("rests for %v: %v", d, err)
		}
		position = position.With(1, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if d, err := rest(ctx, time.Second); d != time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("rests for %v: %v", d, err)
		}
	})
}
