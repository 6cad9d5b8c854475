package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// signUp registers somebody and returns the token.
func (n *node) signUp(name string) string {
	n.t.Helper()
	_, token, _, err := n.Register(bg, engine.Registering{Username: name, Password: "password-" + name})
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

// give applies events of another node.
func (n *node) give(events []*engine.Event) {
	n.t.Helper()
	if _, err := n.Apply(bg, events); err != nil {
		n.t.Fatal(err)
	}
}

// brief is long enough to wait in vain, and ends long before WaitLimit.
func brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(bg, 50*time.Millisecond)
}

// I8, I9: a token that is ahead of the node is waited for, step by step, while its
// origin is expected; then it is not_caught_up. Of an origin that is not, it is void at once.
func TestI8TokensAheadOfTheNode(t *testing.T) {
	a, p := openNode(t), newPeers()
	b := openNode(t, p.with)
	token := a.signUp("ann")
	events := eventsOf(t, a)
	start := time.Now()
	if _, err := b.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) || time.Since(start) >= engine.WaitLimit {
		t.Errorf("of a stranger's node, after %v: %v", time.Since(start), err)
	}
	p.set(func() { p.expected[a.store.Origin()] = true })
	for have, missing := range []string{"the key", "the user"} {
		b.give(events[:have])
		ctx, cancel := brief()
		if _, err := b.Authenticate(ctx, token); !errors.Is(err, engine.ErrNotCaughtUp) {
			t.Errorf("without %s: %v", missing, err)
		}
		cancel()
	}
	asked := p.asking()
	signedIn := make(chan error, 1)
	go func() {
		_, err := b.Authenticate(bg, token)
		signedIn <- err
	}()
	soon(t, "question", asked) // the user is not here: it is about to wait
	b.give(events)
	if err := <-signedIn; err != nil {
		t.Errorf("once the user has come: %v", err)
	}
}

// I8: an account of one node, signed in on a second, shown to a third that has
// only the second's events: not yet, unless nobody can bring it any more.
func TestI8TokensOfOthersAccounts(t *testing.T) {
	home, issuer, p := openNode(t), openNode(t), newPeers()
	n := openNode(t, p.with)
	home.signUp("ann")
	issuer.give(eventsOf(t, home))
	_, token, err := issuer.Login(bg, "ann", "password-ann", "")
	if err != nil {
		t.Fatal(err)
	}
	n.give(eventsOf(t, issuer))
	p.set(func() { p.expected[home.store.Origin()] = true })
	if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrNotCaughtUp) {
		t.Errorf("while the account may come: %v", err)
	}
	p.set(func() { clear(p.expected) })
	if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) {
		t.Errorf("when it cannot: %v", err)
	}
	n.give(eventsOf(t, home))
	if _, err := n.Authenticate(bg, token); err != nil {
		t.Errorf("when it has come: %v", err)
	}
}

// I8: an invite may be used on a node that has not seen the inviting one's key yet.
func TestI8InvitesAheadOfTheNode(t *testing.T) {
	a, p := openNode(t), newPeers()
	b := openNode(t, p.with, func(c *engine.Config) { c.Registration = engine.RegistrationInvite })
	invite, err := a.SetupInvite()
	if err != nil {
		t.Fatal(err)
	}
	p.set(func() { p.expected[a.store.Origin()] = true })
	register := func(ctx context.Context) error {
		_, _, _, err := b.Register(ctx, engine.Registering{Username: "ann", Password: "password-ann", Invite: invite})
		return err
	}
	ctx, cancel := brief()
	defer cancel()
	if err := register(ctx); !errors.Is(err, engine.ErrNotCaughtUp) {
		t.Errorf("without the key: %v", err)
	}
	b.give(eventsOf(t, a))
	if err := register(bg); err != nil {
		t.Errorf("with it: %v", err)
	}
}

