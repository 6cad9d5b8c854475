package engine

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Position is what a node has applied: for each origin its highest contiguous
// sequence number. Its zero value covers nothing. A Position is immutable;
// With and Merge return new ones, so it may be shared freely.
//
// Its text form is what clients hold as a cursor or send as Klatch-After:
// base64url of a version byte and, for each origin in ascending order, eight
// bytes of origin and a uvarint of seq. Clients treat it as opaque.
type Position struct {
	marks []mark // ascending by origin, no zero seq
}

type mark struct {
	origin Origin
	seq    uint64
}

const (
	positionVersion = 1
	maxPositionText = 4096 // characters; some 250 origins
)

var errPosition = errors.New("malformed position")

func (p Position) find(o Origin) (int, bool) {
	return slices.BinarySearchFunc(p.marks, o, func(m mark, o Origin) int {
		switch {
		case m.origin < o:
			return -1
		case m.origin > o:
			return 1
		}
		return 0
	})
}

// Seq returns the mark of an origin, 0 when there is none.
func (p Position) Seq(o Origin) uint64 {
	if i, ok := p.find(o); ok {
		return p.marks[i].seq
	}
	return 0
}

// With returns p with the mark of one origin set; 0 takes it out.
func (p Position) With(o Origin, seq uint64) Position {
	i, ok := p.find(o)
	m := slices.Clone(p.marks)
	switch {
	case ok && seq > 0:
		m[i].seq = seq
	case ok:
		m = slices.Delete(m, i, i+1)
	case seq > 0:
		m = slices.Insert(m, i, mark{o, seq})
	}
	return Position{m}
}

// Merge returns the least position that covers both.
func (p Position) Merge(q Position) Position {
	for _, m := range q.marks {
		if m.seq > p.Seq(m.origin) {
			p = p.With(m.origin, m.seq)
		}
	}
	return p
}

// Covers reports whether p has everything that q has.
func (p Position) Covers(q Position) bool {
	for _, m := range q.marks {
		if p.Seq(m.origin) < m.seq {
			return false
		}
	}
	return true
}

// Behind returns how many events p has that q lacks.
func (p Position) Behind(q Position) (n uint64) {
	for _, m := range p.marks {
		if have := q.Seq(m.origin); have < m.seq {
			n += m.seq - have
		}
	}
	return n
}

// Beyond returns the marks of p that q does not cover.
func (p Position) Beyond(q Position) (rest Position) {
	for _, m := range p.marks {
		if q.Seq(m.origin) < m.seq {
			rest.marks = append(rest.marks, m)
		}
	}
	return rest
}

// All yields every origin and its mark, in ascending order of origin.
func (p Position) All() func(yield func(Origin, uint64) bool) {
	return func(yield func(Origin, uint64) bool) {
		for _, m := range p.marks {
			if !yield(m.origin, m.seq) {
				return
			}
		}
	}
}

// Within returns the greatest position that p and q both cover.
func (p Position) Within(q Position) (both Position) {
	for _, m := range p.marks {
		if seq := min(m.seq, q.Seq(m.origin)); seq > 0 {
			both.marks = append(both.marks, mark{m.origin, seq})
		}
	}
	return both
}

// Equal reports whether both cover the same events.
func (p Position) Equal(q Position) bool { return slices.Equal(p.marks, q.marks) }

// String returns the text form.
func (p Position) String() string {
	b := make([]byte, 0, 1+len(p.marks)*(8+binary.MaxVarintLen64))
	b = append(b, positionVersion)
	for _, m := range p.marks {
		b = binary.BigEndian.AppendUint64(b, uint64(m.origin))
		b = binary.AppendUvarint(b, m.seq)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParsePosition reads the text form. The error says nothing of the reason:
// positions are opaque to those who send them.
func ParsePosition(s string) (p Position, err error) {
	if len(s) > maxPositionText || strings.ContainsAny(s, "\r\n") {
		return Position{}, errPosition
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != positionVersion {
		return Position{}, errPosition
	}
	for b = b[1:]; len(b) > 0; {
		if len(b) < 9 {
			return Position{}, errPosition
		}
		o := Origin(binary.BigEndian.Uint64(b))
		seq, n := binary.Uvarint(b[8:])
		if n <= 0 || seq == 0 || (len(p.marks) > 0 && p.marks[len(p.marks)-1].origin >= o) {
			return Position{}, errPosition
		}
		p.marks = append(p.marks, mark{o, seq})
		b = b[8+n:]
	}
	return p, nil
}

// MarshalText implements encoding.TextMarshaler.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Position) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePosition(string(b))
	return err
}
