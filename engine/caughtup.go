package engine

import (
	"context"
	"errors"
)

// What a node that is behind its peers must wait for before it may say no: the
// key of a token, its user, the events of a cursor.

// unprovenAtOnce bounds the tokens that wait for their key: anybody can make one up.
const unprovenAtOnce = 256

// expects reports whether events of another origin may still come.
func (e *Engine) expects(o Origin) bool {
	return o != e.store.Origin() && e.cfg.Peers != nil && e.cfg.Peers.Expects(o)
}

// openTokenOf opens a token whose key may not be here yet. A node publishes its
// key with its first event.
func (e *Engine) openTokenOf(ctx context.Context, token string, use tokenUse) (claims, error) {
	c, err := e.openToken(token, use)
	if !errors.Is(err, ErrNotFound) || !e.expects(c.issuer) {
		return c, err
	}
	select {
	case e.unproven <- struct{}{}:
		defer func() { <-e.unproven }()
	default:
		return c, ErrNotCaughtUp
	}
	if err := e.WaitFor(ctx, Position{}.With(c.issuer, 1)); err != nil {
		return c, err
	}
	return e.openToken(token, use)
}

// awaitUser waits for the user of a token that has been verified. The issuer knew
// the user when it had written At events; the account may be another node's, and
// that one's events come on their own way.
func (e *Engine) awaitUser(ctx context.Context, c claims) error {
	if there, err := e.userThere(c.User); err != nil || there {
		return err
	}
	if e.expects(c.issuer) {
		if err := e.WaitFor(ctx, Position{}.With(c.issuer, c.At)); err != nil {
			return err
		}
	}
	there, err := e.userThere(c.User)
	if err == nil && !there && e.expects(c.User.Origin()) {
		err = ErrNotCaughtUp
	}
	return err
}

func (e *Engine) userThere(user ID) (bool, error) {
	_, _, err := e.store.Credentials(user)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// awaitCursor waits for what a cursor has and this node has not, as far as it
// may still come, and reports whether the cursor can be served, as far as this
// node then has it. Events that stay missing are told when they come, though the
// client has had them.
func (e *Engine) awaitCursor(ctx context.Context, from Position) bool {
	own := e.store.Origin()
	var coming Position
	for origin, seq := range from.Beyond(e.Position()).All() {
		// A peer may tell of this node's own a moment before it is published here.
		if origin == own || e.expects(origin) {
			coming = coming.With(origin, seq)
		}
	}
	_ = e.WaitFor(ctx, coming) // what has come by then is what counts
	here := e.Position()
	for origin := range from.All() {
		if here.Seq(origin) == 0 {
			return false
		}
	}
	// What this node has not written itself nobody can have seen.
	return from.Seq(own) <= here.Seq(own)
}
