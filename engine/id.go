package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"
)

// ID names a message, room, user or token: 128 bits, written as a ULID
// (https://github.com/ulid/spec): 48 bits of Unix milliseconds and a 16-bit
// counter from a hybrid logical clock, then the 64-bit origin. IDs sort by
// time as bytes and as text and need no coordination. A few IDs are derived
// from a name instead (see DerivedID); those do not sort by time.
type ID [16]byte

// Origin names the node that first accepted an event.
type Origin uint64

// Stamp is a hybrid logical time: 48 bits of Unix milliseconds, then a 16-bit counter.
type Stamp uint64

const (
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	idLen     = 26 // characters of an ID's text
)

// crockfordValue maps a character of either case to its five bits; 0xFF for none.
var crockfordValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i := range len(crockford) {
		c := crockford[i]
		t[c] = byte(i)
		if c >= 'A' {
			t[c+'a'-'A'] = byte(i)
		}
	}
	return t
}()

// MakeID joins a stamp and an origin.
func MakeID(s Stamp, o Origin) (id ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(s))
	binary.BigEndian.PutUint64(id[8:], uint64(o))
	return id
}

// ParseID reads the 26 characters of a ULID, in either case.
func ParseID(s string) (id ID, err error) {
	if len(s) != idLen {
		return ID{}, fmt.Errorf("an id has %d characters, not %d", idLen, len(s))
	}
	// 26 characters hold 130 bits: the first may use three of its five.
	if crockfordValue[s[0]] > 7 {
		return ID{}, fmt.Errorf("id %q is out of range", s)
	}
	var acc uint64
	bits, n := 0, 0
	for i := range len(s) {
		v := crockfordValue[s[i]]
		if v == 0xFF {
			return ID{}, fmt.Errorf("id %q holds the character %q", s, s[i])
		}
		acc = acc<<5 | uint64(v)
		bits += 5
		if i == 0 {
			bits = 3
		}
		for bits >= 8 {
			bits -= 8
			id[n] = byte(acc >> bits)
			n++
		}
	}
	return id, nil
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders IDs by time, as slices.SortFunc and its like want it.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// Stamp returns the hybrid time in the ID.
func (id ID) Stamp() Stamp { return Stamp(binary.BigEndian.Uint64(id[:8])) }

// Origin returns the node that made the ID.
func (id ID) Origin() Origin { return Origin(binary.BigEndian.Uint64(id[8:])) }

// Time returns the millisecond in the ID.
func (id ID) Time() Time { return id.Stamp().Time() }

// String returns the ULID text.
func (id ID) String() string {
	b, _ := id.AppendText(make([]byte, 0, idLen))
	return string(b)
}

// AppendText implements encoding.TextAppender.
func (id ID) AppendText(b []byte) ([]byte, error) {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	for shift := 125; shift >= 0; shift -= 5 {
		var v uint64
		switch {
		case shift >= 64:
			v = hi >> (shift - 64)
		case shift > 59:
			v = hi<<(64-shift) | lo>>shift
		default:
			v = lo >> shift
		}
		b = append(b, crockford[v&31])
	}
	return b, nil
}

// MarshalText implements encoding.TextMarshaler. The zero ID is empty text.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return []byte{}, nil
	}
	return id.AppendText(make([]byte, 0, idLen))
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = ParseID(string(b))
	return err
}

// String returns 16 hexadecimal digits.
func (o Origin) String() string { return fmt.Sprintf("%016x", uint64(o)) }

// ParseOrigin reads what Origin.String wrote.
func ParseOrigin(s string) (Origin, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	return Origin(v), err
}

// Time returns the millisecond in the stamp.
func (s Stamp) Time() Time { return Time(s >> 16) }

// StampAt is the first stamp of a millisecond. A clock set before 1970 counts as 1970.
func StampAt(t time.Time) Stamp { return Stamp(max(0, t.UnixMilli())) << 16 }

// Time is Unix milliseconds, written as RFC 3339 in UTC with three decimals.
type Time int64

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Std returns the time as the standard library's.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) {
	return t.Std().AppendFormat(nil, timeFormat), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Time) UnmarshalText(b []byte) error {
	v, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return err
	}
	*t = Time(v.UnixMilli())
	return nil
}
