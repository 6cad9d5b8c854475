package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// stamped is plain with the cursor of an event's frame in the notice.
type stamped struct{ plain }

func (s stamped) EncodeAt(notice any, cursor string) []byte {
	b := s.Encode(notice)
	return fmt.Appendf(b[:len(b)-1], `,"cursor":%q}`, cursor)
}

// I5: a connection that is cut after any frame goes on from that frame's cursor,
// on either node, served from the ring or from the log, and misses nothing: in
// batches, with events of two origins, and with one that tells of two rooms.
func TestI5EveryFrameIsAPlaceToResume(t *testing.T) {
	for _, ring := range []int{8192, 1} {
		t.Run(fmt.Sprint("ring ", ring), func(t *testing.T) {
			a, b := openNode(t), openNode(t)
			a.ShrinkRing(ring)
			b.ShrinkRing(ring)
			ann, bob := a.user("ann"), a.user("bob")
			one, two := a.room("one", ann, bob), a.room("two", ann, bob)
			rooms := []engine.ID{one, two}
			gossip(t, []*node{a, b})
			start := a.Position().String()
			live := a.connectOver(stamped{}, bob, start)
			confuse(t, a, b, ann, rooms)
			last := a.post(ann, one, "the end")
			gossip(t, []*node{a, b})
			frames := live.all()
			if frames[len(frames)-1].ID != last.ID {
				t.Fatalf("the last frame is %+v", frames[len(frames)-1])
			}
			for cut := range len(frames) + 1 {
				f := newFollower(bob, 1)
				f.wire, f.cursor = stamped{}, start
				for _, v := range frames[:cut] {
					f.take(v)
				}
				n := []*node{a, b}[cut%2]
				f.finish(t, n, last.ID)
				f.check(t, n, rooms)
				if t.Failed() {
					t.Fatalf("after frame %d of %d", cut, len(frames))
				}
			}
		})
	}
}

// confuse makes a history of two nodes that learn of each other in portions.
func confuse(t *testing.T, a, b *node, ann *engine.Identity, rooms []engine.ID) {
	t.Helper()
	for round := range 5 {
		nonce := fmt.Sprint("crossing ", round) // the same post in two rooms on two nodes
		for i, n := range []*node{a, b} {
			if _, _, err := n.Post(bg, ann, engine.NewMessage{Room: rooms[i], Body: nonce, Nonce: nonce}); err != nil {
				t.Fatal(err)
			}
		}
		mine := b.post(ann, rooms[1], "from b")
		together(t, a, ann, rooms)
		if _, _, err := b.Edit(bg, ann, rooms[1], mine.ID, "from b, edited"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Delete(bg, ann, rooms[1], b.post(ann, rooms[1], "gone").ID); err != nil {
			t.Fatal(err)
		}
		gossip(t, []*node{a, b})
	}
}

// together posts many messages at once, which share batches.
func together(t *testing.T, n *node, who *engine.Identity, rooms []engine.ID) {
	t.Helper()
	const posts = 8
	done := make(chan error, posts)
	for i := range posts {
		n.PostAsync(who, engine.NewMessage{Room: rooms[i%len(rooms)], Body: fmt.Sprint("together ", i)},
			func(_ engine.Message, _ engine.Receipt, err error) { done <- err })
	}
	for range posts {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

// I5: a cursor never claims what the frame's own entry still has to tell, and
// always the entry once it is told, live and in a replay.
func TestI5StampsOfAnEntryWithTwoRooms(t *testing.T) {
	var ahead atomic.Int64
	late := func(c *engine.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}
	a, b := openNode(t, late), openNode(t)
	ann := a.user("ann")
	one, two := a.room("one", ann), a.room("two", ann)
	gossip(t, []*node{a, b})
	ahead.Store(int64(time.Hour))
	for i, n := range []*node{b, a} { // that of b is the earlier, and hides the other
		if _, _, err := n.Post(bg, ann, engine.NewMessage{Room: []engine.ID{one, two}[i], Body: "x", Nonce: "same"}); err != nil {
			t.Fatal(err)
		}
	}
	before := a.Position()
	live := a.connectOver(stamped{}, ann, "")
	hand(t, b, a)
	after := a.Position()
	a.ShrinkRing(1)
	a.post(ann, one, "the ring forgets")
	for what, c := range map[string]*client{"live": live, "replay": a.connectOver(stamped{}, ann, before.String())} {
		var told []notice
		for _, v := range c.all() {
			if v.Type == "message" && v.Body == "x" || v.Type == "message_deleted" {
				told = append(told, v)
			}
		}
		if len(told) != 2 {
			t.Fatalf("%s: told %+v", what, told)
		}
		if told[0].Cursor != before.String() {
			t.Errorf("%s: the first frame claims what the second tells", what)
		}
		if told[1].Cursor != after.String() {
			t.Errorf("%s: the last frame does not claim its entry", what)
		}
	}
}

// I9: a recovery token is good for its own user, for its time and for nothing
// else, on any node.
func TestI9RecoveryTokens(t *testing.T) {
	var ahead atomic.Int64
	at := func(c *engine.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		c.TokenLifetime = time.Hour
	}
	a, b, stranger := openNode(t, at), openNode(t, at), openNode(t)
	ann, bob := a.user("ann"), a.user("bob")
	gossip(t, []*node{a, b})
	token := a.RecoveryToken(ann.User)
	for _, n := range []*node{a, b} {
		if !n.Recovers(bg, token, ann.User) {
			t.Error("a node does not know the token")
		}
		if n.Recovers(bg, token, bob.User) {
			t.Error("ann's token is bob's")
		}
		if n.Recovers(bg, token[:len(token)-1], ann.User) || n.Recovers(bg, "", ann.User) {
			t.Error("no token is one")
		}
		if n.Recovers(bg, stranger.RecoveryToken(ann.User), ann.User) {
			t.Error("a stranger's token is one")
		}
		if _, err := n.Authenticate(bg, token); !errors.Is(err, engine.ErrUnauthorized) {
			t.Errorf("the token signs in: %v", err)
		}
	}
	ahead.Store(int64(2 * time.Hour))
	if b.Recovers(bg, token, ann.User) {
		t.Error("the token outlives its time")
	}
}

// I5: what CanResume promises, Connect does.
func TestI5CanResume(t *testing.T) {
	n := openNode(t, func(c *engine.Config) { c.ResumeLimit = 5 })
	ann := n.user("ann")
	room := n.room("general", ann)
	old := n.Position().String()
	for i := range 6 {
		n.post(ann, room, fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	for cursor, want := range map[string]bool{n.Position().String(): true, old: false, "garbage": false} {
		can, reason := n.CanResume(ctx, cursor)
		if can != want || can == (reason != "") {
			t.Errorf("%q: %v, %q", cursor, can, reason)
		}
		ready := n.connect(ann, cursor).await("ready", func(v notice) bool { return v.Type == "ready" })
		if ready.Resumed != want {
			t.Errorf("%q was resumed: %v", cursor, ready.Resumed)
		}
	}
}
