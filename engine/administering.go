package engine

import (
	"errors"
	"net/netip"
)

// Administers returns ErrForbidden for those who may not manage this server: for
// protocols that refuse them before they read what is asked. Every method of
// administration asks again.
func (e *Engine) Administers(who *Identity) error { return e.administers(who) }

// Refuses reports whether an identity that Authenticate returned holds no more: it was
// revoked, disabled or banned since. A disk that cannot say so is no refusal.
func (e *Engine) Refuses(who *Identity) bool {
	err := e.holds(who)
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
}

// ParseNetwork reads the network of a ban as people write it, an address or a
// prefix; its String is the one way in which a Ban names it.
func ParseNetwork(s string) (netip.Prefix, error) { return parseNetwork(s) }
