package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// Sessions on nodes that have what a client missed and lack what it has seen.

// body returns what a client of these frames thinks a message says, and its cursor.
func body(frames []notice, id engine.ID) (body, cursor string) {
	for _, v := range frames {
		if v.ID == id && (v.Type == "message" || v.Type == "message_edited") {
			body = v.Body
		}
		if v.Cursor != "" {
			cursor = v.Cursor
		}
	}
	return body, cursor
}

// I3, I5: who was taken back to an older edit, by a node that lacks the newer one,
// is told the newer one again by a node that has it, wherever the connection broke.
func TestI5TakenBackIsTakenForward(t *testing.T) {
	for how, ring := range map[string]int{"ring": 8192, "log": 1} {
		t.Run(how, func(t *testing.T) {
			a, b, c := openNode(t), openNode(t), openNode(t)
			ann := a.user("ann")
			room := a.room("general", ann)
			m := a.post(ann, room, "first")
			hand(t, a, b)
			hand(t, a, c)
			c.ShrinkRing(ring)
			edit := func(n *node, body string) {
				if _, _, err := n.Edit(bg, ann, room, m.ID, body); err != nil {
					t.Fatal(err)
				}
			}
			edit(b, "older")
			hand(t, b, c)
			c.post(ann, room, "the ring forgets")
			for range 3 {
				a.post(ann, room, "so that the next sorts after b's")
			}
			edit(a, "newer")
			seen := a.Position().String() // not b's edit
			behind := c.connect(ann, seen)
			behind.session.Close()
			frames := behind.all()
			if at, _ := body(frames, m.ID); at != "older" {
				t.Fatalf("the node that is behind told %q", at)
			}
			hand(t, c, a) // and b's edit with it
			for cut := range frames {
				frames := frames[:cut+1]
				_, cursor := body(frames, m.ID)
				back := a.connect(ann, cursor)
				back.session.Close()
				if at, _ := body(slices.Concat(frames, back.all()), m.ID); at != "newer" {
					t.Errorf("cut after frame %d of %d the client ends with %q", cut+1, len(frames), at)
				}
			}
		})
	}
}

// I5: what a session is told to remember its node has, also where the client
// looks at nothing but checkpoints.
func TestI5NoCursorIsBeyondTheNode(t *testing.T) {
	a, b := openNode(t), openNode(t)
	ann := a.user("ann")
	room := a.room("general", ann)
	hand(t, a, b)
	b.post(ann, room, "on both")
	hand(t, b, a)
	b.post(ann, room, "on b")
	a.ShrinkRing(1)
	for range 3 {
		a.post(ann, room, "missed")
	}
	first := ""
	for _, v := range a.connect(ann, b.Position().String()).all() {
		if v.Type == "checkpoint" && first == "" {
			first = v.Cursor
		}
		if v.Type == "message" && first == "" {
			t.Errorf("%q was told before a cursor that this node has", v.Body)
		}
		if v.Cursor == "" {
			continue
		}
		p, err := engine.ParsePosition(v.Cursor)
		if err != nil || !a.Position().Covers(p) {
			t.Errorf("%s tells to remember what the node lacks: %v", v.Type, err)
		}
	}
}

// repeats are posts of one nonce by ann, each on a node of its own.
type repeats struct {
	home        *node
	nodes       []*node
	ann, bob    *engine.Identity
	alone, both engine.ID // bob is not in alone
}

func newRepeats(t *testing.T, hours ...int) *repeats {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &repeats{home: openNode(t, at(day))}
	r.ann, r.bob = r.home.user("ann"), r.home.user("bob")
	r.alone, r.both = r.home.room("alone", r.ann), r.home.room("both", r.ann, r.bob)
	for _, h := range hours {
		n := openNodeOn(t, vfs.NewMem(), at(day.Add(time.Duration(h)*time.Hour)))
		n.give(eventsOf(t, r.home))
		r.nodes = append(r.nodes, n)
	}
	return r
}

func (r *repeats) post(t *testing.T, i int, room engine.ID) engine.ID {
	t.Helper()
	m, _, err := r.nodes[i].Post(bg, r.ann, engine.NewMessage{Room: room, Body: "once", Nonce: "same"})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// I5, I7: a repeat that came to a node after its first post, and so was never
// visible there, is hidden from a client that has seen it elsewhere and comes to
// that node: also if the first post is in a room that the client is not in.
func TestI5RepeatThatWasNeverVisibleHere(t *testing.T) {
	for how, ring := range map[string]int{"ring": 8192, "log": 1} {
		t.Run(how, func(t *testing.T) {
			r := newRepeats(t, 1, 2)
			first, other := r.nodes[0], r.nodes[1]
			r.post(t, 0, r.alone)
			repeat := r.post(t, 1, r.both)
			cursor := other.Position().String() // bob has seen the repeat
			first.ShrinkRing(ring)
			hand(t, other, first)
			first.post(r.ann, r.alone, "the ring forgets")
			first.connect(r.bob, cursor).await("duplicate", func(v notice) bool {
				return v.Type == "message_deleted" && v.ID == repeat && v.Duplicate
			})
		})
	}
}

// I5, I7: the same for a post that was never hidden here: what hides it elsewhere
// was hidden here already when it came.
func TestI5PostThatWasNeverHiddenHere(t *testing.T) {
	for how, ring := range map[string]int{"ring": 8192, "log": 1} {
		t.Run(how, func(t *testing.T) {
			r := newRepeats(t, 0, 20, 40, 50)
			here := r.nodes[3]
			r.post(t, 0, r.alone)
			r.post(t, 1, r.alone)         // hidden by the first
			shown := r.post(t, 2, r.both) // hidden by the second while the first is unknown
			hand(t, r.nodes[1], r.nodes[2])
			cursor := r.nodes[2].Position().String()
			here.ShrinkRing(ring)
			for _, n := range r.nodes[:3] {
				hand(t, n, here)
			}
			here.post(r.ann, r.alone, "the ring forgets")
			here.connect(r.bob, cursor).await("message", is("message", shown))
		})
	}
}
