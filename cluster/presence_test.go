package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// ear is the far end of a session: it keeps all frames that it was sent.
type ear struct {
	mu     sync.Mutex
	frames []string
}

func (e *ear) Send(frame []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frames = append(e.frames, string(frame))
}

func (e *ear) Drained(context.Context) error { return nil }

func (e *ear) Close(engine.CloseCode, string) {}

// heard returns the last frame that holds all of some words; empty for none.
func (e *ear) heard(words ...string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := ""
	for _, f := range e.frames {
		all := true
		for _, w := range words {
			all = all && strings.Contains(f, w)
		}
		if all {
			found = f
		}
	}
	return found
}

type jsonWire struct{}

func (jsonWire) Encode(notice any) []byte {
	b, err := json.Marshal(notice)
	if err != nil {
		panic(err)
	}
	return b
}

func (n *node) connect(who *engine.Identity) (*engine.Session, *ear) {
	n.t.Helper()
	e := &ear{}
	s, err := n.Connect(n.t.Context(), who, e, jsonWire{}, "")
	if err != nil {
		n.t.Fatal(err)
	}
	return s, e
}

func TestPresenceOverNodes(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	ann, bob := a.user("ann"), a.user("bob")
	room := a.room(ann, "hall")
	if _, _, err := a.Join(t.Context(), bob, room); err != nil {
		t.Fatal(err)
	}
	converge(t, a, b)
	status := func(n *node, who *engine.Identity) engine.Status {
		ms, _, err := n.Members(ann, room, engine.ID{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms {
			if m.ID == who.User {
				return m.Status
			}
		}
		return "no member"
	}
	annHere, ear := a.connect(ann)
	defer annHere.Close()
	bobThere, _ := b.connect(bob)
	eventually(t, "each is seen from afar", func() bool { return status(b, ann) == engine.Online && status(a, bob) == engine.Online })
	bobHere, _ := a.connect(bob)
	bobHere.Close()
	if err := bobThere.SetStatus(engine.Busy); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ann is told that bob is busy, on another node", func() bool {
		return ear.heard(`"presence"`, bob.User.String(), `"busy"`) != ""
	})
	if ear.heard(`"presence"`, bob.User.String(), `"offline"`) != "" {
		t.Error("bob was said to be offline while he was connected elsewhere")
	}

	// Typing and signals reach the other node, with their data.
	if err := bobThere.Typing(room); err != nil {
		t.Fatal(err)
	}
	if err := bobThere.Signal(room, "wave", map[string]any{"n": int64(3), "list": []any{"x", true}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "typing", func() bool { return ear.heard(`"typing"`, bob.User.String()) != "" })
	eventually(t, "signal", func() bool { return ear.heard(`"signal"`, `"wave"`, `{"list":["x",true],"n":3}`) != "" })

	// A node that dies takes its users' presence with it.
	b.stop()
	eventually(t, "bob is gone with his node", func() bool { return status(a, bob) == engine.Offline })
	eventually(t, "ann is told", func() bool { return ear.heard(`"presence"`, bob.User.String(), `"offline"`) != "" })
}

// TestI6Relays: what is not stored is dropped past its bound, and posts go on.
func TestI6Relays(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	ann := a.user("ann")
	room := a.room(ann, "hall")
	s, _ := a.connect(ann)
	defer s.Close()
	for i := range 200 {
		if err := s.Signal(room, "flood", strings.Repeat(fmt.Sprint(i%10), 16<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if a.cluster.Stats().Dropped == 0 {
		t.Error("I6: 3 MiB of signals at once went out unbounded")
	}
	if r := a.post(ann, room, "after the flood"); r.Durability != engine.DurableOne {
		t.Errorf("acknowledged as %q", r.Durability)
	}
}

// TestI5ThroughAnother: two nodes that cannot link have each other's events through a third.
func TestI5ThroughAnother(t *testing.T) {
	var mu sync.Mutex
	apart := map[engine.Origin]bool{}
	open := func(joins ...*node) *node {
		return openNodeWith(t, vfs.NewMem(), func(c *Config) {
			me := c.Store.Origin()
			for _, n := range joins {
				c.Join = append(c.Join, n.cluster.Addr())
			}
			c.admit = func(peer engine.Origin) bool {
				mu.Lock()
				defer mu.Unlock()
				return !apart[me] || !apart[peer]
			}
		})
	}
	a := open()
	b := open(a)
	mu.Lock()
	apart[a.store.Origin()] = true
	mu.Unlock()
	c := func() *node {
		return openNodeWith(t, vfs.NewMem(), func(c *Config) {
			me := c.Store.Origin()
			mu.Lock()
			apart[me] = true
			mu.Unlock()
			c.Join = []string{b.cluster.Addr()}
			c.admit = func(peer engine.Origin) bool {
				mu.Lock()
				defer mu.Unlock()
				return !apart[me] || !apart[peer]
			}
		})
	}()
	eventually(t, "b is linked with both", func() bool { return len(b.cluster.allLinks()) == 2 })
	ann := a.user("ann")
	room := a.room(ann, "hall")
	r := a.post(ann, room, "from a")
	if err := c.WaitFor(t.Context(), r.Position); err != nil {
		t.Errorf("I8: %v", err)
	}
	for _, body := range many("m", 50) {
		a.post(ann, room, "a"+body)
		c.post(ann, room, "c"+body)
	}
	converge(t, a, b, c)
}
