package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// signIn signs a user in again, from a program.
func (n *node) signIn(name, agent string) *engine.Identity {
	n.t.Helper()
	_, token, err := n.Login(bg, name, "password-"+name, agent)
	if err != nil {
		n.t.Fatal(err)
	}
	who, err := n.Authenticate(bg, token)
	if err != nil {
		n.t.Fatal(err)
	}
	return who
}

// agents lists where a user is signed in, newest first, the own with a star.
func (n *node) agents(who *engine.Identity) (list []string) {
	n.t.Helper()
	all, err := n.Sessions(bg, who)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, s := range all {
		if s.At != s.ID.Time() || s.Expires <= s.At {
			n.t.Errorf("%+v", s)
		}
		name := s.Agent
		if s.Current {
			name += "*"
		}
		list = append(list, name)
	}
	return list
}

func (n *node) lists(who *engine.Identity, want ...string) {
	n.t.Helper()
	if got := n.agents(who); !slices.Equal(got, want) {
		n.t.Errorf("signed in at %q, not %q", got, want)
	}
}

// I9: who asks ends own sign-ins alone; what is live on them is closed, here and on another node.
func TestI9RevokeSession(t *testing.T) {
	n, far := openNode(t), openNode(t)
	n.user("ann")
	eve := n.user("eve")
	desk, phone := n.signIn("ann", "desk"), n.signIn("ann", "phone")
	n.lists(desk, "phone", "desk*", "")
	far.give(eventsOf(t, n))
	far.lists(phone, "phone*", "desk", "")
	c, kept, d, e := n.connect(phone, ""), n.connect(desk, ""), far.connect(phone, ""), n.connect(eve, "")
	for _, id := range []engine.ID{phone.Token, eve.User, {}} {
		if _, err := n.RevokeSession(bg, eve, id); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("eve ends %s: %v", id, err)
		}
	}
	if _, err := n.RevokeSession(bg, desk, phone.Token); err != nil {
		t.Fatal(err)
	}
	if _, err := n.RevokeSession(bg, desk, phone.Token); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	c.awaitClose(engine.CloseReplaced)
	hand(t, n, far)
	d.awaitClose(engine.CloseReplaced)
	for _, at := range []*node{n, far} {
		at.lists(desk, "desk*", "")
		if _, err := at.Sessions(bg, phone); !errors.Is(err, engine.ErrUnauthorized) {
			t.Errorf("a revoked token lists: %v", err)
		}
	}
	room := n.room("general", desk, eve)
	m := n.post(eve, room, "who is there?")
	kept.await("message", is("message", m.ID)) // open still
	e.await("echo", is("message", m.ID))
	if _, err := n.RevokeSession(bg, desk, desk.Token); err != nil {
		t.Fatal(err)
	}
	kept.awaitClose(engine.CloseReplaced)
}

func TestRevokeOthers(t *testing.T) {
	n, far := openNode(t), openNode(t)
	first, eve := n.user("ann"), n.user("eve")
	desk := n.signIn("ann", "desk")
	far.give(eventsOf(t, n))
	away := far.signIn("ann", "away")
	hand(t, far, n)
	n.lists(desk, "away", "desk*", "")
	a, b, c := n.connect(first, ""), far.connect(away, ""), n.connect(desk, "")
	for range 2 { // the second finds nobody
		if _, err := n.RevokeOthers(bg, desk); err != nil {
			t.Fatal(err)
		}
	}
	a.awaitClose(engine.CloseReplaced)
	hand(t, n, far)
	b.awaitClose(engine.CloseReplaced)
	far.lists(desk, "desk*")
	n.lists(eve, "*")
	c.await("message", is("message", n.post(desk, n.room("general", desk), "still here").ID))
}

