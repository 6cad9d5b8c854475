package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// salvage reads the log of a store of which some may not be readable. Each event is
// looked up by itself, so that a damaged block costs no more than what is in it.
type salvage struct {
	s         *Store
	ctx       context.Context
	ends      map[engine.Origin]uint64 // how far the log goes, as far as anything tells
	told      map[engine.Origin]bool   // those whose position is there
	unlogged  map[logPlace]engine.MessageRef
	blind     bool // some of the log or the messages cannot be read
	tables    []brokenTable
	recovered uint64
}

// brokenTable is one that cannot be read, or not whole.
type brokenTable struct{ last []byte }

// survey finds out how far the log goes, and which messages the log has forgotten.
func (s *Store) survey(ctx context.Context) (*salvage, error) {
	v := &salvage{s: s, ctx: ctx, ends: map[engine.Origin]uint64{}, told: map[engine.Origin]bool{}, unlogged: map[logPlace]engine.MessageRef{}}
	if err := v.findBroken(); err != nil {
		return nil, err
	}
	for _, pass := range []struct {
		kind byte
		add  func(k *key, value []byte) error
	}{{kindPosition, v.addPosition}, {kindLog, v.addEntry}, {kindMessage, v.addPost}} {
		if err := v.each(pass.kind, pass.add); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *salvage) findBroken() error {
	levels, err := v.s.db.SSTables()
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, level := range levels {
		for i := range level {
			if v.s.verifyTable(tableOf(&level[i]).name) != nil {
				v.tables = append(v.tables, brokenTable{level[i].Largest.UserKey})
			}
		}
	}
	return nil
}

func (v *salvage) addPosition(k *key, value []byte) error {
	if len(value) == 8 {
		v.ends[k.origin] = max(v.ends[k.origin], binary.BigEndian.Uint64(value))
		v.told[k.origin] = true
	}
	return nil
}

func (v *salvage) addEntry(k *key, _ []byte) error {
	v.ends[k.origin] = max(v.ends[k.origin], k.seq)
	return nil
}

// addPost remembers a message to which no entry of the log points.
func (v *salvage) addPost(k *key, value []byte) error {
	if k.sub != subPost {
		return nil
	}
	seq, _, _, err := parsePost(value)
	if err != nil {
		return nil
	}
	id := k.ids[1]
	entry, err := v.s.get(logKey(id.Origin(), seq))
	if err == nil && bytes.Equal(entry, pointerTo(k.ids[0], id)) {
		return nil
	}
	if len(v.unlogged) == maxUnlogged {
		return fmt.Errorf("%w: more than %d messages are not in the log", ErrDamaged, maxUnlogged)
	}
	v.unlogged[logPlace{id.Origin(), seq}] = engine.MessageRef{Room: k.ids[0], Message: id}
	return nil
}

// each reads the keys of a kind, past what cannot be read.
func (v *salvage) each(kind byte, fn func(k *key, value []byte) error) error {
	from, upper := bounds([]byte{kind})
	for from != nil {
		last, err := v.run(from, upper, fn)
		var broken *readError
		if err != nil && !errors.As(err, &broken) {
			return err
		}
		if from = nil; broken != nil {
			v.blind = true
			from = v.past(last)
		}
	}
	return nil
}

// readError is one that a reader goes round.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// run reads until the end or until it cannot; last is where it has been.
func (v *salvage) run(from, upper []byte, fn func(k *key, value []byte) error) (last []byte, err error) {
	last = from
	it, err := v.s.within(from, upper)
	if err != nil {
		return last, &readError{err}
	}
	keys := 0
	for ok := it.First(); ok; ok = it.Next() {
		value, verr := it.ValueAndErr()
		if verr != nil {
			break
		}
		last = append([]byte(nil), it.Key()...)
		if k, kerr := parseKey(last); kerr == nil {
			if err := fn(&k, value); err != nil {
				return last, done(it, err)
			}
		}
		if keys++; keys%stride == 0 {
			if err := v.ctx.Err(); err != nil {
				return last, done(it, err)
			}
		}
	}
	if err := done(it, it.Error()); err != nil {
		return last, &readError{err}
	}
	return last, nil
}

// past returns where reading may go on: behind the broken table that ends first after
// a key. Nil: nowhere.
func (v *salvage) past(last []byte) (from []byte) {
	for _, t := range v.tables {
		if compare(t.last, last) >= 0 && (from == nil || compare(t.last, from) < 0) {
			from = t.last
		}
	}
	if from == nil {
		return nil
	}
	from = append([]byte(nil), from...)
	if split(from) < len(from) {
		from[len(from)-2]++ // the sub of a message: no suffix is between
		return from
	}
	return append(from, noSuffix)
}

func (v *salvage) origins() []engine.Origin { return slices.Sorted(maps.Keys(v.ends)) }

// sure tells whether no event of an origin can have been lost without a trace.
func (v *salvage) sure(o engine.Origin) bool { return !v.blind && (v.told[o] || v.ends[o] == 0) }

// event reads one event, with its payload. Where that cannot be, code and why say so.
func (v *salvage) event(o engine.Origin, seq uint64) (e *engine.Event, code Code, why error) {
	k := key{kind: kindLog, origin: o, seq: seq}
	value, err := v.s.get(k.build())
	code = CodeLogGap
	if err == nil && value == nil {
		err = errLogGap
	}
	var head engine.LogEntry
	if err == nil {
		code = CodeLogMalformed
		head, e, err = readEntry(&k, value)
	}
	if err != nil {
		ref, ok := v.unlogged[logPlace{o, seq}]
		if !ok {
			return nil, code, err
		}
		v.recovered++
		head, e = engine.LogEntry{Kind: engine.KindPosted, Stamp: ref.Message.Stamp(), Room: ref.Room}, nil
	}
	if e != nil {
		if v.s.DecodePayload(e) != nil {
			e.Payload = nil // as a node took it that did not know the kind
		}
		return e, "", nil
	}
	head.Seq = seq
	return v.post(o, &head)
}

func (v *salvage) post(o engine.Origin, head *engine.LogEntry) (*engine.Event, Code, error) {
	k := messageKey(head.Room, engine.MakeID(head.Stamp, o), subPost)
	value, err := v.s.get(k)
	if err == nil && value == nil {
		err = fmt.Errorf("there is no message %s", keyText(k))
	}
	if err != nil {
		return nil, CodeLogDangling, err
	}
	seq, author, data, err := parsePost(value)
	if err == nil && seq != head.Seq {
		return nil, CodeLogDangling, fmt.Errorf("the message %s says that it is event %d", keyText(k), seq)
	}
	e := &engine.Event{Origin: o, Seq: head.Seq, Stamp: head.Stamp, Kind: head.Kind, Room: head.Room, User: author, Data: data}
	if err == nil {
		err = decodePayload(e)
	}
	if err != nil {
		return nil, CodePostMalformed, err
	}
	return e, "", nil
}
