package realtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// TestReset: a cursor that cannot be served is answered by reset, never silence (I5).
func TestReset(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t, nodeConfig{engine: engine.Config{ResumeLimit: 5}})
		ann := n.register("ann")
		room := n.room("lobby", ann)
		old := n.engine.Position().String()
		for i := range 6 {
			n.post(ann, room, fmt.Sprint(i))
		}
		p := n.engine.Position()
		own := n.store.Origin()
		for name, cursor := range map[string]string{
			"too old":        old,
			"garbage":        "garbage",
			"future":         p.With(own, p.Seq(own)+1000).String(),
			"unknown origin": p.With(own+1, 1).String(),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // the future is waited for
				r := n.raw(f)
				want(t, r.hello(ann, cursor), fields{"resumed": false, "cursor": p.String()})
				r.next("reset")
				want(t, r.call(1, fields{"type": "ping"}), fields{"type": "pong"})
			})
		}
		r := n.raw(f)
		want(t, r.hello(ann, p.String()), fields{"resumed": true})
		want(t, r.next("checkpoint"), fields{"cursor": p.String()})
	})
}

// TestCursorAhead: a node that lags behind a cursor waits for what it lacks
// instead of showing older state (I8).
func TestCursorAhead(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	room := n.room("lobby", ann)
	p := n.engine.Position()
	next := p.With(n.store.Origin(), p.Seq(n.store.Origin())+1)
	r := n.raw(client.JSON)
	r.send(fields{"type": "hello", "token": ann.token, "cursor": next.String()})
	m := n.post(ann, room, "what the cursor has seen")
	ready := r.next("ready")
	want(t, ready, fields{"resumed": true})
	want(t, ready["rooms"].([]any)[0].(fields)["last"].(fields), fields{"id": m.ID.String()})
}

// TestNonce: one nonce is one message, on one connection and on another (I7).
func TestNonce(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann, bob := n.register("ann"), n.register("bob")
		room := n.room("lobby", ann, bob)
		a, b := n.dial(ann, f, ""), n.dial(bob, f, "")
		p := client.Post{Room: "lobby", Body: "once", Nonce: "the same"}
		first, err := a.Post(testContext(t), p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := n.dial(ann, f, "").Post(testContext(t), p)
		if err != nil || again.ID != first.ID || !again.At.Equal(first.At) {
			t.Fatalf("%v: %+v is not %+v", err, again, first)
		}
		other, err := b.Post(testContext(t), p) // another user's nonce is another
		if err != nil || other.ID == first.ID {
			t.Fatalf("%v: %+v", err, other)
		}
		page, err := n.engine.History(ann.who, room, engine.Range{Limit: 200})
		if err != nil || len(page.Items) != 2 {
			t.Fatalf("%v: %+v", err, page)
		}
	})
}

// TestReplay: after a restart the ring is empty and what was missed comes from
// the log, whole and in order, with a checkpoint after it (I5).
func TestReplay(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		room := n.room("lobby", ann)
		cursor := n.engine.Position().String()
		const posts = 2000
		for i := range posts {
			n.engine.PostAsync(ann.who, engine.NewMessage{Room: room, Body: fmt.Sprint(i)}, func(engine.Message, engine.Receipt, error) {})
		}
		n.post(ann, room, fmt.Sprint(posts))
		n.restart()
		c := n.dial(ann, f, cursor)
		var events []event
		c.wait(t, "everything missed and a checkpoint", func(all []event) bool {
			events = all
			messages := slices.DeleteFunc(slices.Clone(all), func(e event) bool { return e.kind != client.TypeMessage })
			return len(messages) > posts && all[len(all)-1].kind == client.TypeCheckpoint
		})
		i := 0
		for _, e := range events {
			if e.kind == client.TypeMessage {
				var m client.Message
				e.decode(t, &m)
				if m.Body != fmt.Sprint(i) {
					t.Fatalf("message %d is %q", i, m.Body)
				}
				i++
			}
		}
		if i != posts+1 {
			t.Fatalf("%d messages of %d", i, posts+1)
		}
	})
}

// TestFramesWhileCatchingUp: a client that is still catching up may already speak;
// nothing is answered before ready.
func TestFramesWhileCatchingUp(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	room := n.room("lobby", ann)
	cursor := n.engine.Position().String()
	for i := range 3000 {
		n.engine.PostAsync(ann.who, engine.NewMessage{Room: room, Body: fmt.Sprint(i)}, func(engine.Message, engine.Receipt, error) {})
	}
	n.post(ann, room, "last")
	n.restart()
	r := n.raw(client.JSON)
	r.send(fields{"type": "hello", "token": ann.token, "cursor": cursor})
	r.send(fields{"type": "post", "ref": 1, "room": "lobby", "body": "early"})
	r.send(fields{"type": "typing", "ref": 2, "room": "lobby"})
	r.next("ready")
	want(t, r.answer(1), fields{"type": "ack"})
	want(t, r.answer(2), fields{"type": "ack"})
}

