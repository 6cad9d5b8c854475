package bench

import (
	"context"
	"fmt"
	"math"
)

// The search for the highest rate: in big steps up to the first that fails,
// then between that and the last that held.
const (
	bigStep   = 4
	precision = 1.08
	attempts  = 2 // a rate has failed when it fails this often in a row: others use this machine too
	mostRate  = 1e6
)

// Trial is one rate that was tried.
type Trial struct {
	Rate       float64 `json:"posts_per_second"`
	Deliveries float64 `json:"deliveries_per_second"`
	P99        float64 `json:"p99_ms"`
	Held       bool    `json:"held"`
	Why        string  `json:"why,omitempty"` // it did not
	Steal      float64 `json:"steal"`
}

// findMax leaves the best trial as the result.
func (r *run) findMax(ctx context.Context) error {
	var best Result
	good, bad := 0.0, math.Inf(1)
	rate := r.cfg.Rate
	for rate <= mostRate && bad/max(good, 1) > precision {
		res, held, err := r.attempt(ctx, rate)
		if err != nil {
			return err
		}
		if held {
			best, good = res, rate
		} else {
			bad = rate
		}
		switch {
		case math.IsInf(bad, 1):
			rate *= bigStep
		case good == 0:
			rate /= bigStep
		default:
			rate = math.Sqrt(good * bad)
		}
		if rate < 1 {
			return fmt.Errorf("not even %g posts a second keep p99 within %s", bad, r.cfg.MaxP99)
		}
	}
	trials := r.result.Trials
	r.result = best
	r.result.Kind, r.result.Trials = FindMax, trials
	return nil
}

// attempt tries a rate, more than once where it fails.
func (r *run) attempt(ctx context.Context, rate float64) (res Result, held bool, err error) {
	for range attempts {
		if res, err = r.try(ctx, rate); err != nil {
			return res, false, err
		}
		why := res.broken(r.cfg.MaxP99)
		r.result.Trials = append(r.result.Trials, Trial{
			Rate: rate, Deliveries: res.DeliveryRate, P99: res.P99, Held: why == "", Why: why, Steal: res.Usage.Steal,
		})
		if why == "" {
			return res, true, nil
		}
	}
	return res, false, nil
}

func (r *run) try(ctx context.Context, rate float64) (Result, error) {
	cfg := r.cfg
	cfg.Kind, cfg.Rate = Fanout, rate
	cfg.Progress = nil
	if tell := r.cfg.Progress; tell != nil {
		name := fmt.Sprintf("trying %.0f posts a second", rate)
		cfg.Progress = func(p Progress) {
			if p.Phase == phaseMeasuring {
				tell(Progress{name, p.Done})
			}
		}
	}
	one := newRun(cfg)
	err := one.fanout(ctx)
	one.result.judge()
	return one.result, err
}
