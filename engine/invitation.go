package engine

import (
	"context"
	"time"
)

const (
	inviteLifetime    = 7 * 24 * time.Hour
	maxInviteLifetime = 365 * 24 * time.Hour
	maxInviteNote     = 200  // bytes
	invitationsListed = 1000 // the newest
)

// Invitation is an invite that was made, without its token.
type Invitation struct {
	ID        ID     `json:"id"`
	Admin     bool   `json:"admin"` // makes an administrator
	Note      string `json:"note"`
	CreatedAt Time   `json:"created_at"`
	ExpiresAt Time   `json:"expires_at"`
	By        ID     `json:"by,omitzero"` // zero: the operator
	Used      bool   `json:"used"`
	Revoked   bool   `json:"revoked"`
}

// MakeInvite returns a token with which one person may register, as an administrator
// if so wished, while who made it administers the server. A lifetime of zero is a week.
func (e *Engine) MakeInvite(ctx context.Context, who *Identity, admin bool, note string, lifetime time.Duration) (token string, i Invitation, r Receipt, err error) {
	if err := e.administers(who); err != nil {
		return "", i, r, err
	}
	if lifetime == 0 {
		lifetime = inviteLifetime
	}
	err = checkText("note", note, 0, maxInviteNote)
	if err == nil && (lifetime < 0 || lifetime > maxInviteLifetime) {
		err = invalidField("expires_in_s", "malformed", "an invite may live for a year")
	}
	if err != nil {
		return "", i, r, err
	}
	c := claims{Use: useInvite, Admin: admin, Expires: e.now().Add(lifetime).UTC()}
	r, err = e.manage(ctx, who, writeOverhead, func(b *batch) error {
		c.ID = b.id(b.stamp())
		return b.append(&Event{Kind: KindInvited, Payload: &Invited{
			Invite: c.ID, Expires: Time(c.Expires.UnixMilli()), Admin: admin, Note: note, By: who.User,
		}})
	})
	if err == nil {
		i, err = e.store.Invitation(c.ID)
	}
	if err != nil {
		return "", i, r, err
	}
	return e.signToken(c), i, r, nil
}

// Invites lists the newest invitations, newest first. The first administrator's link is none of them.
func (e *Engine) Invites(who *Identity) ([]Invitation, error) {
	if err := e.administers(who); err != nil {
		return nil, err
	}
	return e.store.Invitations(invitationsListed)
}

// RevokeInvite ends an invite that nobody has used, on every node.
func (e *Engine) RevokeInvite(ctx context.Context, who *Identity, id ID) (Receipt, error) {
	if err := e.administers(who); err != nil {
		return Receipt{}, err
	}
	i, err := e.store.Invitation(id)
	if err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		used, err := b.tx.InviteUsed(id)
		if err == nil && used {
			err = &Error{Code: CodeConflict, Message: "the invite has been used"}
		}
		if err != nil {
			return err
		}
		if revoked, err := b.tx.TokenRevoked(id); err != nil || revoked {
			return err
		}
		return b.revoke(ID{}, id, i.ExpiresAt)
	})
}
