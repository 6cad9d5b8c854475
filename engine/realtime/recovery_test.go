package realtime

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
)

// bodiesUntil returns the bodies of all messages up to one.
func (s *speaker) bodiesUntil(last string) (list []string) {
	s.t.Helper()
	for {
		body := s.next("message")["body"].(string)
		if list = append(list, body); body == last {
			return list
		}
	}
}

// again is what the library of a client says when it comes back.
func (s *speaker) again(token string) fields {
	pid, offset, _ := s.where()
	return fields{"token": token, "pid": pid, "offset": offset}
}

// copyTo hands over what another node lacks.
func (n *node) copyTo(to *node) {
	n.t.Helper()
	for origin, seq := range n.engine.Position().All() {
		var events []*engine.Event
		for le, err := range n.store.Events(origin, to.engine.Position().Seq(origin), seq) {
			if err != nil {
				n.t.Fatal(err)
			}
			ev, err := le.Load()
			if err != nil {
				n.t.Fatal(err)
			}
			events = append(events, ev)
		}
		if _, err := to.engine.Apply(context.Background(), events); err != nil {
			n.t.Fatal(err)
		}
	}
}

// TestI5Recovery: a client that comes back says that it has recovered, and has
// had everything: to its own node, also a new process of it with no ring, and to
// another; also when nothing was missed, and again and again.
func TestI5Recovery(t *testing.T) {
	for name, meanwhile := range map[string]func(a, b *node) *node{
		"same node":    func(a, b *node) *node { return a },
		"restart":      func(a, b *node) *node { a.restart(); return a },
		"another node": func(a, b *node) *node { a.copyTo(b); return b },
	} {
		t.Run(name, func(t *testing.T) {
			socketIO(t, func(t *testing.T, f client.Format) {
				a, b := newNode(t), newNode(t)
				ann := a.register("ann")
				room := a.room("lobby", ann)
				s := a.speak(t, f, fields{"token": ann.token})
				s.next("ready")
				a.post(ann, room, "first")
				s.bodiesUntil("first")
				back := s.again(ann.token)
				s.hangUp()
				<-s.closed
				a.post(ann, room, "second")
				a.post(ann, room, "third")
				n := meanwhile(a, b)
				for _, want := range [][]string{{"second", "third"}, {"fourth"}} {
					s = n.speak(t, f, back)
					if got := s.bodiesUntil(want[len(want)-1]); !slices.Equal(got, want) {
						t.Fatalf("got %q, want %q", got, want)
					}
					if pid, _, recovered := s.where(); !recovered || pid != back["pid"] {
						t.Fatal("the client does not know that it has recovered")
					}
					back = s.again(ann.token)
					if want[0] == "second" {
						n.post(n.signedIn(ann), room, "fourth")
						s.hangUp()
						<-s.closed
						continue
					}
				}
			})
		})
	}
}

// signedIn is an account as this node knows it.
func (n *node) signedIn(a account) account {
	n.t.Helper()
	who, err := n.engine.Authenticate(context.Background(), a.token)
	if err != nil {
		n.t.Fatal(err)
	}
	a.who = who
	return a
}

// TestI5RecoveryFromEveryEvent: whatever the last event was that came, what
// comes after a return is exactly what followed it.
func TestI5RecoveryFromEveryEvent(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	room := n.room("lobby", ann)
	s := n.speak(t, overWebSocket, fields{"token": ann.token})
	s.next("ready")
	const posts = 40
	var bodies, offsets []string
	done := make(chan error, posts)
	for i := range posts { // side by side: they share batches
		bodies = append(bodies, fmt.Sprint(i))
		n.engine.PostAsync(ann.who, engine.NewMessage{Room: room, Body: bodies[i]},
			func(_ engine.Message, _ engine.Receipt, err error) { done <- err })
	}
	for range posts {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	s.bodiesUntil(bodies[posts-1])
	pid, _, _ := s.where()
	s.mu.Lock()
	offsets = slices.Clone(s.offsets)
	s.mu.Unlock()
	if len(offsets) != posts {
		t.Fatalf("%d events had an offset", len(offsets))
	}
	for _, restart := range []bool{false, true} { // from the ring, from the log
		if restart {
			n.restart()
		}
		for i, offset := range offsets[:posts-1] {
			back := n.speak(t, overWebSocket, fields{"token": ann.token, "pid": pid, "offset": offset})
			if got := back.bodiesUntil(bodies[posts-1]); !slices.Equal(got, bodies[i+1:]) {
				t.Fatalf("after event %d: %q", i, got)
			}
			back.hangUp()
		}
	}
}

// TestI5RecoveryRefused: what is not the client's own place to go on from is
// answered by a new pid and a reset, never by silence; the new pid is good.
func TestI5RecoveryRefused(t *testing.T) {
	clock := &fakeClock{}
	n := newNode(t, nodeConfig{
		engine:   engine.Config{Now: clock.now, TokenLifetime: time.Hour, ResumeLimit: 5},
		realtime: Config{Now: clock.now},
	})
	ann, bob := n.register("ann"), n.register("bob")
	room := n.room("lobby", ann, bob)
	old := n.engine.Position().String()
	expired := n.engine.RecoveryToken(ann.ID)
	clock.advance(2 * time.Hour)
	for i := range 6 {
		n.post(ann, room, fmt.Sprint(i))
	}
	_, ann.token, _ = mustLogin(t, n, "ann")
	own, p := n.store.Origin(), n.engine.Position()
	pid, here := n.engine.RecoveryToken(ann.ID), p.String()
	stranger := newNode(t).engine.RecoveryToken(ann.ID)
	for name, auth := range map[string]fields{
		"no pid":           {"offset": here},
		"a forged pid":     {"pid": pid[:len(pid)-4] + "AAAA", "offset": here},
		"bob's pid":        {"pid": n.engine.RecoveryToken(bob.ID), "offset": here},
		"a stranger's pid": {"pid": stranger, "offset": here},
		"an expired pid":   {"pid": expired, "offset": here},
		"a session token":  {"pid": ann.token, "offset": here},
		"garbage":          {"pid": pid, "offset": "garbage"},
		"the future":       {"pid": pid, "offset": p.With(own, p.Seq(own)+1000).String()},
		"an unknown node":  {"pid": pid, "offset": p.With(own+1, 1).String()},
		"too long ago":     {"pid": pid, "offset": old},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the future is waited for
			auth["token"] = ann.token
			s := n.speak(t, overWebSocket, auth)
			want(t, s.next("ready"), fields{"resumed": false, "cursor": here})
			if reset := s.next("reset"); reset["reason"] == "" {
				t.Error("no reason")
			}
			fresh, offset, recovered := s.where()
			if recovered || fresh == auth["pid"] || offset != here {
				t.Fatalf("recovered %v, with pid %q at %q", recovered, fresh, offset)
			}
			again := n.speak(t, overWebSocket, s.again(ann.token))
			want(t, again.next("ready"), fields{"resumed": true})
			if _, _, recovered := again.where(); !recovered {
				t.Error("the new pid is no good")
			}
		})
	}
	t.Run("nothing asked for", func(t *testing.T) {
		s := n.speak(t, overWebSocket, fields{"token": ann.token, "pid": pid})
		s.next("ready")
		s.send(fields{"type": "ping", "ref": 1})
		if f := s.find("pong or reset", func(f fields) bool { return f["type"] == "pong" || f["type"] == "reset" }); f["type"] != "pong" {
			t.Error("a client that asked for nothing was reset")
		}
	})
}

