package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// beside steps through keys of one reader while another's come, in the same order,
// and tells what only one of them has, or has otherwise.
type beside struct {
	it      *pebble.Iterator
	ok      bool
	only    func(raw, value []byte)           // this reader alone has it
	other   func(raw, value []byte)           // the other alone
	differs func(raw, value, expected []byte) // value is the other's
}

func (b *beside) open(r pebble.Reader, s span) (err error) {
	if b.it, err = s.iter(r); err == nil {
		b.ok = b.it.First()
	}
	return err
}

// match takes the other reader's next key.
func (b *beside) match(raw, value []byte) {
	for b.ok {
		c := compare(b.it.Key(), raw)
		if c > 0 {
			break
		}
		if c == 0 {
			if !bytes.Equal(b.it.Value(), value) {
				b.differs(raw, value, b.it.Value())
			}
			b.ok = b.it.Next()
			return
		}
		b.only(b.it.Key(), b.it.Value())
		b.ok = b.it.Next()
	}
	if b.it.Error() == nil {
		b.other(raw, value)
	}
}

// close tells of what is left, and returns the iterator's error.
func (b *beside) close(whole bool) error {
	for ; whole && b.ok; b.ok = b.it.Next() {
		b.only(b.it.Key(), b.it.Value())
	}
	return done(b.it, b.it.Error())
}

// messageCheck reads messages with all their parts. Parts that events of their own
// have made are compared with the scratch; what follows from posts is noted.
type messageCheck struct {
	c        *inspection
	evidence evidence
	m        message
	post     engine.Posted
	seq      uint64
	bad      bool // the post cannot be read
	begun    bool
	buf      []byte

	parts beside // the scratch's
	early beside // the store's notes of what came before its post
	due   dueNotes
}

// evidence is what messages say of the log and the indexes.
type evidence struct {
	pointers, nonces, hidden, replies, mentions fingerprint
	messages                                    uint64
}

// note adds what a share of the messages says.
func (c *inspection) note(e *evidence) {
	c.pointers.actual.merge(e.pointers)
	c.nonces.expected.merge(e.nonces)
	c.hidden.actual.merge(e.hidden)
	c.replies.expected.merge(e.replies)
	c.mentions.expected.merge(e.mentions)
	c.messages += e.messages
}

// dueNotes steps through the scratch's notes. The scratch holds no posts, so there
// each message to which something happened has one.
type dueNotes struct {
	it *pebble.Iterator
	ok bool
}

// checkMessages needs what checkLog has left in the scratch. Two goroutines read
// shares of the messages, each from its first to its last.
func (c *inspection) checkMessages() error {
	shares := c.shares()
	var next atomic.Int64
	var mu sync.Mutex
	var errs []error
	whole := true
	var done sync.WaitGroup
	for range checkers {
		done.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(shares); i = next.Add(1) - 1 {
				p := &messageCheck{c: c}
				all, err := p.read(shares[i])
				mu.Lock()
				whole = whole && all
				errs = append(errs, err)
				c.note(&p.evidence)
				mu.Unlock()
			}
		})
	}
	done.Wait()
	c.messagesRead = whole
	return errors.Join(errs...)
}

const (
	checkers  = 2
	maxShares = 8
)

// share is a part of the messages, and of the notes about them.
type share struct{ messages, early span }

// shares cuts the messages where tables begin, which is about evenly.
func (c *inspection) shares() (list []share) {
	cuts := c.cuts()
	from := share{}
	from.messages.lower, _ = bounds([]byte{kindMessage})
	from.early.lower, _ = bounds([]byte{kindEarly})
	for i := 1; i < maxShares && len(cuts) > 0; i++ {
		at := cuts[i*len(cuts)/maxShares]
		m, e := messageKey(at.Room, at.Message, subPost), idKey(kindEarly, at.Room, at.Message)
		if compare(m, from.messages.lower) <= 0 {
			continue
		}
		from.messages.upper, from.early.upper = m, e
		list = append(list, from)
		from = share{messages: span{lower: m}, early: span{lower: e}}
	}
	_, from.messages.upper = bounds([]byte{kindMessage})
	_, from.early.upper = bounds([]byte{kindEarly})
	return append(list, from)
}

// cuts are the messages that tables begin with, in order.
func (c *inspection) cuts() (list []engine.MessageRef) {
	levels, err := c.s.db.SSTables()
	if err != nil {
		return nil // one share will do
	}
	for _, level := range levels {
		for i := range level {
			if k, err := parseKey(level[i].Smallest.UserKey); err == nil && k.kind == kindMessage {
				list = append(list, engine.MessageRef{Room: k.ids[0], Message: k.ids[1]})
			}
		}
	}
	slices.SortFunc(list, func(a, b engine.MessageRef) int {
		return cmp.Or(a.Room.Compare(b.Room), a.Message.Compare(b.Message))
	})
	return list
}

func (p *messageCheck) read(s share) (whole bool, err error) {
	if err := p.open(s); err != nil {
		return false, err
	}
	c := p.c
	whole, err = c.within("messages", s.messages, p.add)
	if err == nil && p.begun {
		p.finish()
	}
	if err == nil && whole {
		p.dueUpTo(nil)
	}
	compared := whole && c.logRead
	if e := p.early.close(compared); e != nil {
		e = c.unreadable([]byte{kindEarly}, nil, e)
		err = cmp.Or(err, e)
	}
	return whole, cmp.Or(err, p.parts.close(compared), done(p.due.it, p.due.it.Error()))
}

