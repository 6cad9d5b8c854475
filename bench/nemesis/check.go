package nemesis

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// Check reads a history and the nodes' last answers and says what was not as promised.
func Check(h *History, a *Answers) *Verdict {
	c := &checker{h: h, a: a, v: newVerdict()}
	c.index()
	for i := range a.Nodes {
		c.order(&a.Nodes[i])
		c.doubled(&a.Nodes[i])
		c.differing(&a.Nodes[0], &a.Nodes[i])
	}
	c.invented()
	for _, o := range h.Ops {
		c.post(o)
		c.sorted(o)
		c.read(o)
		c.blind(o)
	}
	c.registers()
	for _, s := range h.Sessions {
		c.session(s)
	}
	c.presence()
	c.faults()
	for crime, list := range map[Crime][]string{Ejected: h.Ejected, Divergent: h.Unhealed, Unanswered: h.Unanswered} {
		for _, why := range list {
			c.v.charge(crime, "%s", why)
		}
	}
	return c.v
}

// checker holds a history by what the checks ask for.
type checker struct {
	h *History
	a *Answers
	v *Verdict

	messages map[string]*Message  // by id: what any node shows
	rooms    map[string]string    // of messages, by id
	byNonce  map[nonce][]*Message // what any node shows; mostly one
	posts    map[nonce]*Op
	writes   map[register][]*Op // but posts and what was refused, in order of each client
	wiped    bool               // a disk has gone: nothing else may lose what is durable on one node
	frail    map[string]bool    // messages whose changes may have gone with it
}

type nonce struct{ user, nonce string }

func (c *checker) index() {
	c.messages, c.rooms, c.byNonce = map[string]*Message{}, map[string]string{}, map[nonce][]*Message{}
	for i := range c.a.Nodes {
		for room, list := range c.a.Nodes[i].Rooms {
			for j := range list {
				c.seen(room, &list[j])
			}
		}
	}
	c.posts, c.writes = map[nonce]*Op{}, map[register][]*Op{}
	for _, o := range c.h.Ops {
		switch {
		case o.Kind == Post:
			c.posts[c.nonceOf(o)] = o
		case o.writes() && o.Outcome != Refused:
			c.writes[registerOf(o)] = append(c.writes[registerOf(o)], o)
		}
	}
	for _, list := range c.writes {
		slices.SortFunc(list, func(a, b *Op) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	for _, s := range c.h.Faults {
		c.wiped = c.wiped || s.Fault.wipes()
	}
	c.frail = map[string]bool{}
	for r, list := range c.writes {
		if slices.ContainsFunc(list, func(o *Op) bool { return c.excused(o) || c.wiped && o.Outcome == Unknown }) {
			c.frail[r.subject] = true
		}
	}
}

func (c *checker) seen(room string, m *Message) {
	if c.messages[m.ID] != nil {
		return
	}
	c.messages[m.ID], c.rooms[m.ID] = m, room
	k := nonce{m.User, m.Nonce}
	c.byNonce[k] = append(c.byNonce[k], m)
}

func (c *checker) nonceOf(o *Op) nonce { return nonce{c.h.Users[o.Client], o.Nonce} }

// order holds every room of a node against I4.
func (c *checker) order(n *NodeAnswers) {
	for room, list := range n.Rooms {
		for i := 1; i < len(list); i++ {
			if list[i].ID <= list[i-1].ID {
				c.v.charge(Reordered, "node %d shows %s after %s in room %s", n.Node, list[i].ID, list[i-1].ID, room)
			}
		}
	}
}

// doubled looks for nonces that are two messages.
func (c *checker) doubled(n *NodeAnswers) {
	first := map[nonce]string{}
	for _, list := range n.Rooms {
		for i := range list {
			k := nonce{list[i].User, list[i].Nonce}
			if id, ok := first[k]; ok {
				c.v.charge(Doubled, "node %d shows the nonce %s of user %s as %s and %s", n.Node, k.nonce, k.user, id, list[i].ID)
			}
			first[k] = list[i].ID
		}
	}
}

// differing compares the answers of two nodes, to the byte.
func (c *checker) differing(a, b *NodeAnswers) {
	for _, room := range union(a.Rooms, b.Rooms) {
		c.differingRoom(room, a, b)
	}
	for _, path := range union(a.Documents, b.Documents) {
		if x, y := a.Documents[path], b.Documents[path]; x != y {
			c.v.charge(Differing, "%s: node %d says %s, node %d says %s", path, a.Node, around(x, y), b.Node, around(y, x))
		}
	}
}

func (c *checker) differingRoom(room string, a, b *NodeAnswers) {
	x, y := byID(a.Rooms[room]), byID(b.Rooms[room])
	for _, id := range union(x, y) {
		switch p, q := x[id], y[id]; {
		case p == nil:
			c.v.charge(Differing, "room %s: message %s is on node %d and not on node %d", room, id, b.Node, a.Node)
		case q == nil:
			c.v.charge(Differing, "room %s: message %s is on node %d and not on node %d", room, id, a.Node, b.Node)
		case p.Raw != q.Raw:
			c.v.charge(Differing, "room %s: message %s is %q %v on node %d and %q %v on node %d",
				room, id, p.value(), p.Reactions, a.Node, q.value(), q.Reactions, b.Node)
		}
	}
}

func byID(list []Message) map[string]*Message {
	m := make(map[string]*Message, len(list))
	for i := range list {
		m[list[i].ID] = &list[i]
	}
	return m
}

// union returns the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// around cuts a text to where it begins to differ from another.
func around(s, other string) string {
	const before, most = 60, 200
	i := 0
	for i < min(len(s), len(other)) && s[i] == other[i] {
		i++
	}
	s = s[max(0, i-before):]
	return fmt.Sprintf("%q", s[:min(most, len(s))])
}

// invented looks for messages that nobody posted.
func (c *checker) invented() {
	for k, list := range c.byNonce {
		o := c.posts[k]
		for _, m := range list {
			switch {
			case o == nil:
				c.v.charge(Invented, "message %s of user %s: nobody posted its nonce %q", m.ID, k.user, k.nonce)
			case c.rooms[m.ID] != o.Room:
				c.v.charge(Invented, "message %s is in room %s and was posted to %s", m.ID, c.rooms[m.ID], o.Room)
			case o.Outcome == Refused:
				c.v.charge(Invented, "message %s was refused (%s) and is there", m.ID, o.Why)
			}
		}
	}
}

func (c *checker) presence() {
	for _, s := range c.a.Present {
		for _, user := range s.Want {
			if !slices.Contains(s.Online, user) {
				c.v.charge(Absent, "node %d does not show %s as online in room %s, %s after all was healed", s.Node, user, s.Room, s.After)
			}
		}
		c.zombies(s)
	}
	for _, s := range c.a.Gone {
		c.zombies(s)
	}
}

func (c *checker) zombies(s Seen) {
	for _, user := range s.Online {
		if !slices.Contains(s.Want, user) {
			c.v.charge(Zombie, "node %d shows %s as online in room %s, %s after the session's end", s.Node, user, s.Room, s.After)
		}
	}
}

func (c *checker) faults() {
	for _, s := range c.h.Faults {
		if s.Failed != "" {
			c.v.charge(Divergent, "%s: %s", s.Fault, s.Failed)
		}
	}
}

// hash is of a body in what sessions were told: histories hold millions.
func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = strings.NewReader(s).WriteTo(h)
	return h.Sum64()
}