// I6: tokens that anybody can make up have few places to wait for their key.
func TestI6UnprovenTokensHaveFewPlaces(t *testing.T) {
	a, p := openNode(t), newPeers()
	b := openNode(t, p.with)
	token := a.signUp("ann")
	p.set(func() { p.expected[a.store.Origin()] = true })
	const crowd = 1000
	answers := make(chan error, crowd)
	for range crowd {
		go func() {
			_, err := b.Authenticate(bg, token)
			answers <- err
		}()
	}
	most := 0
	eventually(t, "place or answer for each", func() bool {
		n := b.Waiters()
		most = max(most, n)
		return n+len(answers) == crowd
	})
	if most == 0 || most > 256 {
		t.Errorf("%d waited", most)
	}
	b.give(eventsOf(t, a))
	for range crowd {
		if err := <-answers; err != nil && !errors.Is(err, engine.ErrNotCaughtUp) {
			t.Fatal(err)
		}
	}
	if _, err := b.Authenticate(bg, token); err != nil {
		t.Errorf("once the key is here: %v", err)
	}
}

// I5: a cursor that is ahead in one origin and behind in another is served: at
// once when the missing tail is not expected, and the tail follows when it comes.
func TestI5CursorsAheadAndBehind(t *testing.T) {
	for _, ring := range []int{8192, 1} {
		t.Run(fmt.Sprint("ring ", ring), func(t *testing.T) {
			p := newPeers()
			a, b := openNode(t, p.with), openNode(t)
			a.ShrinkRing(ring)
			ann := a.user("ann")
			room := a.room("general", ann)
			b.give(eventsOf(t, a))
			b.post(ann, room, "b's first, on both")
			hand(t, b, a)
			tail := b.post(ann, room, "b's tail, lost with b")
			cursor := b.Position().String() // covers the tail, and nothing of what a writes now
			var missed []engine.Message
			for i := range 5 {
				missed = append(missed, a.post(ann, room, fmt.Sprint("missed ", i)))
			}
			start := time.Now()
			c := a.connect(ann, cursor)
			if took := time.Since(start); took >= engine.WaitLimit {
				t.Errorf("waited %v for what nobody expects", took)
			}
			c.await("checkpoint", func(v notice) bool { return v.Type == "checkpoint" && v.Cursor == a.Position().String() })
			for _, m := range missed {
				c.await("missed", is("message", m.ID))
			}
			for _, v := range c.all() {
				if v.Type == "reset" || v.Type == "ready" && !v.Resumed || v.ID == tail.ID {
					t.Errorf("was told %+v", v)
				}
			}
			hand(t, b, a)
			c.await("tail", is("message", tail.ID))
		})
	}
}

// I5, I8: what may still come is waited for, and the session starts with it.
func TestI5CursorsWaitForWhatIsExpected(t *testing.T) {
	p := newPeers()
	a, b := openNode(t, p.with), openNode(t)
	ann := a.user("ann")
	room := a.room("general", ann)
	b.give(eventsOf(t, a))
	m := b.post(ann, room, "b's")
	p.set(func() { p.expected[b.store.Origin()] = true })
	asked := p.asking()
	connected := make(chan *client, 1)
	go func() { connected <- a.connect(ann, b.Position().String()) }()
	soon(t, "question", asked)
	select {
	case <-connected:
		t.Error("did not wait")
	default:
	}
	hand(t, b, a)
	c := soon(t, "session", connected)
	for _, v := range c.all() {
		if v.Type == "reset" || v.ID == m.ID {
			t.Errorf("was told %+v", v)
		}
	}
}

// I5: of an origin that this node has never seen, or of its own events that it has
// never written, a cursor is a reset.
func TestI5CursorsOfNowhere(t *testing.T) {
	n := openNode(t, newPeers().with)
	ann := n.user("ann")
	own := n.store.Origin()
	for name, cursor := range map[string]engine.Position{
		"unknown origin": n.Position().With(99, 1),
		"own future":     n.Position().With(own, n.Position().Seq(own)+1),
	} {
		n.connect(ann, cursor.String()).await(name, func(v notice) bool { return v.Type == "reset" && v.Reason != "" })
	}
}

