package storage

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// closedRooms bounds how many rooms a chronicle remembers the fate of.
const closedRooms = 1 << 16

// lookUp reads the posts of the first n events of a window, and the fates of posts and
// edits. It is false where the posts are larger than a window may be and there are several.
func (c *chronicle) lookUp(w *window, n int) (fits bool, err error) {
	rooms := c.byRoom(w.events[:n])
	if len(rooms) == 0 {
		return true, nil
	}
	it, err := iterOf(c.db, []byte{kindMessage})
	if err != nil {
		return false, err
	}
	w.content.reset()
	r := messageReader{it: it, within: c.within, shown: c.shown, content: &w.content}
	read := 0
	for _, events := range rooms {
		for _, e := range events {
			if read++; read > 1 && r.content.size > windowBytes {
				return false, done(it, nil)
			}
			if err = r.read(e); err == nil && c.shown {
				err = c.judge(e, &r)
			}
			if err != nil {
				return false, done(it, fmt.Errorf("event %s/%d: %w", e.Origin, e.Seq, err))
			}
		}
	}
	return true, done(it, nil)
}

// byRoom gathers those events that something is to be looked up of, as that lies on the
// disk: by room, and there by message. Posts come in that order as it is.
func (c *chronicle) byRoom(events []told) (rooms [][]*told) {
	places, total := map[engine.ID]int{}, 0
	for i := range events {
		if room := events[i].Room; c.wanted(&events[i]) {
			places[room]++
			total++
		}
	}
	all := make([]*told, total)
	for room, n := range places {
		places[room], rooms, all = len(rooms), append(rooms, all[:0:n]), all[n:]
	}
	for i := range events {
		if e := &events[i]; c.wanted(e) {
			at := places[e.Room]
			rooms[at] = append(rooms[at], e)
		}
	}
	for _, list := range rooms {
		if !slices.IsSortedFunc(list, bySubject) {
			slices.SortStableFunc(list, bySubject)
		}
	}
	slices.SortFunc(rooms, func(a, b []*told) int { return a[0].Room.Compare(b[0].Room) })
	return rooms
}

// wanted tells whether something of an event is to be looked up.
func (c *chronicle) wanted(e *told) bool { return e.posted || (c.shown && !e.subject.IsZero()) }

func bySubject(a, b *told) int { return a.subject.Compare(b.subject) }

// within tells whether an event is one that the chronicle covers.
func (c *chronicle) within(event engine.ID) bool {
	return !event.IsZero() && event.Stamp() <= c.stamps[event.Origin()]
}

// judge sets the fate of a post or edit, by what has been read of its message.
func (c *chronicle) judge(e *told, r *messageReader) error {
	e.fate = 0
	if r.deleted {
		e.fate |= portable.Deleted
	}
	if r.edit != (engine.ID{}) && r.edit != e.ID() {
		e.fate |= portable.Replaced
	}
	gone, err := c.roomDeleted(e.Room)
	if gone {
		e.fate |= portable.Closed
	}
	return err
}

func (c *chronicle) roomDeleted(room engine.ID) (bool, error) {
	if gone, ok := c.closed[room]; ok {
		return gone, nil
	}
	p, err := newProber(c.db)
	if err != nil {
		return false, err
	}
	v, err := p.get(idKey(kindRoom, room))
	var record roomRecord
	if err == nil && v != nil {
		err = decodeRecord(v, &record)
	}
	if err = done(p, err); err != nil {
		return false, err
	}
	if len(c.closed) >= closedRooms {
		clear(c.closed)
	}
	c.closed[room] = c.within(record.Deleted)
	return c.closed[room], nil
}

// messageReader reads messages in order of room and id.
type messageReader struct {
	it      *pebble.Iterator
	within  func(engine.ID) bool
	shown   bool   // edits and deletions are wanted too
	content *arena // of all posts that have been read

	at      []byte // the key of the message that was read last, up to its id
	key     []byte
	deleted bool
	edit    engine.ID // the winning edit, zero if there is none
}

const messagePrefix = roomPrefix + idSize

// read reads the message of an event; of a post also the content.
func (r *messageReader) read(e *told) error {
	r.key = appendMessageKey(r.key[:0], e.Room, e.subject, subPost)
	prefix := r.key[:messagePrefix]
	if bytes.Equal(r.at, prefix) && !e.posted {
		return nil // of the message that was read last
	}
	if !r.it.Valid() || !bytes.Equal(r.it.Key(), r.key) {
		r.it.SeekGE(r.key)
	}
	r.at = append(r.at[:0], prefix...)
	r.deleted, r.edit = false, engine.ID{}
	found := false
	for ok := r.it.Valid(); ok && bytes.HasPrefix(r.it.Key(), prefix); ok = r.it.Next() {
		post, err := r.part(e)
		if err != nil {
			return err
		}
		found = found || post
	}
	if err := r.it.Error(); err != nil {
		return err
	}
	if e.posted && !found {
		return fmt.Errorf("%w: its message is missing", errRecord)
	}
	return nil
}

// part takes one part of a message. It tells whether that was the post.
func (r *messageReader) part(e *told) (post bool, err error) {
	k := r.it.Key()
	sub := k[len(k)-2]
	if sub > subDeleted || (sub == subPost && !e.posted) || (sub != subPost && !r.shown) {
		return false, nil
	}
	v, err := r.it.ValueAndErr()
	if err != nil {
		return false, err
	}
	switch sub {
	case subPost:
		return true, r.post(e, v)
	case subEdit:
		version, _, err := versioned(v)
		if err == nil && r.within(version) {
			r.edit = version
		}
		return false, err
	}
	version, err := parseID(v)
	r.deleted = err == nil && r.within(version)
	return false, err
}

func (r *messageReader) post(e *told, v []byte) error {
	seq, author, data, err := parsePost(v)
	if err != nil {
		return err
	}
	if seq != e.Seq {
		return fmt.Errorf("%w: its message is of seq %d", errRecord, seq)
	}
	e.User, e.Data = author, r.content.copy(data)
	return nil
}
