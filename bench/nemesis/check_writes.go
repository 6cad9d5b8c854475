package nemesis

import "slices"

// lost charges a write that was acknowledged and is not there.
func (c *checker) lost(o *Op, format string, args ...any) {
	if c.excused(o) {
		c.v.LostLocal[o.Kind]++
		return
	}
	args = append([]any{o.Kind, o.Value, c.h.Users[o.Client], o.Level, o.Start, o.Node}, args...)
	c.v.charge(Lost, "%s %q of user %s, acknowledged as %q, begun at %s on node %d: "+format, args...)
}

// excused reports whether a loss is what its acknowledgement allows: it was
// durable on one node alone, and a disk has gone.
func (c *checker) excused(o *Op) bool { return c.wiped && o.Level == "local" }

// post looks for an acknowledged message. The one with its nonce counts: an
// earlier attempt that was thought to have failed may have become the message.
func (c *checker) post(o *Op) {
	if o.Kind == Post && o.Outcome == Done && len(c.byNonce[c.nonceOf(o)]) == 0 {
		c.lost(o, "message %s is on no node", o.Message)
	}
}

// sorted holds a post against what its author had seen (I4).
func (c *checker) sorted(o *Op) {
	if o.Kind != Post || o.Outcome != Done {
		return
	}
	if o.Above != "" {
		c.v.Ordered++
	}
	switch {
	case o.Above != "" && o.Message <= o.Above:
		c.v.charge(Reordered, "user %s posted %s after seeing %s in room %s", c.h.Users[o.Client], o.Message, o.Above, o.Room)
	case o.Beyond != "" && o.Message <= o.Beyond:
		c.v.Unordered++
	}
}

// replaced reports whether a message that was acknowledged left the views
// because its nonce had been posted earlier elsewhere, or went with a disk.
func (c *checker) replaced(post *Op) bool {
	if post.Kind != Post {
		return false
	}
	shown := c.byNonce[c.nonceOf(post)]
	if len(shown) == 0 {
		return c.excused(post)
	}
	return !slices.ContainsFunc(shown, func(m *Message) bool { return m.ID == post.Message })
}

// read holds a read against the write that its position covers (I8).
func (c *checker) read(o *Op) {
	w := o.Of
	if o.Kind != Read || o.Outcome != Done || w == nil || !o.covers(w) {
		return
	}
	c.v.Reads++
	fresh := o.Saw == w.Value
	switch {
	case w.Kind == Mark:
		fresh = o.Saw >= w.Value
	case w.Kind == Post:
		fresh = fresh || o.Saw == missing && c.replaced(w)
	case w.Kind == React: // its author may have taken the message away
		m := c.messages[w.Message]
		fresh = fresh || o.Saw == missing && m == nil || o.Saw == gone && m != nil && m.Deleted
	}
	if !fresh && !c.undecided(w, o.Saw) && !c.excused(w) {
		c.v.charge(Stale, "user %s wrote %s %q at %s on node %d and read %q at %s on node %d", c.h.Users[o.Client],
			w.Kind, w.Value, w.Start, w.Node, o.Saw, o.Start, o.Node)
	}
}

// undecided reports whether a value is that of a write to the same register
// that had no answer: it may come to pass at any time.
func (c *checker) undecided(w *Op, value string) bool {
	return slices.ContainsFunc(c.writes[registerOf(w)], func(u *Op) bool { return u.Outcome == Unknown && u.Value == value })
}

// blind charges a write that was refused because the node did not know what its
// position covers (I8).
func (c *checker) blind(o *Op) {
	if o.writes() && o.Of != nil && o.Outcome == Refused && o.Why == "not_found" && o.covers(o.Of) && !c.replaced(o.Of) && !c.excused(o.Of) {
		c.v.charge(Stale, "user %s wrote %s at %s and was told on node %d, with a position that covers it, that it is not there",
			c.h.Users[o.Client], o.Of.Message, o.Of.Start, o.Node)
	}
}
