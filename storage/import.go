package storage

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// Why an import does not begin.
var (
	ErrOtherEvents = errors.New("the store has events that the file has not")
	ErrOwnLog      = errors.New("the file has events of this very node that the store has not: a seq must not be used twice")
	ErrAhead       = errors.New("the file goes on from a position that the store has not reached")
)

// Imported is what an import did.
type Imported struct {
	Events  uint64 // that were new
	Skipped uint64 // that were there
}

// Bounds of a batch. One event may have more bytes.
const (
	importEvents = 2048
	importBytes  = 4 << 20
)

// Import adds the events of an export to a store that no engine has open. The
// store is empty, or holds a part of the same events: these are skipped. After an error the
// batches before it are there, so that an import that was cut goes on where it
// ended. The store keeps its own origin, and the events theirs. progress, if not nil, hears after each
// batch how many events have come, new or not.
func (s *Store) Import(ctx context.Context, r io.Reader, progress func(events uint64)) (Imported, error) {
	in, err := portable.NewReader(r)
	if err != nil {
		return Imported{}, err
	}
	if err := s.mayImport(in.Header()); err != nil {
		return Imported{}, err
	}
	i := importer{s: s, in: in, progress: progress}
	err = i.run(ctx)
	return i.Imported, err
}

func (s *Store) mayImport(h portable.Header) error {
	have := s.Position()
	switch {
	case have.Seq(s.origin) < h.Position.Seq(s.origin):
		return ErrOwnLog
	case !have.Covers(h.After):
		return ErrAhead
	case !h.Position.Covers(have):
		return ErrOtherEvents
	}
	return nil
}

type importer struct {
	s        *Store
	in       *portable.Reader
	progress func(uint64)
	Imported
}

// run takes batch after batch. What was good of the last one is kept too.
func (i *importer) run(ctx context.Context) error {
	for {
		end, err := i.batch()
		if err != nil || end {
			return err
		}
		if i.progress != nil {
			i.progress(i.in.Events())
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// batch adds some events and commits them.
func (i *importer) batch() (end bool, err error) {
	tx, err := i.s.Begin()
	if err != nil {
		return false, err
	}
	defer tx.Discard()
	added, reason := i.gather(tx)
	if errors.Is(reason, errAppend) {
		return false, reason // the batch may hold half an event
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	i.Events += added
	if reason == io.EOF {
		return true, nil
	}
	return false, reason
}

// errAppend marks the store's errors, not the file's.
var errAppend = errors.New("store event")

// gather adds events until the batch is full (nil), the file ends (io.EOF) or is wrong.
func (i *importer) gather(tx engine.Tx) (added uint64, err error) {
	size := 0
	for n := 0; n < importEvents && size < importBytes; n++ {
		e, err := i.in.Next()
		if err != nil {
			return added, err
		}
		applied, err := i.add(tx, e)
		if err != nil {
			return added, err
		}
		if applied {
			added++
		} else {
			i.Skipped++
		}
		size += engine.EventHeaderSize + len(e.Data)
	}
	return added, nil
}

func (i *importer) add(tx engine.Tx, e *engine.Event) (bool, error) {
	err := i.s.DecodePayload(e)
	if err == nil {
		err = checkRoles(e)
	}
	applied := false
	if err == nil {
		applied, _, err = tx.Append(e)
	}
	var refused *engine.Error
	if errors.As(err, &refused) && refused.Code == engine.CodeInvalidField {
		return false, &portable.LineError{Line: i.in.Line(), Err: errors.New(refused.Message)}
	}
	if err != nil {
		return false, fmt.Errorf("%w of line %d: %w", errAppend, i.in.Line(), err)
	}
	return applied, nil
}

// checkRoles refuses roles that there are not: content that comes as it is could have some.
func checkRoles(e *engine.Event) error {
	wrong := false
	switch p := e.Payload.(type) {
	case *engine.MemberSet:
		wrong = p.Role > engine.RoleOwner
	case *engine.RoomCreated:
		for _, m := range p.Members {
			wrong = wrong || m.Role > engine.RoleOwner
		}
	}
	if wrong {
		return refusedField("data", "data: there is no such role")
	}
	return nil
}
