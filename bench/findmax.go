package bench

import (
	"context"
	"fmt"
)

// findMax leaves the best trial as the result.
func (r *run) findMax(ctx context.Context) error {
	s := search{bound: r.cfg.MaxP99, try: func(rate float64) (Result, error) { return r.try(ctx, rate) }}
	err := s.run(r.cfg.Rate)
	if err == nil && s.good == 0 {
		err = fmt.Errorf("not even %g posts a second keep p99 within %s", s.trials[len(s.trials)-1].Rate, r.cfg.MaxP99)
	}
	if s.good > 0 {
		r.result = s.best
	}
	r.result.Kind, r.result.Trials = FindMax, s.trials
	return err
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
