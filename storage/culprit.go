package storage

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// findCulprits goes through those relations whose two sides differ, entry by
// entry: from each side it looks the other up. Sides that could not be read whole are
// not compared.
func (c *inspection) findCulprits() error {
	if !c.messagesRead {
		c.settleGaps(nil)
		return nil
	}
	unlogged := map[logPlace]engine.Stamp{}
	if c.logRead && c.pointers.differs() {
		if err := c.findPointers(unlogged); err != nil {
			return err
		}
	}
	c.settleGaps(unlogged)
	if !c.indexesRead {
		return nil
	}
	find := map[*relation]func() error{
		&c.nonces: c.findNonces, &c.hidden: c.findHidden, &c.replies: c.findReplies, &c.mentions: c.findMentions,
	}
	for _, r := range []*relation{&c.nonces, &c.hidden, &c.replies, &c.mentions} {
		if r.differs() {
			if err := find[r](); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *inspection) get(k []byte) ([]byte, error) { return getOf(c.at, k) }

// message implements getter.
func (c *inspection) message(room, id engine.ID) (*message, error) {
	m := &message{room: room, id: id}
	for sub := byte(subPost); sub <= subLast; sub++ {
		v, err := c.get(messageKey(room, id, sub))
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if m.put(sub, v) != nil && sub == subPost {
			m.posted = nil // it has been told
		}
	}
	return m, nil
}

// keysOf reads all keys of a kind that have their form.
func (c *inspection) keysOf(kind byte, fn func(k *key, value []byte) error) error {
	_, err := c.each("culprits", []byte{kind}, func(raw, v []byte) error {
		k, err := parseKey(raw)
		if err != nil {
			return nil
		}
		return fn(&k, v)
	})
	return err
}

// posts reads all posts that can be read, with their other parts.
func (c *inspection) posts(fn func(m *message) error) error {
	return c.keysOf(kindMessage, func(k *key, _ []byte) error {
		if k.sub != subPost {
			return nil
		}
		m, err := c.message(k.ids[0], k.ids[1])
		if err != nil || m.posted == nil {
			return err
		}
		return fn(m)
	})
}

// maxUnlogged bounds how many unlogged posts are remembered, to mend gaps with.
const maxUnlogged = 1 << 20

func (c *inspection) findPointers(unlogged map[logPlace]engine.Stamp) error {
	err := c.keysOf(kindLog, func(k *key, v []byte) error {
		head, e, err := readEntry(k, v)
		if err != nil || e != nil {
			return nil
		}
		to := messageKey(head.Room, engine.MakeID(head.Stamp, k.origin), subPost)
		post, err := c.get(to)
		if err != nil {
			return err
		}
		if seq, _, _, err := parsePost(post); post == nil {
			c.found.add(CodeLogDangling, k.String(), false, "there is no message %s", keyText(to))
		} else if err == nil && seq != k.seq {
			c.found.add(CodeLogDangling, k.String(), false, "the message %s says that it is event %d", keyText(to), seq)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.keysOf(kindMessage, func(k *key, v []byte) error {
		if k.sub != subPost {
			return nil
		}
		seq, _, _, err := parsePost(v)
		if err != nil {
			return nil
		}
		return c.findUnlogged(k, seq, unlogged)
	})
}

func (c *inspection) findUnlogged(k *key, seq uint64, unlogged map[logPlace]engine.Stamp) error {
	id := k.ids[1]
	entry, err := c.get(logKey(id.Origin(), seq))
	if err != nil {
		return err
	}
	if bytes.Equal(entry, pointerTo(k.ids[0], id)) {
		return nil
	}
	if entry == nil && len(unlogged) < maxUnlogged {
		unlogged[logPlace{id.Origin(), seq}] = id.Stamp()
	}
	c.found.add(CodePostUnlogged, k.String(), true, "event %s/%d of the log is not it", id.Origin(), seq)
	return nil
}

// pointerTo is the log entry of a post.
func pointerTo(room, id engine.ID) []byte {
	return appendPointer(nil, &engine.Event{Kind: engine.KindPosted, Stamp: id.Stamp(), Room: room})
}

func (c *inspection) findNonces() error {
	err := c.posts(func(m *message) error {
		if m.posted.Nonce == "" {
			return nil
		}
		k := textKey(kindNonce, m.posted.Nonce, m.author)
		claims, err := c.claims(k)
		if err == nil && !slices.Contains(claims, idPair{m.id, m.room}) {
			c.found.view(k, isMissing, fmt.Sprintf("the claim of message %s in room %s", m.id, m.room))
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.keysOf(kindNonce, func(k *key, v []byte) error {
		claims, err := parsePairs(v)
		if err != nil {
			return nil
		}
		for _, claim := range claims {
			m, err := c.message(claim.b, claim.a)
			if err != nil {
				return err
			}
			if m.posted == nil || m.author != k.ids[0] || m.posted.Nonce != k.text {
				c.found.view(k.build(), isExtra, fmt.Sprintf("message %s in room %s was not posted with it", claim.a, claim.b))
			}
		}
		return nil
	})
}

// claims are those of a nonce; none where they cannot be read, which has been told.
func (c *inspection) claims(k []byte) ([]idPair, error) {
	v, err := c.get(k)
	if err != nil {
		return nil, err
	}
	list, err := parsePairs(v)
	if err != nil {
		return nil, nil
	}
	return list, nil
}

func (c *inspection) findHidden() error {
	err := c.keysOf(kindNonce, func(_ *key, v []byte) error {
		claims, err := parsePairs(v)
		if err != nil {
			return nil
		}
		for _, ref := range repeats(claims) {
			k := messageKey(ref.Room, ref.Message, subHidden)
			if v, err := c.get(k); err != nil {
				return err
			} else if v == nil {
				c.found.view(k, isMissing, "it repeats the nonce of an earlier message")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.keysOf(kindMessage, func(k *key, _ []byte) error {
		if k.sub != subHidden {
			return nil
		}
		ref := engine.MessageRef{Room: k.ids[0], Message: k.ids[1]}
		m, err := c.message(ref.Room, ref.Message)
		if err != nil {
			return err
		}
		var claims []idPair
		if m.posted != nil && m.posted.Nonce != "" {
			if claims, err = c.claims(textKey(kindNonce, m.posted.Nonce, m.author)); err != nil {
				return err
			}
		}
		if !slices.Contains(repeats(claims), ref) {
			c.found.view(k.build(), isExtra, "it repeats no nonce")
		}
		return nil
	})
}

func (c *inspection) findReplies() error {
	err := c.posts(func(m *message) error {
		if m.hidden || m.posted.ReplyTo.IsZero() {
			return nil
		}
		k := idKey(kindReply, m.room, m.posted.ReplyTo, m.id)
		v, err := c.get(k)
		if err == nil && v == nil {
			c.found.view(k, isMissing, "the message is a reply")
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.keysOf(kindReply, func(k *key, _ []byte) error {
		m, err := c.message(k.ids[0], k.ids[2])
		if err == nil && (!m.visible() || m.posted.ReplyTo != k.ids[1]) {
			c.found.view(k.build(), isExtra, "the message is no such reply")
		}
		return err
	})
}

func (c *inspection) findMentions() error {
	err := c.posts(func(m *message) error {
		for _, u := range m.targets() {
			k := idKey(kindMention, u, m.room, m.id)
			v, err := c.get(k)
			if err != nil {
				return err
			}
			if v == nil {
				c.found.view(k, isMissing, "the message names them")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.keysOf(kindMention, func(k *key, v []byte) error {
		m, err := c.message(k.ids[1], k.ids[2])
		switch author, perr := parseID(v); {
		case err != nil:
		case !slices.Contains(m.targets(), k.ids[0]):
			c.found.view(k.build(), isExtra, "the message does not name them")
		case perr == nil && author != m.author:
			c.found.view(k.build(), isWrong, "the message has another author")
		}
		return err
	})
}

func keyText(raw []byte) string {
	k, err := parseKey(raw)
	if err != nil {
		return fmt.Sprintf("%x", raw)
	}
	return k.String()
}
