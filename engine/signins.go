package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SignIn is a session token of a user that holds: who has it acts as the user
// until it expires or is revoked.
type SignIn struct {
	ID      ID     `json:"id"` // the token's
	At      Time   `json:"at"`
	Expires Time   `json:"expires_at"`
	Agent   string `json:"agent"` // what the program that signed in calls itself; "" if it did not say
	Current bool   `json:"current"`
}

// SignInLimit is how many sign-ins a user has at once: one more ends the oldest.
// Nodes that do not hear of each other each keep to it, and mend it at the next.
const SignInLimit = 100

const maxAgent = 200 // bytes

// cleanAgent is what is kept of a User-Agent field: text that can be shown.
func cleanAgent(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxAgent {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// recordSignIn has the user see a sign-in, on every node. Who has the right password gets in
// also while the store takes no writes, as whoever has a token does: a user who is
// kept out of a node with a full disk is worse off than one whose list lacks a line,
// and a new password ends that token like any other. It waits for no other
// node: nothing was promised but that the token holds, which any node can verify.
func (e *Engine) recordSignIn(ctx context.Context, session *claims, agent string) error {
	_, err := e.await(ctx, write{size: writeOverhead, internal: true, prepare: func(b *batch) error {
		list, err := e.signIns(b.tx, session.User)
		if err != nil {
			return err
		}
		if more := len(list) - (SignInLimit - 1); more > 0 {
			if err := b.revokeAll(session.User, list[:more]); err != nil {
				return err
			}
		}
		return b.signedIn(session, agent)
	}})
	if errors.Is(err, ErrUnavailable) {
		e.log.Warn("a sign-in could not be written down; its token holds", "user", session.User, "err", err)
		return nil
	}
	return err
}

// signedIn writes a sign-in down.
func (b *batch) signedIn(session *claims, agent string) error {
	return b.append(&Event{Kind: KindTokenIssued, User: session.User, Payload: &TokenIssued{
		Token: session.ID, Expires: Time(session.Expires.UnixMilli()), Agent: cleanAgent(agent),
	}})
}

func (b *batch) revoke(user, token ID, expires Time) error {
	return b.append(&Event{Kind: KindTokenRevoked, User: user, Payload: &TokenRevoked{Token: token, Expires: expires}})
}

func (b *batch) revokeAll(user ID, list []SignIn) error {
	for i := range list {
		if err := b.revoke(user, list[i].ID, list[i].Expires); err != nil {
			return err
		}
	}
	return nil
}

// signIns are those of a user that hold, oldest first.
func (e *Engine) signIns(from Secrets, user ID) ([]SignIn, error) {
	list, err := from.SignIns(user)
	now := Time(e.now().UnixMilli())
	return slices.DeleteFunc(list, func(s SignIn) bool { return s.Expires <= now }), err
}

// Sessions lists the user's sign-ins, newest first. The identity's own is among them, written
// down or not. Tokens of another backend are not: they end there.
func (e *Engine) Sessions(_ context.Context, who *Identity) ([]SignIn, error) {
	if err := e.holds(who); err != nil {
		return nil, err
	}
	list, err := e.signIns(e.store, who.User)
	if err != nil {
		return nil, err
	}
	current := slices.IndexFunc(list, func(s SignIn) bool { return s.ID == who.Token })
	if current < 0 && !who.Token.IsZero() {
		current = len(list)
		list = append(list, who.signIn())
	}
	if current >= 0 {
		list[current].Current = true
	}
	slices.SortFunc(list, func(a, b SignIn) int { return b.ID.Compare(a.ID) })
	return list, nil
}

// signIn is the identity's own, as its token says.
func (i *Identity) signIn() SignIn {
	return SignIn{ID: i.Token, At: i.Token.Time(), Expires: Time(i.Expires.UnixMilli())}
}

// RevokeSession ends one of the user's sign-ins on every node; ErrNotFound if it is
// not the user's or has ended.
func (e *Engine) RevokeSession(ctx context.Context, who *Identity, id ID) (Receipt, error) {
	return e.write(ctx, func(b *batch) error {
		list, err := e.signIns(b.tx, who.User)
		if err != nil {
			return err
		}
		if !who.Token.IsZero() {
			list = append(list, who.signIn()) // may not be written down
		}
		i := slices.IndexFunc(list, func(s SignIn) bool { return s.ID == id })
		if i < 0 {
			return ErrNotFound
		}
		return b.revoke(who.User, id, list[i].Expires)
	})
}

// RevokeOthers ends all of the user's sign-ins but the identity's own, on every
// node. One that was never written down stays: a new password ends it.
func (e *Engine) RevokeOthers(ctx context.Context, who *Identity) (Receipt, error) {
	return e.write(ctx, func(b *batch) error {
		list, err := e.signIns(b.tx, who.User)
		if err != nil {
			return err
		}
		return b.revokeAll(who.User, slices.DeleteFunc(list, func(s SignIn) bool { return s.ID == who.Token }))
	})
}
