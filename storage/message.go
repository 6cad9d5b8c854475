package storage

import (
	"encoding/binary"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// message is what is stored of a message under its sub-keys. Each part comes
// by an event of its own, in any order: there may be an edit without a post.
type message struct {
	room, id    engine.ID
	posted      *engine.Posted // nil: not here yet
	author      engine.ID
	edited      *engine.Edited // the winning edit
	editVersion engine.ID
	deleted     engine.ID // the first deletion; zero: none
	reactions   []reactionCount
	hidden      bool
}

// put sets one part from its stored value; a nil value takes it away.
func (m *message) put(sub byte, value []byte) (err error) {
	switch sub {
	case subPost:
		return m.putPost(value)
	case subEdit:
		return m.putEdit(value)
	case subDeleted:
		if m.deleted = (engine.ID{}); value != nil {
			m.deleted, err = parseID(value)
		}
	case subReactions:
		m.reactions, err = parseReactions(value)
	case subHidden:
		m.hidden = value != nil
	default:
		err = errRecord
	}
	return err
}

func (m *message) putPost(value []byte) (err error) {
	if value == nil {
		m.posted = nil
		return nil
	}
	var data []byte
	if _, m.author, data, err = parsePost(value); err != nil {
		return err
	}
	m.posted = new(engine.Posted)
	return decodeRecord(data, m.posted)
}

func (m *message) putEdit(value []byte) (err error) {
	if value == nil {
		m.edited, m.editVersion = nil, engine.ID{}
		return nil
	}
	var data []byte
	if m.editVersion, data, err = versioned(value); err != nil {
		return err
	}
	m.edited = new(engine.Edited)
	return decodeRecord(data, m.edited)
}

// visible tells whether views show the message at all.
func (m *message) visible() bool { return m.posted != nil && !m.hidden }

// show is the message as everybody sees it.
func (m *message) show() engine.Message {
	out := engine.Message{
		ID: m.id, Room: m.room, User: m.author, At: m.id.Time(),
		Nonce: m.posted.Nonce, ReplyTo: m.posted.ReplyTo,
	}
	if !m.deleted.IsZero() {
		out.Deleted = true
		return out
	}
	out.Body, out.Mentions, out.Everyone = m.posted.Body, m.posted.Mentions, m.posted.Everyone
	out.Files = m.posted.Files
	if m.edited != nil {
		out.Body, out.Mentions, out.Everyone = m.edited.Body, m.edited.Mentions, m.edited.Everyone
		out.EditedAt = m.editVersion.Time()
	}
	for _, r := range m.reactions {
		out.Reactions = append(out.Reactions, engine.ReactionCount{Emoji: r.emoji, Count: r.count})
	}
	return out
}

// showTo is the message as one reader sees it.
func (m *message) showTo(g getter, reader engine.ID) (engine.Message, error) {
	out := m.show()
	return out, setMine(g, &out, reader)
}

func readMessage(g getter, room, id, reader engine.ID) (engine.Message, error) {
	m, err := g.message(room, id)
	if err != nil {
		return engine.Message{}, err
	}
	if !m.visible() {
		return engine.Message{}, engine.ErrNotFound
	}
	return m.showTo(g, reader)
}

// Message implements engine.Reader.
func (s *Store) Message(room, id, reader engine.ID) (engine.Message, error) {
	return readMessage(s, room, id, reader)
}

func (s *Store) message(room, id engine.ID) (*message, error) {
	it, err := s.messages(room)
	if err != nil {
		return nil, err
	}
	m, err := seekMessage(it, room, id)
	return m, done(it, err)
}

// messages opens an iterator over the messages of a room.
func (s *Store) messages(room engine.ID) (*iterator, error) {
	return s.iter(appendIDs(nil, kindMessage, room))
}

// seekMessage reads one message; one without any part if there is none.
func seekMessage(it *iterator, room, id engine.ID) (*message, error) {
	if it.SeekPrefixGE(messageKey(room, id, subPost)) && messageID(it.Key()) == id {
		return readParts(it, room, id, it.Next)
	}
	return &message{room: room, id: id}, it.Error()
}

// messageID is the id in a message key.
func messageID(k []byte) (id engine.ID) {
	copy(id[:], k[roomPrefix:])
	return id
}

// readParts reads the parts of the message under the iterator, and leaves it on
// the first key of another.
func readParts(it *iterator, room, id engine.ID, step func() bool) (*message, error) {
	m := &message{room: room, id: id}
	for ok := true; ok && messageID(it.Key()) == id; ok = step() {
		v, err := it.ValueAndErr()
		if err != nil {
			return nil, err
		}
		if v == nil {
			v = []byte{}
		}
		k := it.Key()
		if err := m.put(k[len(k)-2], v); err != nil {
			return nil, err
		}
	}
	return m, it.Error()
}

// post applies a new message. This is the hot path: without a nonce, a reply, a
// mention or an early edit it reads nothing and writes two keys.
func (t *Tx) post(e *engine.Event, p *engine.Posted) error {
	if err := t.writePost(e); err != nil {
		return err
	}
	t.posts[e.ID()] = e
	t.touchPosted(e)
	early, err := t.takeEarly(e.Room, e.ID())
	if err != nil {
		return err
	}
	hidden, err := t.claimNonce(e, p.Nonce)
	if err != nil {
		return err
	}
	t.effects.Amended = early || hidden
	m := &message{room: e.Room, id: e.ID(), posted: p, author: e.User, hidden: hidden}
	if early {
		if m, err = t.message(e.Room, e.ID()); err != nil {
			return err
		}
	}
	t.setTargets(m, nil, m.targets())
	if m.visible() {
		t.setReply(m)
	}
	return nil
}

// writePost writes the log pointer and the message itself.
func (t *Tx) writePost(e *engine.Event) error {
	op := t.batch.SetDeferred(logKeySize, pointerSize)
	appendLogKey(op.Key[:0], e.Origin, e.Seq)
	appendPointer(op.Value[:0], e)
	if err := op.Finish(); err != nil {
		return err
	}
	op = t.batch.SetDeferred(messageKeySize, postHeader+len(e.Data))
	appendMessageKey(op.Key[:0], e.Room, e.ID(), subPost)
	appendPost(op.Value[:0], e)
	return op.Finish()
}

// takeEarly tells whether an edit, a deletion or a reaction came before this post.
func (t *Tx) takeEarly(room, id engine.ID) (bool, error) {
	if t.early == 0 {
		return false, nil
	}
	k := idKey(kindEarly, room, id)
	v, err := t.get(k)
	if err != nil || v == nil {
		return false, err
	}
	t.early--
	return true, t.del(k)
}

// change applies an event to a message that may not be here yet, and brings the
// indexes that depend on the message's content in line.
func (t *Tx) change(room, id engine.ID, apply func(m *message) error) error {
	m, err := t.message(room, id)
	if err != nil {
		return err
	}
	before := m.targets()
	if err := apply(m); err != nil {
		return err
	}
	t.touchMessages(room)
	if m.posted == nil {
		return t.markEarly(room, id)
	}
	t.setTargets(m, before, m.targets())
	return nil
}

// posted tells whether a message's post is here.
func (t *Tx) posted(room, id engine.ID) (bool, error) {
	if t.posts[id] != nil {
		return true, nil
	}
	v, err := t.get(messageKey(room, id, subPost))
	return v != nil, err
}

// markEarly notes that something came before its post.
func (t *Tx) markEarly(room, id engine.ID) error {
	k := idKey(kindEarly, room, id)
	v, err := t.get(k)
	if err != nil || v != nil {
		return err
	}
	t.early++
	return t.set(k, []byte{})
}

func (t *Tx) edit(e *engine.Event, p *engine.Edited) error {
	return t.change(e.Room, p.Message, func(m *message) error {
		if e.ID().Compare(m.editVersion) <= 0 {
			return nil
		}
		m.edited, m.editVersion = p, e.ID()
		value := append(append(make([]byte, 0, idSize+len(e.Data)), m.editVersion[:]...), e.Data...)
		return t.set(messageKey(e.Room, p.Message, subEdit), value)
	})
}

func (t *Tx) remove(e *engine.Event, p *engine.Deleted) error {
	return t.change(e.Room, p.Message, func(m *message) error {
		m.deleted = minID(m.deleted, e.ID())
		return t.set(messageKey(e.Room, p.Message, subDeleted), slices.Clone(m.deleted[:]))
	})
}

// setHidden takes a message out of the views, or back into them.
func (t *Tx) setHidden(ref engine.MessageRef, hidden bool) error {
	m, err := t.message(ref.Room, ref.Message)
	if err != nil {
		return err
	}
	before := m.targets()
	if err := t.writeHidden(ref, hidden); err != nil {
		return err
	}
	m.hidden = hidden
	t.touchMessages(ref.Room)
	t.setTargets(m, before, m.targets())
	t.setReply(m)
	return nil
}

func (t *Tx) writeHidden(ref engine.MessageRef, hidden bool) error {
	k := messageKey(ref.Room, ref.Message, subHidden)
	if hidden {
		return t.set(k, []byte{})
	}
	return t.del(k)
}

// setReply keeps the index of replies: visible ones, deleted or not.
func (t *Tx) setReply(m *message) {
	if m.posted.ReplyTo.IsZero() {
		return
	}
	k := idKey(kindReply, m.room, m.posted.ReplyTo, m.id)
	if m.visible() {
		t.note(t.set(k, []byte{}))
	} else {
		t.note(t.del(k))
	}
}

// message implements getter: the disk's parts under the batch's.
func (t *Tx) message(room, id engine.ID) (*message, error) {
	m, err := t.s.message(room, id)
	if err != nil {
		return nil, err
	}
	if e, ok := t.posts[id]; ok && e.Room == room {
		m.posted, m.author = e.Payload.(*engine.Posted), e.User
	}
	for sub := byte(subEdit); sub <= subLast; sub++ {
		if v, ok := t.overlay[string(messageKey(room, id, sub))]; ok {
			if err := m.put(sub, v); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// Message implements engine.Reader.
func (t *Tx) Message(room, id, reader engine.ID) (engine.Message, error) {
	return readMessage(t, room, id, reader)
}

// reactionCount is how many users react with one emoji.
type reactionCount struct {
	emoji string
	count int
}

func appendReactions(dst []byte, list []reactionCount) []byte {
	for _, r := range list {
		dst = binary.AppendUvarint(dst, uint64(len(r.emoji)))
		dst = append(dst, r.emoji...)
		dst = binary.AppendUvarint(dst, uint64(r.count))
	}
	return dst
}

func parseReactions(b []byte) (list []reactionCount, err error) {
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, errRecord
		}
		r := reactionCount{emoji: string(b[size : size+int(n)])}
		b = b[size+int(n):]
		count, size := binary.Uvarint(b)
		if size <= 0 || count == 0 || count > 1<<40 {
			return nil, errRecord
		}
		if r.count = int(count); len(list) > 0 && list[len(list)-1].emoji >= r.emoji {
			return nil, errRecord
		}
		list, b = append(list, r), b[size:]
	}
	return list, nil
}
