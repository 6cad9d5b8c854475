package storage

import (
	"slices"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// reaction is the register of one user's reaction with one emoji.
type reaction struct {
	version engine.ID
	on      bool
}

const reactionSize = idSize + 1

func (r reaction) encode() []byte {
	b := append(make([]byte, 0, reactionSize), r.version[:]...)
	if r.on {
		return append(b, 1)
	}
	return append(b, 0)
}

func parseReaction(b []byte) (r reaction, err error) {
	if b == nil {
		return reaction{}, nil
	}
	if len(b) != reactionSize || b[idSize] > 1 {
		return reaction{}, errRecord
	}
	return reaction{engine.ID(b[:idSize]), b[idSize] == 1}, nil
}

func readReaction(g getter, key []byte) (reaction, error) {
	v, err := g.get(key)
	if err != nil {
		return reaction{}, err
	}
	return parseReaction(v)
}

func reactionKey(room, message, user engine.ID, emoji string) []byte {
	return textKey(kindReaction, emoji, room, message, user)
}

// setMine marks those reactions to a message that are the reader's.
func setMine(g getter, m *engine.Message, reader engine.ID) error {
	if reader.IsZero() {
		return nil
	}
	for i := range m.Reactions {
		r, err := readReaction(g, reactionKey(m.Room, m.ID, reader, m.Reactions[i].Emoji))
		if err != nil {
			return err
		}
		m.Reactions[i].Me = r.on
	}
	return nil
}

func (t *Tx) react(e *engine.Event, p *engine.Reacted) error {
	k := reactionKey(e.Room, p.Message, e.User, p.Emoji)
	old, err := readReaction(t, k)
	if err != nil || e.ID().Compare(old.version) <= 0 {
		return err
	}
	now := reaction{e.ID(), !p.Remove}
	if err := t.set(k, now.encode()); err != nil {
		return err
	}
	if here, err := t.posted(e.Room, p.Message); err != nil {
		return err
	} else if !here {
		if err := t.markEarly(e.Room, p.Message); err != nil {
			return err
		}
	}
	if now.on == old.on {
		return nil
	}
	t.touchMessages(e.Room)
	if now.on {
		return t.countReaction(e.Room, p.Message, p.Emoji, 1)
	}
	return t.countReaction(e.Room, p.Message, p.Emoji, -1)
}

// countReaction changes the count of an emoji. The counts stand by the message,
// so that a page of history needs no other read.
func (t *Tx) countReaction(room, id engine.ID, emoji string, by int) error {
	k := messageKey(room, id, subReactions)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	list, err := parseReactions(v)
	if err != nil {
		return err
	}
	i, ok := slices.BinarySearchFunc(list, emoji, func(r reactionCount, e string) int { return strings.Compare(r.emoji, e) })
	if !ok {
		list = slices.Insert(list, i, reactionCount{emoji: emoji})
	}
	if list[i].count += by; list[i].count <= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		return t.del(k)
	}
	return t.set(k, appendReactions(nil, list))
}
