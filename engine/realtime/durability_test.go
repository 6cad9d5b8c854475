package realtime

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// settledPeers answers every write concern at once.
type settledPeers struct{ outcome atomic.Value }

type outcome struct {
	level engine.Durability
	err   error
}

func newSettledPeers(level engine.Durability) *settledPeers {
	p := &settledPeers{}
	p.set(level, nil)
	return p
}

func (p *settledPeers) set(level engine.Durability, err error) { p.outcome.Store(outcome{level, err}) }

func (p *settledPeers) Await(_ uint64, done func(engine.Durability, error)) {
	o := p.outcome.Load().(outcome)
	done(o.level, o.err)
}

func (p *settledPeers) Published([]*engine.Event)  {}
func (p *settledPeers) Accepting() error           { return nil }
func (p *settledPeers) Present([]engine.Presence)  {}
func (p *settledPeers) Relay(any)                  {}
func (p *settledPeers) Expects(engine.Origin) bool { return false }
func (p *settledPeers) Ready() bool                { return true }

// TestAcksNameTheirDurability (I1): the ack of every write says which level it has
// reached; what is not stored has none; and a concern that fails is an error.
func TestAcksNameTheirDurability(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		p := newSettledPeers(engine.DurableLocal)
		n := newNode(t, nodeConfig{engine: engine.Config{Peers: p}})
		ann, bob := n.register("ann"), n.register("bob")
		n.room("lobby", ann)
		r := n.raw(f)
		r.hello(bob, "")
		p.set(engine.DurableMajority, nil)
		joined := r.call(1, fields{"type": "join", "room": "lobby"})
		posted := r.call(2, fields{"type": "post", "room": "lobby", "body": "x", "nonce": "n"})
		id := posted["id"]
		for i, ack := range []fields{
			joined, posted,
			r.call(3, fields{"type": "post", "room": "lobby", "body": "x", "nonce": "n"}),
			r.call(4, fields{"type": "edit", "id": id, "body": "y"}),
			r.call(5, fields{"type": "react", "id": id, "emoji": "👍"}),
			r.call(6, fields{"type": "read", "room": "lobby", "id": id}),
			r.call(7, fields{"type": "delete", "id": id}),
			r.call(8, fields{"type": "leave", "room": "lobby"}),
			r.call(9, fields{"type": "join", "room": "lobby"}),
		} {
			if ack["type"] != "ack" || ack["durability"] != "majority" {
				t.Errorf("answer %d: %v", i, ack)
			}
		}
		if ack := r.call(10, fields{"type": "typing", "room": "lobby"}); ack["durability"] != nil {
			t.Errorf("typing: %v", ack)
		}
		c := n.dial(ann, f, "")
		post, err := c.Post(testContext(t), client.Post{Room: "lobby", Body: "z"})
		if err != nil || post.Durability != client.DurableMajority {
			t.Errorf("the client's post: %+v, %v", post, err)
		}
		edit, err := c.Edit(testContext(t), post.ID, "zz")
		if err != nil || edit.Durability != client.DurableMajority || edit.Position != n.engine.Position().String() {
			t.Errorf("the client's edit: %+v, %v", edit, err)
		}
		p.set("", errors.New("no peer answered in time"))
		want(t, r.call(11, fields{"type": "post", "room": "lobby", "body": "lost?"}), fields{"type": "error", "code": "unavailable"})
		want(t, r.call(12, fields{"type": "leave", "room": "lobby"}), fields{"type": "error", "code": "unavailable"})
		p.set(engine.DurableLocal, nil)
	})
}
