package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// How long a bot's token lives.
const (
	botTokenLifetime    = 365 * 24 * time.Hour
	maxBotTokenLifetime = 10 * 365 * 24 * time.Hour
)

// SessionsOf lists a user's sign-ins, newest first.
func (e *Engine) SessionsOf(who *Identity, user ID) ([]SignIn, error) {
	if err := e.managesUser(who, user); err != nil {
		return nil, err
	}
	list, err := e.signIns(e.store, user)
	slices.Reverse(list)
	return list, err
}

// managesUser is for what administration does to a user who is there.
func (e *Engine) managesUser(who *Identity, user ID) error {
	if err := e.administers(who); err != nil {
		return err
	}
	_, err := e.store.User(user)
	return err
}

// RevokeSessionOf ends one of a user's sign-ins on every node.
func (e *Engine) RevokeSessionOf(ctx context.Context, who *Identity, user, token ID) (Receipt, error) {
	if err := e.managesUser(who, user); err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		list, err := e.signIns(b.tx, user)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(s SignIn) bool { return s.ID == token })
		if i < 0 {
			return ErrNotFound
		}
		return b.revoke(user, token, list[i].Expires)
	})
}

// RevokeSessionsOf ends all of a user's sign-ins on every node. One that was never
// written down stays: a new password ends it.
func (e *Engine) RevokeSessionsOf(ctx context.Context, who *Identity, user ID) (Receipt, error) {
	if err := e.managesUser(who, user); err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		list, err := e.signIns(b.tx, user)
		if err != nil {
			return err
		}
		return b.revokeAll(user, list)
	})
}

// IssueToken signs a bot in; label stands where a program's name does. A lifetime of
// zero is a year. A bot with SignInLimit tokens gets no more.
func (e *Engine) IssueToken(ctx context.Context, who *Identity, user ID, label string, lifetime time.Duration) (token string, s SignIn, r Receipt, err error) {
	if err := e.managesUser(who, user); err != nil {
		return "", s, r, err
	}
	if lifetime == 0 {
		lifetime = botTokenLifetime
	}
	err = checkText("label", label, 0, maxAgent)
	if err == nil && (lifetime < 0 || lifetime > maxBotTokenLifetime) {
		err = invalidField("expires_in_s", "malformed", "a token may live for ten years")
	}
	if err != nil {
		return "", s, r, err
	}
	var session claims
	r, err = e.manage(ctx, who, writeOverhead, func(b *batch) error {
		if err := e.mayHaveToken(b, user); err != nil {
			return err
		}
		session = e.session(user, b.id(b.stamp()))
		session.Expires = e.now().Add(lifetime).UTC()
		return b.signedIn(&session, label)
	})
	if err != nil {
		return "", s, r, err
	}
	who = session.identity()
	s = who.signIn()
	s.Agent = cleanAgent(label)
	return e.issue(session), s, r, nil
}

// mayHaveToken decides in the committer.
func (e *Engine) mayHaveToken(b *batch, user ID) error {
	u, err := b.tx.User(user)
	if err == nil && !u.Bot {
		err = &Error{Code: CodeConflict, Message: "tokens are issued to bots only; people sign in"}
	}
	if err != nil {
		return err
	}
	if st, err := b.tx.Standing(user); err != nil || st.Disabled || st.Deleted {
		return firstError(err, &Error{Code: CodeConflict, Message: "the account is disabled"})
	}
	list, err := e.signIns(b.tx, user)
	if err == nil && len(list) >= SignInLimit {
		err = &Error{Code: CodeConflict, Message: fmt.Sprintf("the bot has %d tokens; revoke one first", SignInLimit)}
	}
	return err
}
