package storage

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// bans are what the last words leave of them: users by ID, then networks.
func (o *oracle) bans() (list []engine.Ban) {
	users, nets := map[engine.ID]engine.Ban{}, map[string]engine.Ban{}
	for _, e := range o.events {
		switch p := e.Payload.(type) {
		case *engine.UserBanned:
			if delete(users, e.User); !p.Lifted {
				users[e.User] = engine.Ban{User: e.User, Reason: p.Reason, CreatedAt: e.ID().Time(), Until: p.Until, By: p.By}
			}
		case *engine.NetBanned:
			if delete(nets, p.Network); !p.Lifted {
				nets[p.Network] = engine.Ban{Network: p.Network, Reason: p.Reason, CreatedAt: e.ID().Time(), Until: p.Until, By: p.By}
			}
		}
	}
	for _, id := range o.userIDs() {
		if b, ok := users[id]; ok {
			list = append(list, b)
		}
	}
	for _, n := range slices.Sorted(slices.Values(worldNets)) {
		if b, ok := nets[n]; ok {
			list = append(list, b)
		}
	}
	return list
}

// invitations are those that were told of, newest first.
func (o *oracle) invitations() []engine.Invitation {
	used, revoked, all := map[engine.ID]bool{}, map[engine.ID]bool{}, map[engine.ID]engine.Invitation{}
	for _, e := range o.events {
		switch p := e.Payload.(type) {
		case *engine.UserCreated:
			used[p.Invite] = true
		case *engine.TokenRevoked:
			revoked[p.Token] = true
		case *engine.Invited:
			all[p.Invite] = engine.Invitation{ID: p.Invite, Admin: p.Admin, Note: p.Note, CreatedAt: p.Invite.Time(), ExpiresAt: p.Expires, By: p.By}
		}
	}
	list := make([]engine.Invitation, 0, len(all))
	for id, i := range all {
		i.Used, i.Revoked = used[id], revoked[id]
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b engine.Invitation) int { return b.ID.Compare(a.ID) })
	return list
}

func (o *oracle) account(id engine.ID, shown engine.User) engine.Account {
	u := o.user(id)
	a := engine.Account{User: shown, Disabled: u.disabled, Deleted: !u.ended.IsZero(), Password: u.phc != "", CreatedAt: u.made1st.Time()}
	for _, e := range o.events {
		if e.User == id && e.Kind == engine.KindTokenIssued {
			a.LastSignIn = max(a.LastSignIn, e.Stamp.Time())
		}
	}
	return a
}

// registry checks what administration asks for.
func (c *check) registry() {
	c.listed("users", c.s.Users, c.o.userIDs(), c.o.user)
	c.listed("rooms", c.s.Rooms, c.o.roomIDs(), c.o.room)
	for _, id := range c.o.userIDs() {
		a, err := c.s.Account(id)
		if c.found("account", c.o.user(id).made, err) {
			c.same("account", a, c.o.account(id, a.User), nil)
		}
	}
	for _, id := range c.o.roomIDs() {
		at, err := c.s.RoomMade(id)
		if c.found("room made", c.o.room(id).made, err) {
			c.same("room made", at, c.o.room(id).made1st.Time(), nil)
		}
	}
	bans, err := c.s.Bans()
	c.same("bans", bans, c.o.bans(), err)
	for _, b := range bans {
		got, err := c.s.BanOf(b)
		c.same("ban of", got, b, err)
	}
	all := c.o.invitations()
	got, err := c.s.Invitations(100)
	c.same("invitations", append([]engine.Invitation{}, got...), all, err)
	if len(all) > 1 {
		got, err = c.s.Invitations(1)
		c.same("invitations, the newest", got, all[:1], err)
	}
}

// listed reads a list by pages of two.
func (c *check) listed(what string, page func(engine.ID, int) ([]engine.ID, error), ids []engine.ID, get func(engine.ID) oracleUser) {
	want := slices.DeleteFunc(ids, func(id engine.ID) bool { return !get(id).made })
	got := []engine.ID{}
	for after := (engine.ID{}); ; {
		ids, err := page(after, 2)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(ids) == 0 {
			break
		}
		got, after = append(got, ids...), ids[len(ids)-1]
	}
	c.same(what, got, append([]engine.ID{}, want...), nil)
}

// I3: whatever comes after a deletion, or came before it and arrives later, a deleted
// account has no name of its own, no password, no sign-in and no role.
func TestI3DeletedAccount(t *testing.T) {
	name, yes := "eve", true
	user := engine.ID{7}
	for order := range 5 {
		s := openMem(t, vfs.NewMem())
		defer s.Close()
		deletion := newWriter(t, s)
		deletion.origin = 99
		others := newWriter(t, s)
		events := []*engine.Event{
			others.event(engine.KindUserCreated, engine.ID{}, user, &engine.UserCreated{Username: "ann", Password: "phc", Admin: true}),
			others.event(engine.KindTokenIssued, engine.ID{}, user, &engine.TokenIssued{Token: engine.ID{8}, Expires: 1 << 45}),
			others.event(engine.KindUserUpdated, engine.ID{}, user, &engine.UserUpdated{Username: &name, Password: &name, DisplayName: &name, Admin: &yes}),
			others.event(engine.KindTokenIssued, engine.ID{}, user, &engine.TokenIssued{Token: engine.ID{0xFF}, Expires: 1 << 45}),
		}
		end := deletion.event(engine.KindAccountSet, engine.ID{}, user, &engine.AccountSet{Deleted: true})
		others.append(events[:order]...)
		deletion.append(end)
		others.append(events[order:]...)
		u, err := s.User(user)
		if err != nil || u.Username != deletedName(user) || u.DisplayName != "" || u.Admin() {
			t.Errorf("after %d events: %+v, %v", order, u, err)
		}
		phc, _, err := s.Credentials(user)
		list, lerr := s.SignIns(user)
		admins, aerr := s.Admins()
		if phc != "" || len(list) > 0 || admins != 0 || err != nil || lerr != nil || aerr != nil {
			t.Errorf("after %d events: password %q, sign-ins %v, %d administrators; %v %v %v", order, phc, list, admins, err, lerr, aerr)
		}
	}
}

// I3: of two deletions the first counts, whichever comes first.
func TestI3DeletedTwice(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := openMem(t, vfs.NewMem())
		defer s.Close()
		a, b := newWriter(t, s), newWriter(t, s)
		b.origin = 99
		first := a.event(engine.KindAccountSet, engine.ID{}, engine.ID{7}, &engine.AccountSet{Deleted: true})
		b.stamp = first.Stamp
		second := b.event(engine.KindAccountSet, engine.ID{}, engine.ID{7}, &engine.AccountSet{Deleted: true})
		if late {
			b.append(second)
			a.append(first)
		} else {
			a.append(first)
			b.append(second)
		}
		r, err := readUserRecord(s, engine.ID{7})
		if err != nil || r.Deleted != first.ID() {
			t.Errorf("I3: deleted by %s, %v", r.Deleted, err)
		}
	}
}
