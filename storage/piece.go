package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klatch-chat/klatch/engine"
)

// The pieces of a snapshot, version 1. Each is
//
//	version(1) sort(1) body checksum(4)
//
// The checksum is the CRC-32C of all pieces up to here, their checksums left
// out: a piece that is missing, repeated, out of place or of another snapshot
// does not fit. Numbers are big-endian. The bodies:
//
//	begin  format(uvarint) kinds(32, a bit each) position: (origin(8) seq(uvarint))*
//	data   (length(uvarint) key length(uvarint) value)+
//	end    how many keys there were(uvarint)
//
// There is one begin, then data in the order of keys, then one end. Format is
// the version of what the keys hold, kinds are those of events that the sender
// derives views from.
const (
	pieceVersion = 1

	pieceBegin = 1
	pieceData  = 2
	pieceEnd   = 3

	pieceHeader   = 2
	pieceChecksum = 4

	pieceSize    = 256 << 10 // a piece ends with the entry that goes past this
	maxSeedKey   = 64 << 10
	maxSeedValue = 24 << 20 // the largest message, and some
	maxPiece     = pieceSize + maxSeedKey + maxSeedValue + 64
	maxOrigins   = 4096
)

var (
	errPiece = errors.New("malformed piece of a snapshot")
	errOther = errors.New("the snapshot is of another version of klatch")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pieceWriter builds pieces one after the other, in one buffer.
type pieceWriter struct {
	buf []byte
	sum uint32
}

func (w *pieceWriter) start(sort byte) { w.buf = append(w.buf[:0], pieceVersion, sort) }

func (w *pieceWriter) number(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (w *pieceWriter) entry(key, value []byte) {
	w.number(uint64(len(key)))
	w.buf = append(w.buf, key...)
	w.number(uint64(len(value)))
	w.buf = append(w.buf, value...)
}

// seal ends a piece.
func (w *pieceWriter) seal() []byte {
	w.sum = crc32.Update(w.sum, castagnoli, w.buf)
	return binary.BigEndian.AppendUint32(w.buf, w.sum)
}

// pieceReader takes the pieces of one snapshot, in order.
type pieceReader struct{ sum uint32 }

func (r *pieceReader) open(b []byte) (sort byte, body []byte, err error) {
	switch n := len(b); {
	case n < pieceHeader+pieceChecksum:
		return 0, nil, fmt.Errorf("%w: %d bytes", errPiece, n)
	case b[0] != pieceVersion:
		return 0, nil, fmt.Errorf("%w: pieces of version %d, this program knows %d", errOther, b[0], pieceVersion)
	case n > maxPiece:
		return 0, nil, fmt.Errorf("%w: %d bytes", errPiece, n)
	}
	content := b[:len(b)-pieceChecksum]
	sum := crc32.Update(r.sum, castagnoli, content)
	if binary.BigEndian.Uint32(b[len(content):]) != sum {
		return 0, nil, fmt.Errorf("%w: its checksum does not fit", errPiece)
	}
	r.sum = sum
	return content[1], content[pieceHeader:], nil
}

// preamble is the body of the first piece.
type preamble struct {
	format   uint64
	kinds    kindSet
	position engine.Position
}

// kindSet is a set of kinds of events.
type kindSet [32]byte

func (s *kindSet) add(k engine.Kind) { s[k/8] |= 1 << (k % 8) }

func (s *kindSet) has(k engine.Kind) bool { return s[k/8]&(1<<(k%8)) != 0 }

func (p *preamble) encode(w *pieceWriter) {
	w.number(p.format)
	w.buf = append(w.buf, p.kinds[:]...)
	for o, seq := range p.position.All() {
		w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(o))
		w.number(seq)
	}
}

func parsePreamble(b []byte) (p preamble, err error) {
	if p.format, b, err = takeNumber(b); err != nil {
		return p, err
	}
	if len(b) < len(p.kinds) {
		return p, fmt.Errorf("%w: it ends early", errPiece)
	}
	b = b[copy(p.kinds[:], b):]
	last, n := engine.Origin(0), 0
	for ; len(b) > 0; n++ {
		if len(b) < 8 || n == maxOrigins {
			return p, fmt.Errorf("%w: its position", errPiece)
		}
		o, seq := engine.Origin(binary.BigEndian.Uint64(b)), uint64(0)
		if seq, b, err = takeNumber(b[8:]); err != nil || o <= last || seq == 0 {
			return p, fmt.Errorf("%w: its position", errPiece)
		}
		p.position, last = p.position.With(o, seq), o
	}
	return p, nil
}

// takeEntry takes one key and value from a data body. They alias it.
func takeEntry(b []byte) (key, value, rest []byte, err error) {
	if key, b, err = takeBytes(b, maxSeedKey); err != nil {
		return nil, nil, nil, err
	}
	value, rest, err = takeBytes(b, maxSeedValue)
	return key, value, rest, err
}

func takeBytes(b []byte, limit uint64) (field, rest []byte, err error) {
	n, b, err := takeNumber(b)
	if err != nil {
		return nil, nil, err
	}
	if n > limit || n > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: a field of %d bytes", errPiece, n)
	}
	return b[:n:n], b[n:], nil
}

func takeNumber(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || (size > 1 && b[size-1] == 0) {
		return 0, nil, fmt.Errorf("%w: a number is cut off, or longer than it need be", errPiece)
	}
	return n, b[size:], nil
}

// parseEnd reads the last piece.
func parseEnd(b []byte) (keys uint64, err error) {
	keys, rest, err := takeNumber(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: more after its end", errPiece)
	}
	return keys, err
}
