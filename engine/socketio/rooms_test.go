package socketio

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// crowd is some sockets with their peers, in a namespace.
type crowd struct {
	sockets []*Socket
	peers   []*peer
}

func gather(h *house, n *Namespace, count int) *crowd {
	h.t.Helper()
	came := make(chan *Socket, count)
	n.OnConnection(func(s *Socket) { came <- s })
	c := &crowd{}
	for range count {
		p := h.dial()
		sid := p.join(n.Name())
		s := await(h.t, came)
		if s.ID() != sid {
			h.t.Fatalf("the client was told %q, the server %q", sid, s.ID())
		}
		c.peers, c.sockets = append(c.peers, p), append(c.sockets, s)
	}
	return c
}

// got is which of the peers got the event. An event to all comes after it, so
// that who got nothing is known without waiting.
func (c *crowd) got(t *testing.T, n *Namespace, event string) (who []int) {
	t.Helper()
	if err := n.Emit("end"); err != nil {
		t.Fatal(err)
	}
	prefix := "42" + map[bool]string{true: "", false: n.Name() + ","}[n.Name() == "/"]
	for i, p := range c.peers {
		for {
			got := p.next()
			if got == prefix+`["end"]` {
				break
			}
			if got != prefix+fmt.Sprintf(`["%s"]`, event) {
				t.Fatalf("peer %d got %q", i, got)
			}
			who = append(who, i)
		}
	}
	return who
}

func TestBroadcast(t *testing.T) {
	h := open(t, Config{})
	for _, n := range []*Namespace{h.Namespace, h.Of("/x")} {
		c := gather(h, n, 4)
		s := c.sockets
		for i, rooms := range [][]string{{"a"}, {"a", "b"}, {"b"}, {}} {
			if err := s[i].Join(rooms...); err != nil {
				t.Fatal(err)
			}
		}
		for i, b := range []struct {
			to   Broadcast
			want []int
		}{
			{n.all(), []int{0, 1, 2, 3}},
			{n.To("a"), []int{0, 1}},
			{n.To("a", "b"), []int{0, 1, 2}},
			{n.In("a").To("b"), []int{0, 1, 2}},
			{n.To("a", "a"), []int{0, 1}},
			{n.To("a").Except("b"), []int{0}},
			{n.Except("a"), []int{2, 3}},
			{n.Except("a", "b"), []int{3}},
			{n.To("nobody"), nil},
			{n.To(s[3].ID()), []int{3}},
			{n.To(s[0].ID(), "a"), []int{0, 1}},
			{s[0].Broadcast(), []int{1, 2, 3}},
			{s[0].To("a"), []int{1}},
			{s[0].To("a", "b").Except("a"), []int{2}},
			{s[0].Except("b"), []int{3}},
			{s[0].To(s[1].ID()), []int{1}},
			{s[0].To(s[0].ID()), nil},
		} {
			event := fmt.Sprintf("case %d", i)
			if err := b.to.Emit(event); err != nil {
				t.Fatal(err)
			}
			if got := c.got(t, n, event); !slices.Equal(got, b.want) {
				t.Errorf("%s in %s: %v got it, want %v", event, n.Name(), got, b.want)
			}
		}
	}
}

// A Broadcast that is narrowed twice must not change itself.
func TestBroadcastIsAValue(t *testing.T) {
	h := open(t, Config{})
	base := h.To("a", "b", "c")
	one, two := base.To("x").Except("p"), base.To("y").Except("q")
	if !slices.Equal(one.rooms, []string{"a", "b", "c", "x"}) || !slices.Equal(two.rooms, []string{"a", "b", "c", "y"}) || len(base.rooms) != 3 {
		t.Fatalf("the rooms are %v and %v", one.rooms, two.rooms)
	}
}

func TestRooms(t *testing.T) {
	h := open(t, Config{MaxRooms: 3})
	c := gather(h, h.Namespace, 2)
	s := c.sockets[0]
	if err := s.Join("a", "b", "a", s.ID()); err != nil {
		t.Fatal(err)
	}
	s.Leave("b", "never")
	if got := s.Rooms(); !slices.Equal(got, []string{s.ID(), "a"}) {
		t.Fatalf("the rooms are %v", got)
	}
	if err := s.Join("c", "d", "e"); !errors.Is(err, ErrTooManyRooms) {
		t.Fatalf("a fourth room: %v", err)
	}
	h.all().Leave("a", "c", "d")
	if err := h.all().Join("z"); err != nil {
		t.Fatal(err)
	}
	if got := len(h.To("z").Sockets()); got != 2 {
		t.Fatalf("%d sockets have joined", got)
	}
	h.DisconnectSockets(true)
	for _, p := range c.peers {
		p.is("41")
		p.closed()
	}
	h.isEmpty(t)
}

// isEmpty fails if the namespace keeps anything of those who are gone.
func (h *house) isEmpty(t *testing.T) {
	t.Helper()
	h.Namespace.mu.RLock()
	defer h.Namespace.mu.RUnlock()
	if len(h.Namespace.sockets)+len(h.Namespace.rooms) != 0 {
		t.Fatalf("%d sockets and %d rooms are left", len(h.Namespace.sockets), len(h.Namespace.rooms))
	}
}
