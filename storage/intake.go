package storage

import (
	"encoding/binary"
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// intake reads the pieces of one snapshot, notices what does not belong, and
// hands the entries on.
type intake struct {
	known kindSet   // the kinds of events that this version derives views from
	to    entrySink // nil: nobody keeps them

	in       pieceReader
	stage    byte // the sort of piece expected; 0: the end has been
	preamble preamble
	ledger   ledger
	last     []byte // key
	keys     uint64
}

// entrySink takes entries in order of their keys. They are valid during add.
type entrySink interface {
	add(key, value []byte) error
	finish() error
}

func newIntake(known kindSet, to entrySink) intake {
	return intake{known: known, to: to, stage: pieceBegin, ledger: ledger{heads: map[engine.Origin]mark{}}}
}

func (i *intake) complete() bool { return i.stage == 0 }

// take takes the next piece.
func (i *intake) take(piece []byte) error {
	sort, body, err := i.in.open(piece)
	if err != nil {
		return err
	}
	switch {
	case sort == pieceBegin && i.stage == pieceBegin:
		return i.begin(body)
	case sort == pieceData && i.stage == pieceData:
		return i.data(body)
	case sort == pieceEnd && i.stage == pieceData:
		return i.end(body)
	}
	return fmt.Errorf("%w: sort %d is out of place", errPiece, sort)
}

// begin refuses the snapshots of versions whose views are not what this one would derive.
func (i *intake) begin(body []byte) (err error) {
	if i.preamble, err = parsePreamble(body); err != nil {
		return err
	}
	if i.preamble.format != formatVersion {
		return fmt.Errorf("%w: format %d, this program has %d", errOther, i.preamble.format, formatVersion)
	}
	for k := range 256 {
		if k := engine.Kind(k); i.preamble.kinds.has(k) && !i.known.has(k) {
			return fmt.Errorf("%w: a newer one, which knows events of kind %d", errOther, k)
		}
	}
	i.stage = pieceData
	return nil
}

func (i *intake) data(body []byte) error {
	if len(body) == 0 {
		return fmt.Errorf("%w: it is empty", errPiece)
	}
	for len(body) > 0 {
		var k, v []byte
		var err error
		if k, v, body, err = takeEntry(body); err != nil {
			return err
		}
		if err := i.check(k, v); err != nil {
			return err
		}
		if i.to == nil {
			continue
		}
		if err := i.to.add(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (i *intake) check(k, v []byte) error {
	parsed, err := parseKey(k)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w %x", errPiece, err, k[:min(len(k), 64)])
	case parsed.kind == kindLocal:
		return fmt.Errorf("%w: a key of one node alone", errPiece)
	case i.keys > 0 && compare(k, i.last) <= 0:
		return fmt.Errorf("%w: keys are out of order", errPiece)
	}
	i.last = append(i.last[:0], k...)
	i.keys++
	return i.ledger.add(&parsed, v)
}

func (i *intake) end(body []byte) error {
	keys, err := parseEnd(body)
	if err != nil {
		return err
	}
	if keys != i.keys {
		return fmt.Errorf("%w: %d keys of %d have come", errPiece, i.keys, keys)
	}
	if err := i.ledger.close(i.preamble.position); err != nil {
		return err
	}
	i.stage = 0
	if i.to == nil {
		return nil
	}
	return i.to.finish()
}

// ledger checks that the log of a snapshot is whole (I2): contiguous for each
// origin, with rising stamps, up to its position, and with the messages that it points to, no
// fewer and no more. Log keys come before positions.
type ledger struct {
	heads    map[engine.Origin]mark
	closed   int      // positions that have come
	pointers relation // from the log to messages
	buf      []byte
}

func (l *ledger) add(k *key, v []byte) error {
	switch k.kind {
	case kindLog:
		head, e, err := parseEntry(v)
		last := l.heads[k.origin]
		if err != nil || k.seq != last.seq+1 || head.Stamp <= last.stamp || (e != nil && (e.Origin != k.origin || e.Seq != k.seq)) {
			return fmt.Errorf("%w: log entry %s/%d", errPiece, k.origin, k.seq)
		}
		l.heads[k.origin] = mark{k.seq, head.Stamp}
		if e == nil {
			l.buf = appendPointerEntry(l.buf[:0], head.Room, engine.MakeID(head.Stamp, k.origin), k.seq)
			l.pointers.expected.add(l.buf)
		}
	case kindMessage:
		if k.sub != subPost {
			return nil
		}
		seq, _, _, err := parsePost(v)
		if err != nil {
			return fmt.Errorf("%w: message %s", errPiece, k)
		}
		l.buf = appendPointerEntry(l.buf[:0], k.ids[0], k.ids[1], seq)
		l.pointers.actual.add(l.buf)
	case kindPosition:
		if len(v) != 8 || binary.BigEndian.Uint64(v) != l.heads[k.origin].seq {
			return fmt.Errorf("%w: position of %s", errPiece, k.origin)
		}
		l.closed++
	}
	return nil
}

func (l *ledger) close(pos engine.Position) error {
	n := 0
	for o, seq := range pos.All() {
		if n++; l.heads[o].seq != seq {
			return fmt.Errorf("%w: the log of %s ends at %d, not %d", errPiece, o, l.heads[o].seq, seq)
		}
	}
	if n != l.closed || n != len(l.heads) {
		return fmt.Errorf("%w: positions are missing", errPiece)
	}
	if l.pointers.differs() {
		return fmt.Errorf("%w: the messages are not those of the log", errPiece)
	}
	return nil
}
