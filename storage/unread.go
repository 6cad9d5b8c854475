package storage

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// unreadSteps bounds how many messages a count looks at. Only those of others
// count: past that many the answer is what has been seen so far.
const unreadSteps = 4 * engine.UnreadLimit

func (t *Tx) read(e *engine.Event, p *engine.Read) error {
	k := idKey(kindMarker, e.User, e.Room)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	if v != nil {
		old, err := parseID(v)
		if err != nil || p.Message.Compare(old) <= 0 {
			return err
		}
	}
	t.touch(engine.About(engine.AboutMarker, e.Room, e.User))
	return t.set(k, slices.Clone(p.Message[:]))
}

// Unread implements engine.Pages. The answer is kept until the room's messages
// or the marker change.
func (s *Store) Unread(room, user engine.ID) (engine.Unread, error) {
	mine := engine.About(engine.AboutMarker, room, user)
	content := engine.About(engine.AboutContent, room, engine.ID{})
	return cached(s.cache, mine, mine, content, 0, func() (engine.Unread, error) { return s.countUnread(room, user) })
}

// Marker implements engine.Pages.
func (s *Store) Marker(room, user engine.ID) (engine.ID, error) {
	v, err := s.get(idKey(kindMarker, user, room))
	if err != nil || v == nil {
		return engine.ID{}, err
	}
	return parseID(v)
}

func (s *Store) countUnread(room, user engine.ID) (u engine.Unread, err error) {
	if u.LastRead, err = s.Marker(room, user); err != nil {
		return u, err
	}
	if u.Messages, err = s.countMessages(room, user, u.LastRead); err != nil {
		return u, err
	}
	u.Mentions, err = s.countMentions(room, user, u.LastRead)
	return u, err
}

func (s *Store) countMessages(room, user, marker engine.ID) (n int, err error) {
	it, err := s.messages(room)
	if err != nil {
		return 0, err
	}
	ok := it.SeekPrefixGE(messageKey(room, marker, subLast+1))
	for steps := 0; ok && err == nil && n < engine.UnreadLimit && steps < unreadSteps; steps++ {
		var counts bool
		if counts, err = countable(it, user, func() bool { ok = it.Next(); return ok }); counts {
			n++
		}
	}
	return n, done(it, err)
}

// countable steps over the keys of one message and tells whether it is a
// visible one of somebody else.
func countable(it *iterator, user engine.ID, step func() bool) (bool, error) {
	posted, gone := false, false
	id := messageID(it.Key())
	for ok := true; ok && messageID(it.Key()) == id; ok = step() {
		switch k := it.Key(); k[len(k)-2] {
		case subPost:
			v, err := it.ValueAndErr()
			if err != nil {
				return false, err
			}
			_, author, _, err := parsePost(v)
			if err != nil {
				return false, err
			}
			posted, gone = true, author == user
		case subDeleted, subHidden:
			gone = true
		}
	}
	return posted && !gone, it.Error()
}

// countMentions counts messages past the marker that name the user or the whole
// room. A message that does both is one.
func (s *Store) countMentions(room, user, marker engine.ID) (int, error) {
	named, err := s.mentions(room, user, user, marker)
	if err != nil {
		return 0, err
	}
	all, err := s.mentions(room, engine.ID{}, user, marker)
	if err != nil {
		return 0, err
	}
	ids := append(named, all...)
	slices.SortFunc(ids, engine.ID.Compare)
	return min(len(slices.Compact(ids)), engine.UnreadLimit), nil
}

// mentions lists at most UnreadLimit mentions of target that reader has not made himself.
func (s *Store) mentions(room, target, reader, marker engine.ID) (ids []engine.ID, err error) {
	steps := 0
	err = s.listAfter(appendIDs(nil, kindMention, target, room), idKey(kindMention, target, room, marker),
		func(k key, v []byte) (bool, error) {
			author, err := parseID(v)
			if author != reader {
				ids = append(ids, k.ids[2])
			}
			steps++
			return steps < unreadSteps && len(ids) < engine.UnreadLimit, err
		})
	return ids, err
}