// A new password ends all sign-ins; the one that it makes is listed. One for the
// old password that was on its way is not.
func TestPasswordEndsSignIns(t *testing.T) {
	n, store := openSly(t)
	ann := n.user("ann")
	password := "another password"
	change := engine.ProfileChange{Password: &password, CurrentPassword: "password-ann", Agent: "new"}
	var fresh string
	store.credentials = func() {
		var err error
		if _, fresh, _, err = n.UpdateMe(bg, ann, change); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := n.Login(bg, "ann", "password-ann", "late"); err != nil {
		t.Fatal(err)
	}
	who, err := n.Authenticate(bg, fresh)
	if err != nil {
		t.Fatal(err)
	}
	n.lists(who, "new*")
}

// I6: the 101st sign-in ends the oldest, and its connections, on every node.
func TestI6OldestSignInEnds(t *testing.T) {
	n, far := openNode(t), openNode(t)
	ann := n.user("ann")
	second := n.signIn("ann", "second")
	far.give(eventsOf(t, n))
	c, d, e := n.connect(ann, ""), far.connect(ann, ""), n.connect(second, "")
	for i := range engine.SignInLimit - 2 {
		n.signIn("ann", fmt.Sprint(i))
	}
	if got := n.agents(ann); len(got) != engine.SignInLimit || got[len(got)-1] != "*" {
		t.Fatalf("%d of %d: %q", len(got), engine.SignInLimit, got)
	}
	n.signIn("ann", "one too many")
	c.awaitClose(engine.CloseReplaced)
	hand(t, n, far)
	d.awaitClose(engine.CloseReplaced)
	if got := n.agents(second); len(got) != engine.SignInLimit || got[0] != "one too many" || got[len(got)-1] != "second*" {
		t.Errorf("%d: %q", len(got), got)
	}
	e.await("message", is("message", n.post(second, n.room("general", second), "still here").ID))
}

// I3, I6: two nodes that do not hear of each other each have as many as may be; when
// they have met, they agree, and the next sign-in makes it as many as may be.
func TestI6SignInsOnTwoNodes(t *testing.T) {
	a, b := openNode(t), openNode(t)
	a.user("ann")
	b.give(eventsOf(t, a))
	for i := range engine.SignInLimit {
		a.signIn("ann", fmt.Sprint("a", i))
		b.signIn("ann", fmt.Sprint("b", i))
	}
	hand(t, a, b)
	hand(t, b, a)
	who := b.signIn("ann", "last")
	hand(t, b, a)
	for _, n := range []*node{a, b} {
		if got := n.agents(who); len(got) != engine.SignInLimit || got[0] != "last*" {
			t.Errorf("I6: %d: %q", len(got), got)
		}
	}
	var x, y bytes.Buffer
	if err := errors.Join(a.store.Dump(&x), b.store.Dump(&y)); err != nil || x.String() != y.String() {
		t.Errorf("I3: the nodes differ: %v", err)
	}
}

// I6: 150 sign in at once.
func TestI6SignInsAtOnce(t *testing.T) {
	n := openNode(t)
	n.user("ann")
	var all sync.WaitGroup
	for range 150 {
		all.Go(func() {
			if _, _, err := n.Login(bg, "ann", "password-ann", "one of many"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	who := n.signIn("ann", "last")
	if got := n.agents(who); len(got) != engine.SignInLimit || got[0] != "last*" {
		t.Errorf("%d: %q", len(got), got)
	}
}

// Expired sign-ins are not listed, make room before any that holds, and cannot be ended.
func TestExpiredSignIns(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	n := openNode(t, func(c *engine.Config) {
		c.Now = func() time.Time { return time.UnixMilli(now.Load()) }
		c.TokenLifetime = time.Hour
	})
	old := n.user("ann")
	now.Add((30 * time.Minute).Milliseconds())
	half := n.signIn("ann", "half")
	now.Add((30 * time.Minute).Milliseconds())
	n.lists(half, "half*")
	if _, err := n.RevokeSession(bg, half, old.Token); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an expired one: %v", err)
	}
	for i := range engine.SignInLimit - 1 {
		n.signIn("ann", fmt.Sprint(i))
	}
	if got := n.agents(half); len(got) != engine.SignInLimit || got[len(got)-1] != "half*" {
		t.Errorf("%d: %q", len(got), got)
	}
}

// shutStore takes no batches at a test's word.
type shutStore struct {
	*storage.Store
	shut atomic.Bool
}

func (s *shutStore) Begin() (engine.Tx, error) {
	if s.shut.Load() {
		return nil, engine.ErrUnavailable
	}
	return s.Store.Begin()
}

// Who has the password gets in while nothing can be written, and sees the own sign-in.
func TestSignInWithoutWrites(t *testing.T) {
	s := &shutStore{}
	n := openNode(t, func(c *engine.Config) {
		s.Store = c.Store.(*storage.Store)
		c.Store = s
	})
	first := n.user("ann")
	s.shut.Store(true)
	who := n.signIn("ann", "unwritten")
	n.lists(who, "*", "")
	n.lists(first, "*")
	if _, err := n.RevokeSession(bg, first, who.Token); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a write while there are none: %v", err)
	}
	s.shut.Store(false)
	if _, err := n.RevokeSession(bg, who, who.Token); err != nil {
		t.Errorf("the own one, unwritten: %v", err)
	}
	if _, err := n.Sessions(bg, who); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("it holds still: %v", err)
	}
}

// A sign-in waits for no other node, and none is refused for want of one.
func TestSignInWithoutPeers(t *testing.T) {
	p := newPeers()
	n := openNode(t, p.with)
	n.user("ann")
	p.set(func() { p.level, p.refusal = "", engine.ErrUnavailable })
	who := n.signIn("ann", "alone")
	n.lists(who, "alone*", "")
}
