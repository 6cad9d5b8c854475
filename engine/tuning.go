package engine

import (
	"fmt"
	"net/netip"
)

// Tuning is what an engine can be told anew while it runs; see Config.
type Tuning struct {
	Registration Registration
	External     func(token string) (ExternalUser, error)
	UserRate     Rate

	TrustedProxies []netip.Prefix
}

// tuned is what is in force, with what was found out under it and ends with it.
type tuned struct {
	Tuning
	externals *verdicts[externalVerdict] // of tokens of another backend
}

func newTuned(t Tuning) *tuned { return &tuned{t, newVerdicts[externalVerdict]()} }

// Tuning is what is in force.
func (e *Engine) Tuning() Tuning { return e.tuned.Load().Tuning }

// Tune puts a Tuning in force, for all that comes later: tokens of another backend
// that were believed are looked at again, but sessions that are open go on. A new
// rate begins with full buckets.
func (e *Engine) Tune(t Tuning) error {
	if err := t.Registration.check(); err != nil {
		return err
	}
	e.tuned.Store(newTuned(t))
	e.bans.spare(t.TrustedProxies)
	if e.userRate.Rate() != t.UserRate {
		e.userRate.SetRate(t.UserRate)
	}
	return nil
}

func (r Registration) check() error {
	switch r {
	case RegistrationOpen, RegistrationInvite, RegistrationClosed:
		return nil
	}
	return fmt.Errorf("engine: registration %q is not open, invite or closed", r)
}
