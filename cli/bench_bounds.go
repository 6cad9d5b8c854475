package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
)

// benchBounds are what a result must keep for the exit code to be 0.
type benchBounds struct {
	p99      time.Duration // 0: not checked
	lost     uint64
	lossless bool // lost is checked
}

func benchBoundsOf(c *cli.Context, cfg bench.Config) (b benchBounds, err error) {
	if c.IsSet("max-p99") && cfg.MaxP99 <= 0 {
		return b, usageErrorf(c, "--max-p99 must be above 0")
	}
	if c.IsSet("max-lost") && c.Int("max-lost") < 0 {
		return b, usageErrorf(c, "--max-lost must be 0 or more")
	}
	b.lossless, b.lost = c.IsSet("max-lost"), uint64(c.Int("max-lost"))
	if cfg.Kind != bench.FindMax { // which has kept it, or failed
		b.p99 = cfg.MaxP99
	}
	return b, nil
}

// broken says which bound a result did not keep.
func (b benchBounds) broken(r bench.Result) error {
	p99, lost, what := r.P99, r.Lost, "messages lost"
	if r.Storm != nil {
		p99, lost, what = r.Storm.EntryP99, r.Storm.Missed, "messages missed"
	}
	if r.Pages != nil {
		lost, what = r.Lost+r.Pages.Stale, "pages lost or stale"
	}
	took := time.Duration(p99 * float64(time.Millisecond))
	switch wrong := lost + r.Doubled + r.Disordered; {
	case b.lossless && wrong > b.lost:
		return fmt.Errorf("%d %s, %d doubled, %d out of order: more than --max-lost %d", lost, what, r.Doubled, r.Disordered, b.lost)
	case b.p99 > 0 && took > b.p99:
		return fmt.Errorf("p99 is %s: above --max-p99 %s", took.Round(10*time.Microsecond), b.p99)
	}
	return nil
}
