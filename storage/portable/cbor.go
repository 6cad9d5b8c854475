package portable

import (
	"encoding/binary"
	"errors"
	"math"
)

// The major types of CBOR (RFC 8949, section 3.1).
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6
	majorOther = 7

	cborFalse = 0xF4
	cborTrue  = 0xF5

	maxDepth = 8 // as the store's decoder has it
)

// errForm is content that has no readable form: not in the core deterministic
// encoding (RFC 8949, section 4.2), so that nobody could make the same bytes of it again, or
// with a value out of its range. It travels as it is.
var errForm = errors.New("no readable form")

// items reads CBOR in the core deterministic encoding, and nothing else.
type items struct {
	b   []byte
	err error
}

func (r *items) fail() {
	r.b, r.err = nil, errForm
}

// head takes the head of an item, whose argument must be in its shortest form.
func (r *items) head() (major byte, n uint64) {
	if len(r.b) == 0 {
		r.fail()
		return 0, 0
	}
	major, n = r.b[0]>>5, uint64(r.b[0]&31)
	size := 0
	switch n {
	case 24:
		size = 1
	case 25:
		size = 2
	case 26:
		size = 4
	case 27:
		size = 8
	case 28, 29, 30, 31:
		r.fail()
		return 0, 0
	}
	if len(r.b) < 1+size {
		r.fail()
		return 0, 0
	}
	if size > 0 {
		n = wide(r.b[1 : 1+size])
		if major != majorOther && shortest(n) != size {
			r.fail()
			return 0, 0
		}
	}
	r.b = r.b[1+size:]
	return major, n
}

func wide(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// shortest is how many bytes an argument needs after the first.
func shortest(n uint64) int {
	switch {
	case n < 24:
		return 0
	case n <= math.MaxUint8:
		return 1
	case n <= math.MaxUint16:
		return 2
	case n <= math.MaxUint32:
		return 4
	}
	return 8
}

// want takes the head of an item that must be of a type.
func (r *items) want(major byte) uint64 {
	got, n := r.head()
	if got != major {
		r.fail()
		return 0
	}
	return n
}

// count takes the head of an array or map; each of its items has a byte at least.
func (r *items) count(major byte) uint64 {
	n := r.want(major)
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return n
}

// bytes takes a byte string or text.
func (r *items) bytes(major byte) []byte {
	n := r.want(major)
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *items) flag() bool {
	if len(r.b) == 0 || (r.b[0] != cborFalse && r.b[0] != cborTrue) {
		r.fail()
		return false
	}
	v := r.b[0] == cborTrue
	r.b = r.b[1:]
	return v
}

// skip takes a whole item of any type.
func (r *items) skip(depth int) {
	major, n := r.head()
	switch major {
	case majorBytes, majorText:
		if n > uint64(len(r.b)) {
			r.fail()
			return
		}
		r.b = r.b[n:]
	case majorMap, majorArray, majorTag:
		r.skipInside(major, n, depth)
	}
}

func (r *items) skipInside(major byte, n uint64, depth int) {
	if depth == maxDepth || n > uint64(len(r.b)) || major == majorTag {
		r.fail()
		return
	}
	if major == majorMap {
		n *= 2
	}
	for ; n > 0 && r.err == nil; n-- {
		r.skip(depth + 1)
	}
}

// one takes a whole item and returns its bytes.
func (r *items) one() []byte {
	from := r.b
	r.skip(1)
	return from[:len(from)-len(r.b)]
}

func appendHead(dst []byte, major byte, n uint64) []byte {
	switch shortest(n) {
	case 0:
		return append(dst, major<<5|byte(n))
	case 1:
		return append(dst, major<<5|24, byte(n))
	case 2:
		return binary.BigEndian.AppendUint16(append(dst, major<<5|25), uint16(n))
	case 4:
		return binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major<<5|27), n)
}