// pausedConn is a Conn whose client reads only when told to.
type pausedConn struct {
	sent   chan string
	resume chan struct{}
}

func (c *pausedConn) Send(frame []byte)                     { c.sent <- string(frame) }
func (c *pausedConn) Close(code engine.CloseCode, _ string) { c.sent <- fmt.Sprint("closed ", code) }
func (c *pausedConn) Drained(ctx context.Context) error {
	select {
	case <-c.resume:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUpSlowly has a session of bob replay a log that is longer than one
// portion, and runs meanwhile when the first portion is on its way.
func catchUpSlowly(t *testing.T, n *node, bob account, cursor string, meanwhile func()) *pausedConn {
	t.Helper()
	c := &pausedConn{sent: make(chan string, 10000), resume: make(chan struct{}, 100)}
	c.resume <- struct{}{} // for ready; then the first portion waits
	done := make(chan struct{})
	var s *engine.Session
	go func() {
		defer close(done)
		var err error
		if s, err = n.engine.Connect(testContext(t), bob.who, c, wireJSON, cursor); err != nil {
			c.sent <- "failed: " + err.Error()
		}
	}()
	eventually(t, "the first portion", func() bool { return len(c.sent) > 100 })
	meanwhile()
	for range cap(c.resume) {
		c.resume <- struct{}{}
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("catching up did not end")
	}
	if s != nil {
		t.Cleanup(s.Close)
	}
	return c
}

func longLog(t *testing.T) (n *node, ann, bob account, room engine.ID, cursor string) {
	n = newNode(t)
	ann, bob = n.register("ann"), n.register("bob")
	room = n.room("lobby", ann, bob)
	cursor = n.engine.Position().String()
	for i := range 1500 {
		n.engine.PostAsync(ann.who, engine.NewMessage{Room: room, Body: fmt.Sprint(i)}, func(engine.Message, engine.Receipt, error) {})
	}
	n.post(ann, room, "last")
	n.restart()
	return n, ann, bob, room, cursor
}

// drain takes all that was sent so far, and reports whether any of it has a part of these.
func (c *pausedConn) drain(parts ...string) (found bool) {
	for {
		select {
		case f := <-c.sent:
			found = found || slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(f, part) })
		default:
			return found
		}
	}
}

// TestJoinWhileCatchingUp: a room joined while the session reads the log is a room of the session (I5).
func TestJoinWhileCatchingUp(t *testing.T) {
	n, ann, bob, _, cursor := longLog(t)
	other := n.room("other", ann)
	c := catchUpSlowly(t, n, bob, cursor, func() {
		if _, _, err := n.engine.Join(testContext(t), bob.who, other); err != nil {
			t.Fatal(err)
		}
	})
	n.post(ann, other, "to the new member")
	if !c.drain("to the new member") {
		t.Error("the session does not hear the room that its user joined while it caught up")
	}
}

// TestRemovalWhileCatchingUp: who loses a room while catching up hears no more of it (I9).
func TestRemovalWhileCatchingUp(t *testing.T) {
	n, ann, bob, room, cursor := longLog(t)
	c := catchUpSlowly(t, n, bob, cursor, func() {
		if _, err := n.engine.RemoveMember(testContext(t), ann.who, room, bob.ID); err != nil {
			t.Fatal(err)
		}
	})
	n.post(ann, room, "not for bob")
	if c.drain("not for bob") {
		t.Error("the session hears a room that its user was removed from while it caught up")
	}
}

// TestLogoutWhileCatchingUp: a token revoked while its session reads the log ends the session (I9).
func TestLogoutWhileCatchingUp(t *testing.T) {
	n, _, bob, _, cursor := longLog(t)
	c := catchUpSlowly(t, n, bob, cursor, func() {
		if _, err := n.engine.Logout(testContext(t), bob.who); err != nil {
			t.Fatal(err)
		}
	})
	if !c.drain("closed 4009", "failed") {
		t.Error("the session outlives its token")
	}
}

// hookedConn runs something right after ready was queued: before the session is live.
type hookedConn struct {
	pausedConn
	hook func()
}

func (c *hookedConn) Send(frame []byte) {
	c.pausedConn.Send(frame)
	if hook := c.hook; hook != nil {
		c.hook = nil
		hook()
	}
}

// TestJoinBeforeLive: what happens in a room that the user joins between ready
// and going live reaches the session, not the joining alone (I5).
func TestJoinBeforeLive(t *testing.T) {
	n := newNode(t)
	ann, bob := n.register("ann"), n.register("bob")
	room := n.room("lobby", ann)
	c := &hookedConn{pausedConn: pausedConn{sent: make(chan string, 100), resume: make(chan struct{}, 1)}}
	c.resume <- struct{}{}
	c.hook = func() {
		if _, _, err := n.engine.Join(testContext(t), bob.who, room); err != nil {
			t.Error(err)
		}
		n.post(ann, room, "to the new member")
	}
	s, err := n.engine.Connect(testContext(t), bob.who, c, wireJSON, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !c.drain("to the new member") {
		t.Error("the message is lost")
	}
}
