package engine

import (
	"context"
	"errors"
	"net/netip"
)

const (
	maxBans        = 10_000 // of users, and of networks
	maxBanReason   = 200    // bytes
	endedForgotten = 16     // bans that have ended and go with the next one that is made
)

// Bans lists the bans that hold: users in order of ID, then networks.
func (e *Engine) Bans(who *Identity) ([]Ban, error) {
	if err := e.administers(who); err != nil {
		return nil, err
	}
	return e.bans.list(), nil
}

// AddressBan returns the ban of an address, from memory. Loopback's addresses and the
// trusted proxies' have none but one of themselves alone.
func (e *Engine) AddressBan(a netip.Addr) (Ban, bool) { return e.bans.ofAddress(a) }

// AdmitAddress returns CodeForbidden for an address that is banned.
func (e *Engine) AdmitAddress(a netip.Addr) error {
	if ban, ok := e.bans.ofAddress(a); ok {
		return ban.refusal("this address")
	}
	return nil
}

// admits is AdmitAddress for a connection's.
func (e *Engine) admits(c Conn) error { return e.AdmitAddress(addressOf(c)) }

func addressOf(c Conn) netip.Addr {
	if l, ok := c.(Located); ok {
		return l.Address()
	}
	return netip.Addr{}
}

// Ban keeps a user or a network out, on every node, instead of any ban of it before.
// There are at most maxBans of each; nodes that do not hear of each other each keep to it.
func (e *Engine) Ban(ctx context.Context, who *Identity, ban Ban) (Receipt, error) {
	err := e.administers(who)
	if err == nil {
		ban, err = e.banSubject(ban)
	}
	if err == nil {
		err = checkText("reason", ban.Reason, 0, maxBanReason)
	}
	if err == nil && !ban.holds(e.now()) {
		err = invalidField("until", "malformed", "until must be later than now")
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		if err := b.mayBan(who, ban.User); err != nil {
			return err
		}
		ended := e.bans.ended(endedForgotten)
		known, err := b.banned(ban)
		if err != nil {
			return err
		}
		if !known && len(ended) == 0 && e.bans.full(ban) {
			return errTooManyBans
		}
		for _, old := range ended {
			if err := b.setBan(who, old, true); err != nil {
				return err
			}
		}
		return b.setBan(who, ban, false)
	})
}

// Unban ends a ban of a user or a network before its time.
func (e *Engine) Unban(ctx context.Context, who *Identity, ban Ban) (Receipt, error) {
	err := e.administers(who)
	if err == nil {
		ban, err = e.banSubject(ban)
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		known, err := b.banned(ban)
		if err == nil && !known {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return b.setBan(who, ban, true)
	})
}

// banSubject checks whom a ban is about, and writes a network in its one way.
func (e *Engine) banSubject(ban Ban) (Ban, error) {
	if ban.User.IsZero() == (ban.Network == "") {
		return ban, invalidField("user", "required", "name either a user or a network")
	}
	if ban.Network == "" {
		_, err := e.store.User(ban.User)
		return ban, err
	}
	p, err := parseNetwork(ban.Network)
	ban.Network = p.String()
	return ban, err
}

// mayBan keeps administrators from each other: who has the role loses it first.
func (b *batch) mayBan(who *Identity, user ID) error {
	if user.IsZero() || who.Operator {
		return nil
	}
	u, err := b.tx.User(user)
	if err == nil && u.Admin() {
		err = &Error{Code: CodeConflict, Message: "an administrator cannot be banned; take the role away first"}
	}
	return err
}

// banned tells whether there is a ban, also one that has ended by itself. One made in
// this very batch it may not see: then the later of two is what counts.
func (b *batch) banned(subject Ban) (bool, error) {
	_, err := b.k.store.BanOf(subject)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (b *batch) setBan(who *Identity, ban Ban, lifted bool) error {
	if lifted {
		ban.Reason, ban.Until = "", 0
	}
	ev := &Event{Kind: KindUserBanned, User: ban.User, Payload: &UserBanned{Reason: ban.Reason, Until: ban.Until, Lifted: lifted, By: who.User}}
	if ban.Network != "" {
		ev.Kind = KindNetBanned
		ev.Payload = &NetBanned{Network: ban.Network, Reason: ban.Reason, Until: ban.Until, Lifted: lifted, By: who.User}
	}
	return b.append(ev)
}

// noteBan brings the bans in memory in line with an event that is durable. It must not
// fail: where the disk cannot be read, what the event says counts until the next start.
func (e *Engine) noteBan(c committed) {
	var said Ban
	lifted := false
	switch p := c.Payload.(type) {
	case *UserBanned:
		said, lifted = Ban{User: c.User, Reason: p.Reason, CreatedAt: c.Stamp.Time(), Until: p.Until, By: p.By}, p.Lifted
	case *NetBanned:
		said, lifted = Ban{Network: p.Network, Reason: p.Reason, CreatedAt: c.Stamp.Time(), Until: p.Until, By: p.By}, p.Lifted
	default:
		return
	}
	switch now, err := e.store.BanOf(said); {
	case err == nil:
		said, lifted = now, false
	case errors.Is(err, ErrNotFound):
		lifted = true
	default:
		e.log.Warn("a ban could not be read back; its event counts", "err", err)
	}
	if lifted {
		e.bans.lift(said)
	} else {
		e.bans.set(said)
	}
}