func mustLogin(t *testing.T, n *node, name string) (engine.User, string, error) {
	t.Helper()
	u, token, err := n.engine.Login(testContext(t), name, "correct horse", "")
	if err != nil {
		t.Fatal(err)
	}
	return u, token, err
}

// TestOffsets: events of the log and checkpoints say where the client is; what
// is not stored does not.
func TestOffsets(t *testing.T) {
	n := newNode(t)
	ann, bob := n.register("ann"), n.register("bob")
	room := n.room("lobby", ann, bob)
	s := n.speak(t, overWebSocket, fields{"token": ann.token})
	want(t, s.next("ready"), fields{"cursor": n.engine.Position().String()})
	eventually(t, "the session", func() bool { return n.engine.Stats().Sessions == 1 }) // ready comes before; a signal waits for nobody
	other := n.raw(client.JSON)
	other.hello(bob, "")
	other.call(1, fields{"type": "typing", "room": "lobby"})
	other.call(2, fields{"type": "signal", "room": "lobby", "name": "x", "data": "a string"})
	s.next("signal")
	s.mu.Lock()
	fleeting := len(s.offsets)
	s.mu.Unlock()
	if fleeting != 0 {
		t.Errorf("%d events that are not stored have an offset", fleeting)
	}
	id := n.post(ann, room, "x").ID.String()
	other.call(3, fields{"type": "read", "room": "lobby", "id": id})
	s.next("read")
	if _, offset, _ := s.where(); offset != n.engine.Position().String() {
		t.Error("the last event's offset is not the node's position")
	}
}

// TestI5RecoveryThatFails: where too much has happened between the answer to
// CONNECT and the session's turn, the client has been promised what cannot be
// kept, and is told so.
func TestI5RecoveryThatFails(t *testing.T) {
	n := newNode(t, nodeConfig{engine: engine.Config{ResumeLimit: 5}})
	g := socket.NewGate(1, time.Hour)
	n.handler.Load().gate = g
	ann := n.register("ann")
	room := n.room("lobby", ann)
	offset := n.engine.Position().String()
	var held socket.Turn
	g.Enter(&held, func() {})
	s := n.speak(t, overPolling, fields{"token": ann.token, "pid": n.engine.RecoveryToken(ann.ID), "offset": offset})
	eventually(t, "the answer to CONNECT", func() bool { _, _, recovered := s.where(); return recovered })
	for i := range 6 {
		n.post(ann, room, fmt.Sprint(i))
	}
	g.Leave(&held)
	want(t, s.next("ready"), fields{"resumed": false})
	if s.next("reset")["reason"] == "" {
		t.Error("no reason")
	}
}

// TestI6SocketIOAbandoned: who goes while it waits for its turn is forgotten, place, count and all.
func TestI6SocketIOAbandoned(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n, g := gated(t, 1, time.Hour, Config{})
		ann := n.register("ann")
		var held socket.Turn
		g.Enter(&held, func() {})
		for range 10 {
			s := n.raw(f)
			s.send(fields{"type": "hello", "token": ann.token})
			eventually(t, "the turn", func() bool { return g.Waiting() == 1 })
			s.io.hangUp()
			eventually(t, "the end", func() bool { return g.Waiting() == 0 && n.users(ann) == 0 })
		}
		g.Leave(&held)
		n.raw(f).hello(ann, "")
		eventually(t, "the session", func() bool { return n.engine.Stats().Sessions == 1 })
	})
}
