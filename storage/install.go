package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// install replaces all that is replicated by ingesting tables, in these steps:
//
//  1. Events of this node that the snapshot lacks are noted under a local key, synced.
//  2. Pebble ingests the tables: all of them or, after a crash, none.
//  3. The noted events are appended again, and the notes removed, in one batch;
//     events whose kind was unknown to the sender get their views.
//  4. Memory follows: position, stamps, caches.
//
// A crash after 2 leaves 3 to Open. Readers may see the state between 2 and 3
// for a moment; the position moves in 4. If 3 fails, readers fall back to the
// state before 2, as they do when a commit fails.
func (s *Store) install(pos engine.Position, paths []string) error {
	if err := s.writable(); err != nil {
		return err
	}
	if !s.busy.CompareAndSwap(false, true) {
		return errors.New("install a snapshot: a batch is open")
	}
	defer s.busy.Store(false)
	own, err := s.carried(pos)
	if err != nil {
		return err
	}
	if err := s.noteCarried(own); err != nil {
		return err
	}
	return s.replace(paths)
}

func (s *Store) replace(paths []string) error {
	before := s.db.NewSnapshot()
	defer s.cache.amendAll()()
	err := s.db.Ingest(context.Background(), paths)
	if ferr := s.guard.failure(); ferr != nil {
		return s.fail(before, ferr)
	}
	if err != nil {
		// Pebble makes what fails after this fatal: nothing has changed.
		return errors.Join(unavailable("the node could not take the snapshot", err), before.Close())
	}
	s.cache.raiseAll()
	h, err := s.readHeads()
	if err == nil {
		err = s.settle(&h)
	}
	if err != nil {
		return s.fail(before, err)
	}
	s.cache.raiseAll()
	s.adopt(h)
	return before.Close()
}

// Bounds of what a node takes along from before a snapshot: a new node's key,
// and what it was asked to do before it had met the others.
const (
	maxCarried      = 1000
	maxCarriedBytes = 8 << 20
)

const localCarried = "carried/" // and the seq, 8 bytes

// carried returns the events of this node that a snapshot lacks. If it lacks
// any of another origin, or too many, that is engine.ErrGap.
func (s *Store) carried(pos engine.Position) (own [][]byte, err error) {
	for o, seq := range s.Position().All() {
		if o != s.origin && pos.Seq(o) < seq {
			return nil, fmt.Errorf("install a snapshot: %w: it lacks events of %s", engine.ErrGap, o)
		}
	}
	after, last := pos.Seq(s.origin), s.Position().Seq(s.origin)
	if last > after && last-after > maxCarried {
		return nil, fmt.Errorf("install a snapshot: %w: it lacks %d events of this node", engine.ErrGap, last-after)
	}
	size := 0
	for entry, err := range s.Events(s.origin, after, last) {
		if err != nil {
			return nil, err
		}
		e, err := entry.Load()
		if err != nil {
			return nil, err
		}
		b, err := e.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		if size += len(b); size > maxCarriedBytes {
			return nil, fmt.Errorf("install a snapshot: %w: it lacks more than %d bytes of events of this node", engine.ErrGap, maxCarriedBytes)
		}
		own = append(own, b)
	}
	return own, nil
}

// noteCarried notes events for settle, instead of what may have been left there
// by an installation that failed.
func (s *Store) noteCarried(own [][]byte) error {
	if len(own) == 0 {
		return nil
	}
	b := s.db.NewBatch()
	defer b.Close()
	err := deleteCarried(b)
	for i := range own {
		e, perr := engine.ParseEvent(own[i])
		if err = errors.Join(err, perr); err != nil {
			return err
		}
		err = b.Set(localKey(localCarried+string(binary.BigEndian.AppendUint64(nil, e.Seq))), own[i], nil)
	}
	if err != nil {
		return err
	}
	if err := s.sync(b); err != nil {
		return unavailable("the node's disk has failed", err)
	}
	return nil
}

func deleteCarried(b *pebble.Batch) error {
	lower, upper := bounds(append([]byte{kindLocal}, localCarried...))
	return b.DeleteRange(lower, upper, nil)
}

// settle does what an installation leaves to be done, at its end or at Open.
func (s *Store) settle(h *heads) error {
	if err := s.appendCarried(h); err != nil {
		return fmt.Errorf("append the node's own events again: %w", err)
	}
	if err := s.deriveKnown(h); err != nil {
		return fmt.Errorf("derive events of kinds that were unknown: %w", err)
	}
	return nil
}

func (s *Store) appendCarried(h *heads) error {
	var events []*engine.Event
	err := s.scan(append([]byte{kindLocal}, localCarried...), func(_ key, v []byte) error {
		e, err := engine.ParseEvent(append([]byte(nil), v...))
		events = append(events, e)
		return err
	})
	if err != nil || len(events) == 0 {
		return err
	}
	t := newTx(s, *h)
	defer t.close()
	for _, e := range events {
		if _, _, err := t.Append(e); err != nil {
			return err
		}
	}
	if err := deleteCarried(t.batch); err != nil {
		return err
	}
	return s.settled(t, h)
}

// settled makes a batch of settle durable, and moves the heads with it.
func (s *Store) settled(t *Tx, h *heads) error {
	if t.err != nil {
		return t.err
	}
	if err := t.seal(); err != nil {
		return err
	}
	if err := s.sync(t.batch); err != nil {
		return err
	}
	h.advance(t)
	return nil
}