// at sets a node's clock.
func at(now time.Time) func(*engine.Config) {
	return func(c *engine.Config) { c.Now = func() time.Time { return now } }
}

// crossing is one nonce posted in two rooms on nodes that had not met: a session
// that is in one of them only has seen a post that is hidden since, by a post in
// the other, which also brings back a third.
type crossing struct {
	early, late *node
	fs          *vfs.MemFS
	bob, zed    *engine.Identity
	cursor      string // of both, before they met
	hidden      engine.ID
	shown       engine.ID
	secret      engine.ID // the post in the room that zed is in and bob is not
}

func cross(t *testing.T) crossing {
	x := crossing{fs: vfs.NewMem()}
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	x.early = openNode(t, at(day))
	x.late = openNodeOn(t, x.fs, at(day.Add(20*time.Hour)))
	later := openNode(t, at(day.Add(40*time.Hour)))
	ann := x.early.user("ann")
	x.bob = x.early.user("bob")
	x.zed = x.early.user("zed")
	both, alone := x.early.room("both", ann, x.bob), x.early.room("alone", ann, x.zed)
	x.late.give(eventsOf(t, x.early))
	later.give(eventsOf(t, x.early))
	post := func(n *node, room engine.ID) engine.ID {
		m, _, err := n.Post(bg, ann, engine.NewMessage{Room: room, Body: "once", Nonce: "same"})
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	x.secret = post(x.early, alone)
	x.hidden = post(x.late, both)
	x.shown = post(later, both) // within a day of hidden, but not of secret
	hand(t, later, x.late)
	c := x.late.connect(x.bob, "")
	x.cursor = x.late.Position().String()
	c.session.Close()
	return x
}

func (x crossing) check(t *testing.T, n *node) {
	t.Helper()
	c := n.connect(x.bob, x.cursor)
	c.await("duplicate", func(v notice) bool { return v.Type == "message_deleted" && v.ID == x.hidden && v.Duplicate })
	c.await("message that came back", is("message", x.shown))
	for _, v := range c.all() {
		if v.ID == x.secret {
			t.Errorf("I9: bob was told of a room he is not in: %+v", v)
		}
	}
	c = n.connect(x.zed, x.cursor)
	c.await("message", is("message", x.secret))
	for _, v := range c.all() {
		if v.ID == x.shown || v.ID == x.hidden {
			t.Errorf("I9: zed was told of a room he is not in: %+v", v)
		}
	}
}

// I3, I5, I9: what a post in another room has hidden and shown reaches a session
// that comes back, from the ring, from the log, and after a restart; the post does not.
func TestI5EffectsInOtherRooms(t *testing.T) {
	t.Run("live", func(t *testing.T) {
		x := cross(t)
		c := x.late.connect(x.bob, "")
		hand(t, x.early, x.late)
		c.await("duplicate", func(v notice) bool { return v.Type == "message_deleted" && v.ID == x.hidden && v.Duplicate })
		c.await("message that came back", is("message", x.shown))
	})
	t.Run("ring", func(t *testing.T) {
		x := cross(t)
		hand(t, x.early, x.late)
		x.check(t, x.late)
		if x.late.Stats().ReplayedEvents > 0 {
			t.Error("it came from the log")
		}
	})
	t.Run("log", func(t *testing.T) {
		x := cross(t)
		x.late.ShrinkRing(1)
		hand(t, x.early, x.late)
		ann := x.late.user("another")
		room := x.late.room("elsewhere", ann)
		before := x.late.Stats().ReplayedEvents
		for i := range 100 {
			x.late.post(ann, room, fmt.Sprint(i))
		}
		x.check(t, x.late)
		if got := x.late.Stats().ReplayedEvents - before; got == 0 || got > 10 {
			t.Errorf("%d events were loaded: of other rooms only those that crossed should be", got)
		}
	})
	t.Run("restart", func(t *testing.T) {
		x := cross(t)
		hand(t, x.early, x.late)
		x.late.shut()
		x.check(t, openNodeOn(t, x.fs))
	})
}
