package bench

import (
	"errors"
	"testing"
	"time"
)

// bears is a server that bears up to a rate, whatever the trial.
func bears(most float64) func(rate float64) (Result, error) {
	return func(rate float64) (Result, error) {
		r := Result{Rate: rate, DeliveryRate: 20 * rate, P99: 5}
		if rate > most {
			r.P99 = 500
		}
		return r, nil
	}
}

func TestSearchFindsTheThreshold(t *testing.T) {
	for _, most := range []float64{1, 3, 49, 199, 200, 201, 5000, 123456} {
		for _, first := range []float64{1, 1.05, 20, 200} {
			s := search{bound: 100 * time.Millisecond, try: bears(most)}
			if err := s.run(first); err != nil {
				t.Fatal(err)
			}
			if s.good > most || s.good*precision < most || s.best.Rate != s.good {
				t.Errorf("from %g: found %g of %g, with the result of %g", first, s.good, most, s.best.Rate)
			}
		}
	}
}

// A server that always holds is not asked for ever.
func TestSearchEnds(t *testing.T) {
	s := search{bound: time.Second, try: bears(1e12)}
	if err := s.run(200); err != nil || s.good > mostRate || s.good*bigStep < mostRate {
		t.Errorf("found %g, %v", s.good, err)
	}
}

// One failure in a row is the machine's.
func TestSearchForgivesOnce(t *testing.T) {
	calm, trials := bears(5000), 0
	s := search{bound: 100 * time.Millisecond, try: func(rate float64) (Result, error) {
		r, err := calm(rate)
		if trials++; trials%2 == 1 {
			r.P99 = 700
		}
		return r, err
	}}
	if err := s.run(200); err != nil || s.good > 5000 || s.good*precision < 5000 {
		t.Errorf("found %g of 5000, %v", s.good, err)
	}
	if s.trials[0].Held || s.trials[0].Why != "p99 700.0 ms" || !s.trials[1].Held {
		t.Errorf("the first trials: %+v", s.trials[:2])
	}
}

func TestSearchWhereNothingHolds(t *testing.T) {
	for _, first := range []float64{1, 1.05, 16.8, 200} {
		s := search{bound: 100 * time.Millisecond, try: bears(0)}
		if err := s.run(first); err != nil || s.good != 0 {
			t.Errorf("from %g: found %g, %v", first, s.good, err)
		}
		if last := s.trials[len(s.trials)-1]; last.Rate != leastRate || last.Held {
			t.Errorf("from %g: the last trial was %+v", first, last)
		}
	}
}

func TestSearchStopsAtAnError(t *testing.T) {
	broken := errors.New("no more")
	s := search{bound: time.Second, try: func(float64) (Result, error) { return Result{}, broken }}
	if err := s.run(200); !errors.Is(err, broken) || len(s.trials) != 0 {
		t.Errorf("%v after %d trials", err, len(s.trials))
	}
}

func TestBroken(t *testing.T) {
	for want, r := range map[string]Result{
		"":                                  {P99: 100},
		"p99 100.1 ms":                      {P99: 100.1},
		"3 posts not taken":                 {Unsent: 3},
		"2 errors, the first oh":            {Errors: 2, FirstError: "oh"},
		"1 connections dropped":             {Dropped: 1},
		"1 lost, 2 doubled, 3 out of order": {Lost: 1, Doubled: 2, Disordered: 3},
	} {
		if got := r.broken(100 * time.Millisecond); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
