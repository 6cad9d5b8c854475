package engine_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// pausedRand does something once before it gives randomness: hashing a password asks for some.
type pausedRand struct {
	mu    sync.Mutex
	first func()
}

func (r *pausedRand) Read(p []byte) (int, error) {
	r.mu.Lock()
	first := r.first
	r.first = nil
	r.mu.Unlock()
	if first != nil {
		first()
	}
	return rand.Read(p)
}

// I9: who loses the role while a request of theirs waits, as for the hash of a
// password, gets nothing by it any more.
func TestI9RightsThatEnd(t *testing.T) {
	pause := &pausedRand{}
	n := openNode(t, func(c *engine.Config) { c.Rand = pause })
	ann := n.user("ann")
	for name, end := range map[string]func(engine.ID) error{
		"demoted": func(u engine.ID) error {
			_, _, err := n.ChangeAccount(bg, engine.TheOperator, u, engine.AccountChange{Admin: ref(false)})
			return err
		},
		"disabled": func(u engine.ID) error {
			_, _, err := n.ChangeAccount(bg, engine.TheOperator, u, engine.AccountChange{Disabled: ref(true)})
			return err
		},
		"banned": func(u engine.ID) error {
			_, err := n.Ban(bg, engine.TheOperator, engine.Ban{User: u})
			return err
		},
		"deleted": func(u engine.ID) error { _, err := n.DeleteAccount(bg, engine.TheOperator, u); return err },
	} {
		for what, act := range map[string]func(who *engine.Identity) error{
			"a new administrator": func(who *engine.Identity) error {
				_, _, err := n.AddAccount(bg, who, engine.NewAccount{Username: "back-" + name, Password: "long enough", Admin: true})
				return err
			},
			"another's password": func(who *engine.Identity) error {
				_, _, err := n.ChangeAccount(bg, who, ann.User, engine.AccountChange{Password: ref("long enough")})
				return err
			},
		} {
			who := n.administrator(fmt.Sprintf("admin%d-%s", len(what), name))
			ended := false
			pause.first = func() {
				if err := end(who.User); err != nil {
					t.Error(err)
				}
				ended = true
			}
			if err := act(who); !ended || !errors.Is(err, engine.ErrForbidden) {
				t.Errorf("I9: %s makes %s: %v (ended %v)", name, what, err, ended)
			}
		}
	}
}

