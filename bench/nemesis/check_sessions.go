package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine/client"
)

// belief is what a session was made to believe of one message.
type belief struct {
	conn      int32 // of the last event "message"
	posted    bool  // there was one
	body      uint64
	deleted   bool
	hidden    bool // deleted as the repeat of a nonce
	reactions map[string]int32
}

// account is a session's beliefs, and since when they have to be complete.
type account struct {
	since   time.Duration
	open    bool // since is set
	beliefs map[string]*belief
}

// session holds what one client was told over all its connections against what
// came to be (I5).
func (c *checker) session(s *Session) {
	a := &account{beliefs: map[string]*belief{}}
	for i := range s.Told {
		c.tell(s, a, &s.Told[i])
	}
	if !a.open {
		c.v.charge(Missed, "client %d never had a session", s.Client)
		return
	}
	for id, m := range c.messages {
		if slices.Contains(s.Rooms, c.rooms[id]) {
			c.owed(s, a, m)
		}
	}
	c.ghosts(s, a)
}

// tell is one event.
func (c *checker) tell(s *Session, a *account, t *Told) {
	switch t.Type {
	case client.TypeReady:
		if !a.open {
			a.since, a.open = t.At, true
		} else if t.Flag {
			c.v.Resumes++
		}
		return
	case client.TypeReset: // the client loads the newest pages, and starts anew
		c.v.Resets++
		a.since, a.beliefs = t.At, map[string]*belief{}
		return
	}
	b := a.beliefs[t.ID]
	if b == nil {
		b = &belief{reactions: map[string]int32{}}
		a.beliefs[t.ID] = b
	}
	switch t.Type {
	case client.TypeMessage:
		switch {
		case !b.posted || b.conn != t.Conn || b.hidden:
		case c.repeated(t.ID): // a message is told again when a repeat of its nonce has come and gone
			c.v.Repeated++
		default:
			c.v.charge(Doubled, "client %d was told of message %s twice on its connection %d:%s", s.Client, t.ID, t.Conn, s.about(t.ID))
		}
		// Reactions of the message follow as events of their own.
		*b = belief{conn: t.Conn, posted: true, body: t.Body, deleted: t.Flag, reactions: map[string]int32{}}
	case client.TypeMessageEdited:
		b.body = t.Body
	case client.TypeMessageDeleted:
		b.deleted, b.hidden = !t.Flag, t.Flag
	case client.TypeReaction:
		if b.reactions[t.Emoji] = t.Count; t.Count == 0 {
			delete(b.reactions, t.Emoji)
		}
	}
}

// repeated reports whether a message was posted more than once.
func (c *checker) repeated(id string) bool {
	m := c.messages[id]
	if m == nil {
		return false
	}
	o := c.posts[nonce{m.User, m.Nonce}]
	return o != nil && o.Attempts > 1
}

// about is all that a session was told of one message, for people.
func (s *Session) about(id string) string {
	var b strings.Builder
	for _, t := range s.Told {
		if t.ID == id {
			fmt.Fprintf(&b, " %.3fs %s on connection %d (%t);", t.At.Seconds(), t.Type, t.Conn, t.Flag)
		}
	}
	return b.String()
}

// owed checks one message that is there: was the session told of it, if it was
// posted in the session's time, and is it what it was told?
func (c *checker) owed(s *Session, a *account, m *Message) {
	post := c.posts[nonce{m.User, m.Nonce}]
	if post == nil || post.Start < a.since || post.Start >= s.Closed {
		return
	}
	c.v.Expected++
	b := a.beliefs[m.ID]
	switch {
	case b == nil:
		c.v.charge(Missed, "client %d was never told of message %s of room %s, posted from %s to %s at node %d",
			s.Client, m.ID, c.rooms[m.ID], post.Start, post.End, post.Node)
	case c.frail[m.ID]: // it may have been told of what is no more
	case b.hidden:
		c.v.charge(Misled, "client %d was told that message %s is a repeat, and it stands", s.Client, m.ID)
	case b.deleted != m.Deleted:
		c.v.charge(Misled, "client %d believes of message %s that deleted is %t", s.Client, m.ID, b.deleted)
	case !m.Deleted && b.body != hash(m.Body):
		c.v.charge(Misled, "client %d has not the last body of message %s, %q", s.Client, m.ID, m.Body)
	case !m.Deleted && !sameReactions(b, m):
		c.v.charge(Misled, "client %d believes in the reactions %v of message %s, which has %v", s.Client, b.reactions, m.ID, m.Reactions)
	}
}

func sameReactions(b *belief, m *Message) bool {
	if len(b.reactions) != len(m.Reactions) {
		return false
	}
	for emoji, n := range m.Reactions {
		if int(b.reactions[emoji]) != n {
			return false
		}
	}
	return true
}

// ghosts looks for messages that a session believes in and that are nowhere.
// Those that went with a disk before any other node had them are none of I5's.
func (c *checker) ghosts(s *Session, a *account) {
	if c.wiped {
		return
	}
	for id, b := range a.beliefs {
		if b.posted && !b.hidden && c.messages[id] == nil {
			c.v.charge(Misled, "client %d believes in message %s, which is on no node", s.Client, id)
		}
	}
}
