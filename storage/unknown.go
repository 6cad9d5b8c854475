package storage

import (
	"errors"

	"github.com/klatch-chat/klatch/engine"
)

// Events of kinds that this version does not know are kept in the log and
// passed on. Each leaves a note under a key of kind Z, in the same batch. A later
// version that knows the kind derives the event's views when it opens the store
// and takes the note away: views do not depend on the order of events, so
// it is then where it would be had it known the kind all the time. Notes are
// replicated by snapshots like all else, so a node that is seeded by an older
// version derives what that one could not; a snapshot of a newer version is refused (seed.go).

// knows tells whether this version derives views from events of a kind.
func (s *Store) knows(k engine.Kind) bool {
	return (s.hidden == nil || !s.hidden(k)) && engine.NewPayload(k) != nil
}

func (s *Store) kinds() (set kindSet) {
	for k := range 256 {
		if k := engine.Kind(k); s.knows(k) {
			set.add(k)
		}
	}
	return set
}

const deriveBatch = 512 // events

// deriveKnown derives the noted events of all kinds that are known now.
func (s *Store) deriveKnown(h *heads) error {
	total := 0
	for k := range 256 {
		if k := engine.Kind(k); s.knows(k) {
			n, err := s.deriveKind(k, h)
			if err != nil {
				return err
			}
			total += n
		}
	}
	if total > 0 {
		s.log.Info("derived views of events that an older version did not know", "events", total)
	}
	return nil
}

func (s *Store) deriveKind(kind engine.Kind, h *heads) (total int, err error) {
	prefix := []byte{kindUnknown, byte(kind)}
	at, _ := bounds(prefix)
	for {
		var notes []key
		err := s.listAfter(prefix, at, func(k key, _ []byte) (bool, error) {
			notes = append(notes, k)
			return len(notes) < deriveBatch, nil
		})
		if err != nil || len(notes) == 0 {
			return total, err
		}
		n, err := s.deriveNotes(notes, h)
		if err != nil {
			return total, err
		}
		total += n
		at = notes[len(notes)-1].build()
	}
}

// deriveNotes derives some events and takes their notes away in one batch: a
// crash between two batches leaves the rest to the next Open.
func (s *Store) deriveNotes(notes []key, h *heads) (n int, err error) {
	t := newTx(s, *h)
	defer t.close()
	for i := range notes {
		e, err := s.logged(notes[i].origin, notes[i].seq)
		if errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) {
			// It stays in the log as it came. A node that knows the kind never took it.
			s.log.Warn("an event's content cannot be read: its views stay without it", "origin", notes[i].origin, "seq", notes[i].seq, "err", err)
			continue
		}
		if err != nil {
			return 0, err
		}
		t.note(t.apply(e))
		t.note(t.del(notes[i].build()))
		n++
	}
	return n, s.settled(t, h)
}

// logged reads one event of the log.
func (s *Store) logged(o engine.Origin, seq uint64) (*engine.Event, error) {
	v, err := absent(s.get(logKey(o, seq)))
	if err != nil {
		return nil, err
	}
	entry, err := s.entry(o, seq, v)
	if err != nil {
		return nil, err
	}
	return entry.Load()
}
