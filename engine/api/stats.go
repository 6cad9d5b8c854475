package api

import (
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
)

// Stats are the figures of cache, limits and sign-ins since New.
type Stats struct {
	Hits     uint64 // answers from the cache
	Misses   uint64 // answers read and kept
	Joined   uint64 // answers of somebody else's reading
	Bypassed uint64 // answers read past the cache
	Ahead    uint64 // pages read before anybody asked
	Failures uint64 // of the cache itself
	Bytes    uint64 // that answers take in it, about
	Evicted  uint64 // answers thrown out for others

	ReadsLimited     uint64 // requests refused for the rate of a user's GETs,
	SignInsLimited   uint64 // of an address's sign-ins and registrations,
	StrangersLimited uint64 // and of its requests without a token that holds

	SignedIn      uint64 // with a password
	SignInsWrong  uint64 // with a wrong one, or as nobody
	SignInsFailed uint64 // for any other reason, rates excepted
}

// signInCounts are the outcomes of sign-ins with a password.
type signInCounts struct{ done, wrong, failed atomic.Uint64 }

func (c *signInCounts) count(err error) {
	switch {
	case err == nil:
		c.done.Add(1)
	case engine.AsError(err).Code == engine.CodeUnauthorized:
		c.wrong.Add(1)
	default:
		c.failed.Add(1)
	}
}

// Stats implements Handler.
func (s *server) Stats() Stats {
	c, limits := s.responses, s.limits()
	st := Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Joined: c.joined.Load(),
		Bypassed: c.bypassed.Load(), Ahead: c.ahead.Load(), Failures: c.failed.Load(),
		ReadsLimited:     limits.reads.limiter.Refused(),
		SignInsLimited:   limits.signIns.limiter.Refused(),
		StrangersLimited: limits.strangers.limiter.Refused(),
		SignedIn:         s.signIns.done.Load(), SignInsWrong: s.signIns.wrong.Load(), SignInsFailed: s.signIns.failed.Load(),
	}
	if c.figures != nil {
		st.Bytes, st.Evicted = c.figures.CostAdded()-c.figures.CostEvicted(), c.figures.KeysEvicted()
	}
	return st
}
