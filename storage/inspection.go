package storage

import (
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// ErrOther is matched by what another version of klatch has written and this one cannot take.
var ErrOther = errOther

// Inspection reads the pieces of a Snapshot as a Seed does, and keeps nothing of
// them. It belongs to one goroutine.
type Inspection struct{ in intake }

// NewInspection begins with the first piece.
func NewInspection() *Inspection {
	return &Inspection{newIntake((&Store{}).kinds(), nil)}
}

// Write reads the next piece. An error names what is wrong with it.
func (i *Inspection) Write(piece []byte) error { return i.in.take(piece) }

// Position is the snapshot's, known after the first piece.
func (i *Inspection) Position() engine.Position { return i.in.preamble.position }

// Close returns an error if the last piece has not come.
func (i *Inspection) Close() error {
	if !i.in.complete() {
		return fmt.Errorf("%w: the last one has not come", errPiece)
	}
	return nil
}
