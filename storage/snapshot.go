package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// snapshot reads all that is replicated at one moment. No iterator outlives a
// call of Next: it would keep memtables and obsolete tables for as long as the
// other node takes to receive. Pebble's snapshot keeps old versions alone.
type snapshot struct {
	db       *pebble.Snapshot
	preamble preamble
	size     int // of a piece

	out   pieceWriter
	stage byte   // the sort of the next piece
	last  []byte // the last key that was sent
	keys  uint64
}

var _ engine.Snapshot = (*snapshot)(nil)

// Snapshot implements engine.Store.
func (s *Store) Snapshot() (engine.Snapshot, error) {
	if s.closed.Load() {
		return nil, errClosed()
	}
	snap := &snapshot{db: s.db.NewSnapshot(), size: pieceSize, stage: pieceBegin}
	err := s.flushed()
	if err == nil {
		snap.preamble, err = s.preamble(snap.db)
	}
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	return snap, nil
}

// flushed returns when all that is visible now is on stable storage. Pebble
// shows a batch before its sync ends, and what a crash may still undo must not
// reach another node: its origin would use the same seq again. The log is
// synced in order, so an empty record behind the batch will tell.
func (s *Store) flushed() error {
	err := s.db.LogData([]byte{0}, pebble.Sync)
	if ferr := s.guard.failure(); ferr != nil {
		err = ferr
	}
	if err != nil {
		return unavailable("the node's disk has failed", err)
	}
	return nil
}

func (s *Store) preamble(r pebble.Reader) (p preamble, err error) {
	p.format, p.kinds = formatVersion, s.kinds()
	p.position, err = readPosition(r)
	return p, err
}

// Position implements engine.Snapshot.
func (s *snapshot) Position() engine.Position { return s.preamble.position }

// Next implements engine.Snapshot.
func (s *snapshot) Next() ([]byte, error) {
	switch s.stage {
	case pieceBegin:
		s.out.start(pieceBegin)
		s.preamble.encode(&s.out)
		s.stage = pieceData
		return s.out.seal(), nil
	case pieceData:
		before := s.keys
		s.out.start(pieceData)
		if err := s.fill(); err != nil {
			return nil, fmt.Errorf("read snapshot: %w", err)
		}
		if s.keys > before {
			return s.out.seal(), nil
		}
		s.out.start(pieceEnd)
		s.out.number(s.keys)
		s.stage = pieceEnd
		return s.out.seal(), nil
	}
	return nil, io.EOF
}

// fill adds the next keys to a piece.
func (s *snapshot) fill() error {
	if s.db == nil {
		return errors.New("it is closed")
	}
	it, err := iterOf(s.db, nil)
	if err != nil {
		return err
	}
	for ok := s.seek(it); ok && err == nil && len(s.out.buf) < s.size; ok = err == nil && skipLocal(it, it.Next()) {
		err = s.add(it)
	}
	return done(it, err)
}

// seek finds the first key that has not been sent.
func (s *snapshot) seek(it *pebble.Iterator) bool {
	ok := it.SeekGE(s.last)
	if ok && bytes.Equal(it.Key(), s.last) {
		ok = it.Next()
	}
	return skipLocal(it, ok)
}

// skipLocal steps over this node's own keys.
func skipLocal(it *pebble.Iterator, ok bool) bool {
	if ok && it.Key()[0] == kindLocal {
		_, end := bounds([]byte{kindLocal})
		return it.SeekGE(end)
	}
	return ok
}

func (s *snapshot) add(it *pebble.Iterator) error {
	k := it.Key()
	v, err := it.ValueAndErr()
	if err != nil {
		return err
	}
	if len(k) > maxSeedKey || len(v) > maxSeedValue {
		return fmt.Errorf("a key of %d bytes has a value of %d: too large to send", len(k), len(v))
	}
	s.out.entry(k, v)
	s.last = append(s.last[:0], k...)
	s.keys++
	return nil
}

// Close implements engine.Snapshot.
func (s *snapshot) Close() error {
	db := s.db
	if s.db = nil; db == nil {
		return nil
	}
	return db.Close()
}
