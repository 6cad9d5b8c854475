package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// A log entry is one of two:
//
//	1, the event's binary form         inline
//	2, kind, stamp, room               a pointer: the content is in the room's time index
const (
	entryInline  = 1
	entryPointer = 2

	pointerSize = 1 + 1 + 8 + idSize
)

func appendPointer(dst []byte, e *engine.Event) []byte {
	dst = append(dst, entryPointer, byte(e.Kind))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Stamp))
	return append(dst, e.Room[:]...)
}

// appendPost builds the value of a message's post.
func appendPost(dst []byte, e *engine.Event) []byte {
	dst = binary.BigEndian.AppendUint64(dst, e.Seq)
	return append(append(dst, e.User[:]...), e.Data...)
}

const postHeader = 8 + idSize

// parsePost reads what appendPost wrote. data aliases b.
func parsePost(b []byte) (seq uint64, author engine.ID, data []byte, err error) {
	if len(b) < postHeader {
		return 0, engine.ID{}, nil, errRecord
	}
	return binary.BigEndian.Uint64(b), engine.ID(b[8:postHeader]), b[postHeader:], nil
}

// parseEntry reads a log value; e is the event of an inline one, and aliases b.
func parseEntry(b []byte) (head engine.LogEntry, e *engine.Event, err error) {
	switch {
	case len(b) == pointerSize && b[0] == entryPointer:
		head.Kind = engine.Kind(b[1])
		head.Stamp = engine.Stamp(binary.BigEndian.Uint64(b[2:]))
		head.Room = engine.ID(b[10:])
		return head, nil, nil
	case len(b) > 0 && b[0] == entryInline:
		if e, err = engine.ParseEvent(b[1:]); err != nil {
			return head, nil, fmt.Errorf("%w: %w", errRecord, err)
		}
		head.Seq, head.Kind, head.Stamp, head.Room = e.Seq, e.Kind, e.Stamp, e.Room
		return head, e, nil
	}
	return head, nil, errRecord
}

var errLogGap = errors.New("an event is missing from the log")

// Events implements engine.Log.
func (s *Store) Events(origin engine.Origin, after, through uint64) func(yield func(engine.LogEntry, error) bool) {
	return func(yield func(engine.LogEntry, error) bool) {
		if after >= through {
			return
		}
		if err := s.events(origin, after, through, yield); err != nil {
			yield(engine.LogEntry{}, err)
		}
	}
}

func (s *Store) events(origin engine.Origin, after, through uint64, yield func(engine.LogEntry, error) bool) error {
	it, err := s.iter(appendOrigin(nil, kindLog, origin))
	if err != nil {
		return err
	}
	want := after + 1
	ok := it.SeekGE(logKey(origin, want))
	for ; ok && want <= through && err == nil; ok = it.Next() {
		var k key
		if k, err = parseKey(it.Key()); err != nil || k.seq != want {
			break
		}
		var e engine.LogEntry
		if e, err = s.entry(origin, want, it.Value()); err != nil {
			break
		}
		if !yield(e, nil) {
			return done(it, nil)
		}
		want++
	}
	if err = done(it, err); err == nil && want <= through {
		err = fmt.Errorf("%w: %s/%d", errLogGap, origin, want)
	}
	return err
}

func (s *Store) entry(origin engine.Origin, seq uint64, value []byte) (engine.LogEntry, error) {
	head, _, err := parseEntry(value)
	if err != nil {
		return head, fmt.Errorf("log entry %s/%d: %w", origin, seq, err)
	}
	head.Seq = seq
	h := head
	head.Load = func() (*engine.Event, error) { return s.loadEvent(origin, &h, value) }
	head.AppendBinary = func(dst []byte) ([]byte, error) { return s.appendEvent(dst, origin, &h, value) }
	return head, nil
}

// loadEvent reads the content of a log entry.
func (s *Store) loadEvent(origin engine.Origin, head *engine.LogEntry, value []byte) (e *engine.Event, err error) {
	if value[0] == entryPointer {
		e, err = s.loadPosted(origin, head)
	} else {
		_, e, err = parseEntry(append([]byte(nil), value...))
	}
	if err != nil {
		return nil, fmt.Errorf("log entry %s/%d: %w", origin, head.Seq, err)
	}
	return e, s.DecodePayload(e)
}

// appendEvent appends the binary form of what a log entry stands for.
func (s *Store) appendEvent(dst []byte, origin engine.Origin, head *engine.LogEntry, value []byte) ([]byte, error) {
	if value[0] != entryPointer {
		return append(dst, value[1:]...), nil
	}
	e, err := s.loadPosted(origin, head)
	if err != nil {
		return dst, fmt.Errorf("log entry %s/%d: %w", origin, head.Seq, err)
	}
	return e.AppendBinary(dst)
}

func (s *Store) loadPosted(origin engine.Origin, head *engine.LogEntry) (*engine.Event, error) {
	v, err := s.get(messageKey(head.Room, engine.MakeID(head.Stamp, origin), subPost))
	if err != nil {
		return nil, err
	}
	seq, author, data, err := parsePost(v)
	if err == nil && seq != head.Seq {
		err = errRecord
	}
	return &engine.Event{
		Origin: origin, Seq: head.Seq, Stamp: head.Stamp, Kind: head.Kind,
		Room: head.Room, User: author, Data: data,
	}, err
}

// logHead reads the head of one log entry.
func (s *Store) logHead(origin engine.Origin, seq uint64) (engine.LogEntry, error) {
	v, err := absent(s.get(logKey(origin, seq)))
	if err != nil {
		return engine.LogEntry{}, err
	}
	head, _, err := parseEntry(v)
	head.Seq = seq
	return head, err
}

// checkEnds returns an error if a log goes on behind its position (I2): the node would give
// a seq away that has been used.
func (s *Store) checkEnds(said engine.Position) error {
	it, err := s.iter([]byte{kindLog})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; {
		var first, last key
		if first, err = parseKey(it.Key()); err != nil {
			break
		}
		_, next := bounds(appendOrigin(nil, kindLog, first.origin))
		it.SeekLT(next)
		if last, err = parseKey(it.Key()); err == nil && last.seq > said.Seq(first.origin) {
			err = fmt.Errorf("the log of %s goes on to %d, its position says %d", last.origin, last.seq, said.Seq(first.origin))
		}
		ok = it.SeekGE(next)
	}
	return done(it, err)
}

// RoomOf implements engine.Pages. It needs no index: the id holds the origin and
// the stamp, and stamps rise with the sequence numbers of an origin.
func (s *Store) RoomOf(id engine.ID) (engine.ID, error) {
	last := s.Position().Seq(id.Origin())
	var head engine.LogEntry
	var err error
	i := sort.Search(int(last), func(i int) bool {
		if err != nil {
			return true
		}
		var h engine.LogEntry
		h, err = s.logHead(id.Origin(), uint64(i)+1)
		if h.Stamp == id.Stamp() {
			head = h
		}
		return h.Stamp >= id.Stamp()
	})
	if err != nil {
		return engine.ID{}, err
	}
	if i == int(last) || head.Kind != engine.KindPosted {
		return engine.ID{}, engine.ErrNotFound
	}
	return head.Room, nil
}

// readPosition reads the marks of all origins.
func readPosition(r pebble.Reader) (pos engine.Position, err error) {
	err = scanOf(r, []byte{kindPosition}, func(k key, v []byte) error {
		if len(v) != 8 || binary.BigEndian.Uint64(v) == 0 {
			return errRecord
		}
		pos = pos.With(k.origin, binary.BigEndian.Uint64(v))
		return nil
	})
	return pos, err
}
