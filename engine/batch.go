package engine

import (
	"errors"
	"fmt"
)

// batch is what one commit will write. It is the view that prepare functions have.
type batch struct {
	k      *committer
	tx     Tx
	seq    uint64
	events []committed
	broken error // the store failed in the middle: nothing of the batch can be kept
}

// fill lets every write add its events. errs gets the refusals; the returned
// error is of the store and fails all.
func (b *batch) fill(ws []write, errs []error) (err error) {
	if b.tx, err = b.k.store.Begin(); err != nil {
		return err
	}
	for i, w := range ws {
		before := len(b.events)
		if errs[i] = w.prepare(b); b.broken != nil {
			errs[i] = nil
			return b.broken
		}
		if errs[i] != nil && len(b.events) > before {
			return fmt.Errorf("refused after its first event: %w", errs[i])
		}
	}
	return nil
}

// stamp returns the next time of this node: for writes that need their event's ID beforehand.
func (b *batch) stamp() Stamp { return b.k.clock.Next() }

// id is the ID that an event of this node stamped s will have.
func (b *batch) id(s Stamp) ID { return MakeID(s, b.k.origin) }

// append stamps an event of this node and adds it. Data is encoded here unless
// it has been already. An error has broken the batch: return it.
func (b *batch) append(e *Event) error {
	if e.Stamp == 0 {
		e.Stamp = b.stamp()
	}
	e.Origin, e.Seq = b.k.origin, b.seq+1
	if e.Data == nil {
		if e.Data, b.broken = b.k.store.EncodePayload(e.Payload); b.broken != nil {
			return b.broken
		}
	}
	_, effects, err := b.tx.Append(e)
	if err != nil {
		b.broken = fmt.Errorf("append event: %w", err)
		return b.broken
	}
	b.seq++
	b.events = append(b.events, committed{e, effects})
	return nil
}

// apply adds a peer's event as its origin stamped it. A repeat is no error.
func (b *batch) apply(e *Event) error {
	applied, effects, err := b.tx.Append(e)
	if err != nil {
		if !errors.Is(err, ErrGap) {
			b.broken = fmt.Errorf("apply event: %w", err)
		}
		return err
	}
	if applied {
		b.k.clock.Observe(e.Stamp)
		b.events = append(b.events, committed{e, effects})
	}
	return nil
}