func (p *messageCheck) open(s share) (err error) {
	f := p.c.found
	compared := func(fn func()) {
		if p.c.logRead {
			fn()
		}
	}
	p.parts = beside{
		only:  func(k, _ []byte) { compared(func() { f.view(k, isMissing, "the log asks for it") }) },
		other: func(k, _ []byte) { compared(func() { f.view(k, isExtra, "no event asks for it") }) },
		differs: func(k, v, expected []byte) {
			compared(func() { f.view(k, isWrong, describe(k, v, expected)) })
		},
	}
	p.early = beside{
		only: func(k, _ []byte) {
			compared(func() { f.view(k, isExtra, "its post is there, or nothing came before it") })
		},
		other:   func(k, _ []byte) { compared(func() { f.view(k, isMissing, "something came before its post") }) },
		differs: func(k, v, _ []byte) { compared(func() { f.view(k, isWrong, "it has a value") }) },
	}
	if err = p.parts.open(p.c.scratch.s.db, s.messages); err != nil {
		return err
	}
	if err = p.early.open(p.c.at, s.early); err != nil {
		return done(p.parts.it, err)
	}
	if p.due.it, err = s.early.iter(p.c.scratch.s.db); err != nil {
		return done(p.parts.it, done(p.early.it, err))
	}
	p.due.ok = p.due.it.First()
	return nil
}

func (p *messageCheck) add(raw, value []byte) error {
	if len(raw) != messageKeySize || raw[roomPrefix-1] != noSuffix || raw[len(raw)-1] != suffixSize || raw[len(raw)-2] > subLast {
		p.c.found.malformed(raw)
		return nil
	}
	room, id, sub := engine.ID(raw[1:1+idSize]), messageID(raw), raw[len(raw)-2]
	if !p.begun || p.m.id != id || p.m.room != room {
		if p.begun {
			p.finish()
		}
		p.begun, p.bad = true, false
		p.m = message{room: room, id: id}
	}
	p.part(sub, raw, value)
	return nil
}

func (p *messageCheck) part(sub byte, raw, value []byte) {
	switch sub {
	case subPost:
		p.readPost(raw, value)
	case subEdit:
		p.parts.match(raw, value)
		if err := p.m.putEdit(value); err != nil {
			p.m.edited = nil // it has been told: the scratch's is another
		}
	case subHidden:
		p.m.hidden = true
		p.buf = appendRef(p.buf[:0], p.m.room, p.m.id)
		p.evidence.hidden.add(p.buf)
		if len(value) > 0 {
			p.c.found.view(raw, isWrong, "it has a value")
		}
	default:
		p.parts.match(raw, value)
		if sub == subDeleted {
			p.m.deleted = engine.ID{1} // whichever
		}
	}
}

func (p *messageCheck) readPost(raw, value []byte) {
	p.evidence.messages++
	var data []byte
	var err error
	p.seq, p.m.author, data, err = parsePost(value)
	if err == nil {
		p.buf = appendPointerEntry(p.buf[:0], p.m.room, p.m.id, p.seq)
		p.evidence.pointers.add(p.buf)
		p.post = engine.Posted{}
		err = decodeRecord(data, &p.post)
	}
	p.m.posted = &p.post
	if p.bad = err != nil; p.bad {
		k, _ := parseKey(raw)
		p.c.found.add(CodePostMalformed, k.String(), false, "%v", err)
	}
}

// finish notes what follows from a message that has been read.
func (p *messageCheck) finish() {
	p.dueUpTo(&p.m)
	if p.m.posted == nil || p.bad {
		return
	}
	if p.post.Nonce != "" {
		p.buf = appendNonceEntry(p.buf[:0], p.m.author, p.post.Nonce, p.m.id, p.m.room)
		p.evidence.nonces.add(p.buf)
	}
	if p.m.hidden {
		return
	}
	if !p.post.ReplyTo.IsZero() {
		p.buf = appendIDs(p.buf[:0], kindReply, p.m.room, p.post.ReplyTo, p.m.id)
		p.evidence.replies.add(p.buf)
	}
	for _, u := range p.m.targets() {
		p.buf = appendIDs(p.buf[:0], kindMention, u, p.m.room, p.m.id, p.m.author)
		p.evidence.mentions.add(p.buf)
	}
}

// dueUpTo has the notes of what came before its post matched, up to a message and
// with it; to the end for none.
func (p *messageCheck) dueUpTo(m *message) {
	var at []byte
	for p.due.ok {
		k := p.due.it.Key()
		if m != nil {
			if at == nil {
				p.buf = append(appendIDs(p.buf[:0], kindEarly, m.room, m.id), noSuffix)
				at = p.buf
			}
			c := compare(k, at)
			if c > 0 {
				return
			}
			if c == 0 && m.posted != nil {
				p.due.ok = p.due.it.Next()
				return
			}
		}
		p.early.match(k, nil)
		p.due.ok = p.due.it.Next()
	}
}

func appendRef(dst []byte, room, id engine.ID) []byte {
	return append(append(dst, room[:]...), id[:]...)
}

func appendNonceEntry(dst []byte, user engine.ID, nonce string, id, room engine.ID) []byte {
	dst = binary.AppendUvarint(append(dst, user[:]...), uint64(len(nonce)))
	dst = append(dst, nonce...)
	return appendRef(dst, room, id)
}
