package engine

import "context"

// A recovery token says whose session a client had, to protocols that answer a
// client on its return, before anything else, whether it will miss nothing. It
// gives no right: that is the session token's, which comes with it. A cursor
// alone would not do, because who signs in as somebody else must not go on from
// where the other was.

// RecoveryToken returns one for a user. Any node of the cluster knows it.
func (e *Engine) RecoveryToken(user ID) string {
	return e.signToken(claims{
		ID: e.tokenID(), Use: useRecovery, User: user, Expires: e.now().Add(e.cfg.TokenLifetime).UTC(),
	})
}

// Recovers reports whether a recovery token is a user's.
func (e *Engine) Recovers(ctx context.Context, token string, user ID) bool {
	c, err := e.openTokenOf(ctx, token, useRecovery)
	return err == nil && c.User == user
}

// CanResume reports whether Connect would go on from a cursor, or why not, which
// counts as a reset. It may have changed by the time of Connect.
func (e *Engine) CanResume(ctx context.Context, cursor string) (can bool, reason string) {
	if _, can, reason = e.resumePoint(ctx, cursor); !can {
		e.resets.Add(1)
	}
	return can, reason
}
