package backup

import (
	"context"
	"runtime"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// pace rests between pieces of work while the node has other work to do: the
// rest is long enough that the work takes no more than its share of the machine's
// processors, nor of its disk's time. While nothing is posted there is no rest.
type pace struct {
	position func() engine.Position
	last     engine.Position
	factor   float64 // rest for each moment of work
}

// share is the part of the processors that a backup may take from posts.
const share = 0.05

// maxRest bounds a rest after a piece that took long for another reason.
const maxRest = 2 * time.Second

func newPace(position func() engine.Position) *pace {
	return &pace{position: position, last: position(), factor: 1/(share*float64(runtime.GOMAXPROCS(0))) - 1}
}

// after rests from work that took d.
func (p *pace) after(ctx context.Context, d time.Duration) error {
	now := p.position()
	busy := !now.Equal(p.last)
	p.last = now
	rest := min(time.Duration(float64(d)*p.factor), maxRest)
	if !busy || rest <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