// I9: what an administrator has made to come back by ends with the role; the
// operator's invites and those of who still has the role hold.
func TestI9InvitesOfThoseWhoLeft(t *testing.T) {
	with := func(c *engine.Config) { c.Registration = engine.RegistrationInvite }
	n, far := openNode(t, with), openNode(t, with)
	root := n.administrator("root")
	join := func(on *node, name, invite string) error {
		_, _, _, err := on.Register(bg, engine.Registering{Username: name, Password: "long enough", Invite: invite})
		return err
	}
	invite := func(who *engine.Identity) string {
		t.Helper()
		token, _, _, err := n.MakeInvite(bg, who, true, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, end := range map[string]func(u engine.ID) error{
		"demoted": func(u engine.ID) error {
			_, _, err := n.ChangeAccount(bg, root, u, engine.AccountChange{Admin: ref(false)})
			return err
		},
		"disabled": func(u engine.ID) error {
			_, _, err := n.ChangeAccount(bg, root, u, engine.AccountChange{Disabled: ref(true)})
			return err
		},
		"banned": func(u engine.ID) error {
			_, err := n.Ban(bg, engine.TheOperator, engine.Ban{User: u})
			return err
		},
		"deleted": func(u engine.ID) error { _, err := n.DeleteAccount(bg, root, u); return err },
	} {
		mole := n.administrator("mole-" + name)
		token := invite(mole)
		if err := end(mole.User); err != nil {
			t.Fatal(err)
		}
		hand(t, n, far)
		for i, on := range []*node{n, far} {
			if err := join(on, "again-"+name, token); !errors.Is(err, engine.ErrForbidden) {
				t.Errorf("I9: node %d, the invite of an administrator who was %s: %v", i, name, err)
			}
		}
	}
	if err := join(far, "by-root", invite(root)); err != nil { // not known there: nothing to judge by
		t.Error(err)
	}
	if err := join(n, "by-operator", invite(engine.TheOperator)); err != nil {
		t.Error(err)
	}
}

// I9: administrators who end each other at once leave one of them.
func TestI9LastOfMany(t *testing.T) {
	n := openNode(t)
	for round := range 10 {
		const many = 6
		var all []*engine.Identity
		for i := range many {
			all = append(all, n.administrator(fmt.Sprintf("admin-%d-%d", round, i)))
		}
		var wg sync.WaitGroup
		for i, who := range all {
			for j, victim := range all {
				wg.Go(func() {
					switch (i + j) % 3 {
					case 0:
						_, _, _ = n.ChangeAccount(bg, who, victim.User, engine.AccountChange{Admin: ref(false)})
					case 1:
						_, _, _ = n.ChangeAccount(bg, who, victim.User, engine.AccountChange{Disabled: ref(true)})
					default:
						_, _ = n.DeleteAccount(bg, who, victim.User)
					}
				})
			}
		}
		wg.Wait()
		left := 0
		for _, who := range all {
			if n.Administers(who) == nil {
				left++
			}
			if _, err := n.DeleteAccount(bg, engine.TheOperator, who.User); err != nil { // for the next round
				t.Fatal(err)
			}
		}
		if left != 1 {
			t.Fatalf("I9: round %d leaves %d administrators", round, left)
		}
	}
}

// A deleted account comes back nowhere: not by those who are still there.
func TestDeletedStaysOut(t *testing.T) {
	n := openNode(t)
	ann, bob := n.user("ann"), n.user("bob")
	room := n.room("garden", ann)
	r, err := n.DeleteAccount(bg, engine.TheOperator, bob.User)
	ok(t, r, err)
	_, invited := n.SetMember(bg, ann, room, bob.User, engine.RoleMember)
	_, _, direct := n.DirectRoom(bg, ann, []engine.ID{bob.User})
	_, given := n.AdminSetMember(bg, engine.TheOperator, room, bob.User, engine.RoleOwner)
	_, _, issued := n.ChangeAccount(bg, engine.TheOperator, bob.User, engine.AccountChange{Admin: ref(true), Password: ref("long enough")})
	for what, err := range map[string]error{"invited": invited, "written to": direct, "made an owner": given, "made an administrator": issued} {
		if engine.AsError(err).Code != engine.CodeConflict {
			t.Errorf("a deleted account is %s: %v", what, err)
		}
	}
	if rooms, _, err := n.JoinedRooms(bob.User, engine.ID{}, 10); err != nil || len(rooms) > 0 {
		t.Errorf("the account is in %d rooms, %v", len(rooms), err)
	}
}

// I9: whoever comes back by a place that Socket.IO remembers is looked at anew: a
// recovery token gives no right, and one of a deleted account's new namesake none either.
func TestI9RecoveryOfTheBarred(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	pid, cursor := n.RecoveryToken(ann.User), n.Position().String()
	r, err := n.Ban(bg, engine.TheOperator, engine.Ban{User: ann.User})
	ok(t, r, err)
	if _, err := n.Connect(bg, ann, newClient(t), plain{}, cursor); engine.AsError(err).Code != engine.CodeForbidden {
		t.Errorf("I9: a banned user goes on from a cursor: %v", err)
	}
	if _, err := n.Authenticate(bg, pid); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("I9: a recovery token signs in: %v", err)
	}
	r, err = n.DeleteAccount(bg, engine.TheOperator, ann.User)
	ok(t, r, err)
	if again := n.user("ann"); n.Recovers(bg, pid, again.User) {
		t.Error("I9: the namesake of a deleted account goes on from its place")
	}
}

// A purge takes no bound that was given for one that was not.
func TestPurgeOfNoTime(t *testing.T) {
	n := openNode(t)
	ann := n.user("ann")
	m := n.post(ann, n.room("garden", ann), "hello")
	for _, f := range []engine.PurgeFilter{{Before: -1}, {Room: m.Room, Before: -1}, {Room: m.Room, After: -1}} {
		if s, _, err := n.Purge(bg, engine.TheOperator, f, "", false); engine.AsError(err).Code != engine.CodeInvalidField {
			t.Errorf("%+v: %+v, %v", f, s, err)
		}
	}
	if got, err := n.Message(ann, m.Room, m.ID); err != nil || got.Deleted {
		t.Errorf("the message is gone: %v", err)
	}
}
