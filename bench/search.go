package bench

import (
	"math"
	"time"
)

// The search for the highest rate: in big steps up to the first that fails,
// then between that and the last that held.
const (
	bigStep   = 4
	precision = 1.08
	attempts  = 2 // a rate has failed when it fails this often in a row: others use this machine too
	leastRate = 1
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

// search is one search in progress.
type search struct {
	bound time.Duration // of p99
	try   func(rate float64) (Result, error)

	trials []Trial
	good   float64 // the highest rate that held; 0: none has
	best   Result  // its result
}

// run searches from a first guess.
func (s *search) run(rate float64) error {
	for bad := math.Inf(1); rate <= mostRate; {
		held, err := s.holds(rate)
		if err != nil {
			return err
		}
		if !held {
			bad = rate
		}
		switch {
		case math.IsInf(bad, 1):
			rate *= bigStep
		case s.good == 0 && bad <= leastRate, s.good > 0 && bad/s.good <= precision:
			return nil
		case s.good == 0:
			rate = max(leastRate, rate/bigStep)
		default:
			rate = math.Sqrt(s.good * bad)
		}
	}
	return nil
}

// holds tries a rate, more than once where it fails.
func (s *search) holds(rate float64) (bool, error) {
	for range attempts {
		res, err := s.try(rate)
		if err != nil {
			return false, err
		}
		why := res.broken(s.bound)
		s.trials = append(s.trials, Trial{
			Rate: rate, Deliveries: res.DeliveryRate, P99: res.P99, Held: why == "", Why: why, Steal: res.Usage.Steal,
		})
		if why == "" {
			s.good, s.best = rate, res
			return true, nil
		}
	}
	return false, nil
}
