package bench

import (
	"context"
	"time"
)

// run is one run in progress.
type run struct {
	cfg    Config
	fleet  *fleet
	result Result
	body   []byte // scratch of the pacer

	settleFor time.Duration // how long deliveries may still come after the last post
}

// Run carries out one run and returns what it found. A run that could not be
// carried out is an error; a bad result is not.
func Run(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.Validate(); err != nil {
		return Result{}, err
	}
	if cfg.Protocol == nil {
		cfg.Protocol = Klatch(cfg.Secret)
	}
	r := newRun(cfg)
	err := r.scenario()(ctx)
	r.result.judge()
	return r.result, err
}

func newRun(cfg Config) *run {
	r := &run{cfg: cfg, settleFor: settle}
	r.result = Result{
		Kind: cfg.Kind, Protocol: cfg.Protocol.Name(), Users: cfg.Users, Rooms: cfg.Rooms,
		Rate: cfg.Rate, Body: cfg.Body, Began: time.Now().UTC().Truncate(time.Second),
	}
	if cfg.Kind == Pages {
		r.result.Protocol = "HTTP/1.1"
	}
	return r
}

func (r *run) scenario() func(context.Context) error {
	switch r.cfg.Kind {
	case FindMax:
		return r.findMax
	case Idle:
		return r.idle
	case Storm:
		return r.storm
	case History:
		return r.history
	case Pages:
		return r.pages
	}
	return r.fanout
}

// phase returns what reports the progress of one part of the run.
func (r *run) phase(name string) func(done float64) {
	if r.cfg.Progress == nil {
		return func(float64) {}
	}
	var last time.Time
	return func(done float64) {
		if now := time.Now(); done >= 1 || now.Sub(last) >= 100*time.Millisecond {
			last = now
			r.cfg.Progress(Progress{name, min(done, 1)})
		}
	}
}
