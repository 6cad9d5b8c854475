package realtime

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
)

// gated is a node with so many places for openings, lent for so long.
func gated(t testing.TB, places int, lent time.Duration, c Config) (*node, *socket.Gate) {
	t.Helper()
	n := newNode(t, nodeConfig{realtime: c})
	g := socket.NewGate(places, lent)
	n.handler.Load().gate = g
	return n, g
}

func (r *raw) sendHello(who account) { r.send(fields{"type": "hello", "token": who.token}) }

// TestOpeningWaits: a client who has said hello in time is not punished for
// having to wait, nor are the frames that it sends meanwhile lost; one who has not, is.
func TestOpeningWaits(t *testing.T) {
	n, g := gated(t, 1, time.Hour, Config{HandshakeTimeout: 50 * time.Millisecond})
	ann := n.register("ann")
	var held socket.Turn
	g.Enter(&held, func() {})
	polite := n.raw(client.JSON)
	polite.sendHello(ann)
	polite.send(fields{"type": "ping", "ref": 1})
	eventually(t, "the hello", func() bool { return g.Waiting() == 1 })
	n.raw(client.JSON).wantClose(engine.CloseTooSlow) // who came later has had all the time there is
	if g.Waiting() != 1 {
		t.Fatalf("%d wait", g.Waiting())
	}
	g.Leave(&held)
	polite.next("ready")
	want(t, polite.answer(1), fields{"type": "pong"})
}

// TestOpeningAbandoned (I6): who goes while waiting is forgotten, place, count and all.
func TestOpeningAbandoned(t *testing.T) {
	var open atomic.Int64
	n, g := gated(t, 1, time.Hour, Config{Admit: func(*http.Request) (func(), *engine.Error) {
		open.Add(1)
		return func() { open.Add(-1) }, nil
	}})
	ann := n.register("ann")
	var held socket.Turn
	g.Enter(&held, func() {})
	for range 20 {
		r := n.raw(client.JSON)
		r.sendHello(ann)
		eventually(t, "the hello", func() bool { return g.Waiting() == 1 })
		_ = r.conn.NetConn().Close()
		eventually(t, "the end", func() bool { return g.Waiting() == 0 && open.Load() == 0 })
	}
	g.Leave(&held)
	n.raw(client.JSON).hello(ann, "")
	eventually(t, "the session", func() bool { return n.engine.Stats().Sessions == 1 })
}

// TestOpeningSlow (I6): an opening that waits, here for a position that this
// node will not see, holds nobody up.
func TestOpeningSlow(t *testing.T) {
	n, _ := gated(t, 1, time.Millisecond, Config{})
	ann, bob := n.register("ann"), n.register("bob")
	own := n.store.Origin()
	ahead := n.engine.Position().With(own, n.engine.Position().Seq(own)+1000)
	slow := n.raw(client.JSON)
	slow.send(fields{"type": "hello", "token": ann.token, "cursor": ahead.String()})
	n.raw(client.JSON).hello(bob, "")
	if n.engine.Stats().Resets != 0 {
		t.Error("the second came in only after the first")
	}
	slow.next("reset")
}

// TestOpeningStorm: of a crowd at a narrow gate, some of whom give up, all the
// others get in, and nothing is left of those who did not.
func TestOpeningStorm(t *testing.T) {
	const crowd = 200
	n, g := gated(t, 2, time.Hour, Config{})
	var who [20]account
	for i := range who {
		who[i] = n.register(fmt.Sprintf("user%d", i))
	}
	n.room("lobby", who[0], who[1:]...)
	var all sync.WaitGroup
	var live atomic.Int64
	for i := range crowd {
		r := n.raw([]client.Format{client.JSON, client.CBOR}[i%2])
		all.Go(func() {
			r.sendHello(who[i%len(who)])
			if rand.N(4) == 0 {
				_ = r.conn.NetConn().Close()
				return
			}
			r.next("ready")
			live.Add(1)
		})
	}
	all.Wait()
	eventually(t, "the end of those who gave up", func() bool {
		return int64(n.engine.Stats().Sessions) == live.Load() && g.Waiting() == 0
	})
	eventually(t, "both places", func() bool {
		var a, b socket.Turn
		g.Enter(&a, func() {})
		g.Enter(&b, func() {})
		second, first := g.Leave(&b), g.Leave(&a)
		return first && second
	})
}

// TestOpeningShutdown: a server that closes while many wait leaves nobody behind.
func TestOpeningShutdown(t *testing.T) {
	n, g := gated(t, 1, time.Hour, Config{})
	ann := n.register("ann")
	var held socket.Turn
	g.Enter(&held, func() {})
	for range 20 {
		n.raw(client.JSON).sendHello(ann)
	}
	eventually(t, "the crowd", func() bool { return g.Waiting() == 20 })
	n.stop()
	if g.Waiting() != 0 {
		t.Errorf("%d wait on", g.Waiting())
	}
}

// TestI9RefusedBeforeLive: what a client says between ready and going live is not done
// any more once its token is revoked or its user banned: the session cannot hear of it yet.
func TestI9RefusedBeforeLive(t *testing.T) {
	n := newNode(t)
	for name, end := range map[string]func(account) error{
		"revoked": func(a account) error { _, err := n.engine.Logout(testContext(t), a.who); return err },
		"banned": func(a account) error {
			_, err := n.engine.Ban(testContext(t), engine.TheOperator, engine.Ban{User: a.ID})
			return err
		},
	} {
		who := n.register(name)
		c := &connection{handler: n.handler.Load(), who: who.who}
		o := newOpening("")
		close(o.ready)
		c.opening.Store(o)
		if !c.admitted() {
			t.Errorf("%s: not admitted before", name)
		}
		if err := end(who); err != nil {
			t.Fatal(err)
		}
		if c.admitted() {
			t.Errorf("%s, and admitted", name)
		}
	}
}
