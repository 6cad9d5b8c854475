package api

// tuned is what is in force, with the buckets that belong to it.
type tuned struct {
	Tuning
	limits *limits
}

// newTuned keeps the buckets of old, if it has any, where no rate has changed.
func newTuned(c *Config, old *tuned) *tuned {
	t := &tuned{Tuning: c.Tuning}
	if old != nil && c.sameRates(&old.Tuning) && old.limits.writes.limiter.Rate() == old.limits.writesRate {
		t.limits = old.limits
	} else {
		t.limits = newLimits(c)
	}
	return t
}

func (t *Tuning) sameRates(o *Tuning) bool {
	return t.LoginRate == o.LoginRate && t.AccountRate == o.AccountRate && t.ReadRate == o.ReadRate && t.StrangerRate == o.StrangerRate
}

// Tune implements Handler. It must come after the engine's.
func (s *server) Tune(t Tuning) {
	c := s.Config
	c.Tuning = t
	s.tuned.Store(newTuned(&c, s.tuned.Load()))
}

func (s *server) limits() *limits { return s.tuned.Load().limits }
