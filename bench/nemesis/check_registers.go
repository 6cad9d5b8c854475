package nemesis

// register names something that has one value at a time and one client who
// writes it: a message's body, a reaction, a membership, a read marker.
type register struct {
	kind    Kind
	subject string // id of a message or room
	emoji   string
	client  int
}

func registerOf(o *Op) register {
	switch o.Kind {
	case Post, Edit, Delete:
		return register{kind: Edit, subject: o.Message}
	case React:
		return register{React, o.Message, o.Emoji, o.Client}
	case Join, Leave:
		return register{Join, o.Room, "", o.Client}
	}
	return register{o.Kind, o.Room, "", o.Client}
}

// possible returns what a register may hold at the end: what was acknowledged
// and not overwritten by an acknowledged write that came after it and knew of it,
// and what had no answer. What it held at first, only if nothing was acknowledged.
func possible(first string, writes []*Op) map[string]bool {
	values, acknowledged := map[string]bool{}, false
	for i, w := range writes {
		if w.Outcome == Unknown || !overwritten(w, writes[i+1:]) {
			values[w.Value] = true
		}
		acknowledged = acknowledged || w.Outcome == Done
	}
	if !acknowledged {
		values[first] = true
	}
	return values
}

func overwritten(w *Op, later []*Op) bool {
	for _, o := range later {
		if o.Outcome == Done && o.covers(w) {
			return true
		}
	}
	return false
}

// last is the newest write that was acknowledged; nil if none was.
func last(writes []*Op) *Op {
	for i := len(writes) - 1; i >= 0; i-- {
		if writes[i].Outcome == Done {
			return writes[i]
		}
	}
	return nil
}

// registers holds the end of every register against its writes.
func (c *checker) registers() {
	for k, list := range c.byNonce {
		if o := c.posts[k]; o != nil {
			for _, m := range list {
				c.body(m, o)
			}
		}
	}
	reactions := map[register][]register{} // by message and emoji
	for r, writes := range c.writes {
		switch r.kind {
		case React:
			r.client = 0
			reactions[r] = append(reactions[r], registerOf(writes[0]))
		case Join:
			c.member(r, writes)
		case Mark:
			c.mark(r, writes)
		}
	}
	for r, who := range reactions {
		c.reaction(r, who)
	}
}

// body checks what a message says. Where a repeat of its nonce took its place,
// its author's edits went to the other.
func (c *checker) body(m *Message, post *Op) {
	writes := c.writes[register{kind: Edit, subject: m.ID}]
	if possible(post.Value, writes)[m.value()] {
		return
	}
	if w := last(writes); w != nil && c.written(m, post, writes) {
		c.lost(w, "message %s is %q", m.ID, m.value())
		return
	}
	c.v.charge(Invented, "message %s is %q, which nobody wrote", m.ID, m.value())
}

func (c *checker) written(m *Message, post *Op, writes []*Op) bool {
	for _, w := range writes {
		if w.Value == m.value() {
			return true
		}
	}
	return m.Body == post.Value
}

// reaction checks how many have reacted to a message with one emoji.
func (c *checker) reaction(r register, who []register) {
	m := c.messages[r.subject]
	if m == nil || m.Deleted {
		return
	}
	least, most := 0, 0
	var acknowledged *Op
	for _, one := range who {
		writes := c.writes[one]
		values := possible(off, writes)
		if values[on] {
			most++
		}
		if values[on] && !values[off] {
			least++
		}
		if w := last(writes); w != nil && (acknowledged == nil || c.excused(w)) {
			acknowledged = w
		}
	}
	if n := m.Reactions[r.emoji]; (n < least || n > most) && acknowledged != nil {
		c.lost(acknowledged, "message %s has %d %s and must have %d to %d", m.ID, n, r.emoji, least, most)
	} else if n > most {
		c.v.charge(Invented, "message %s has %d %s, and at most %d reacted", m.ID, n, r.emoji, most)
	}
}

func (c *checker) member(r register, writes []*Op) {
	for i := range c.a.Nodes {
		value := c.a.Nodes[i].Members[r.subject+"/"+c.h.Users[r.client]]
		if value == "" {
			value = off
		}
		if w := last(writes); w != nil && !possible(off, writes)[value] {
			c.lost(w, "node %d has the membership %s", c.a.Nodes[i].Node, value)
			return
		}
	}
}

// mark checks a read marker, which only moves forward.
func (c *checker) mark(r register, writes []*Op) {
	for i := range c.a.Nodes {
		value := c.a.Nodes[i].Marks[r.subject+"/"+c.h.Users[r.client]]
		for _, w := range writes {
			if w.Outcome == Done && w.Value > value {
				c.lost(w, "node %d has the marker at %s", c.a.Nodes[i].Node, value)
				return
			}
		}
	}
}
