package socket

import "encoding/binary"

// violation is a fault in a client's frames that gws would let through.
type violation string

func (v violation) Error() string { return string(v) }

const (
	// errFrameLength is a 64-bit length with its highest bit set, which RFC 6455
	// forbids. gws would slice by the negative number and panic.
	errFrameLength = violation("frame length has its highest bit set")

	// errReservedBits are other reserved bits than RFC 7692 has given a meaning.
	// gws looks at none once permessage-deflate is negotiated.
	errReservedBits = violation("reserved bits are set")
)

// boundary follows a client's stream of frames just far enough to know where
// each frame and each message ends. What else it judges is what gws does not.
type boundary struct {
	header   [14]byte
	have     uint8  // header bytes gathered
	open     bool   // the message that has begun goes on in another frame
	deflated bool   // permessage-deflate is negotiated; static
	payload  uint64 // bytes of the present frame still to come
}

// progress is what a piece of the stream has brought to an end.
type progress struct {
	frames int
	whole  bool // at some time no message was left unfinished
}

// atFrame reports whether the stream stands between two frames.
func (b *boundary) atFrame() bool { return b.have == 0 && b.payload == 0 }

// atMessage reports whether it stands between two messages.
func (b *boundary) atMessage() bool { return b.atFrame() && !b.open }

// advance takes the next bytes of the stream.
func (b *boundary) advance(p []byte) (done progress, err error) {
	for len(p) > 0 {
		if b.payload > 0 {
			n := min(b.payload, uint64(len(p)))
			b.payload -= n
			p = p[n:]
		} else {
			b.header[b.have] = p[0]
			b.have++
			p = p[1:]
			if int(b.have) < b.headerLen() {
				continue
			}
			if err := b.begin(); err != nil {
				return done, err
			}
		}
		if b.payload == 0 {
			done.frames++
			done.whole = done.whole || !b.open
		}
	}
	return done, nil
}

// begin reads a header that is complete.
func (b *boundary) begin() error {
	b.have = 0
	opcode := b.header[0] & 0xf
	if b.payload = b.payloadLen(); b.payload>>63 != 0 {
		return errFrameLength
	}
	if b.deflated && !b.validReserved(opcode) {
		return errReservedBits
	}
	if opcode < opClose {
		b.open = b.header[0]&final == 0
	}
	return nil
}

// validReserved is RFC 7692, section 6.1: RSV1 is for the first frame of a message.
func (b *boundary) validReserved(opcode byte) bool {
	bits := b.header[0] & reserved
	return bits == 0 || bits == deflated && (opcode == opText || opcode == opBinary)
}

// headerLen is the length of the header as far as it is known.
func (b *boundary) headerLen() int {
	if b.have < 2 {
		return 2
	}
	n := 2
	switch b.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b.header[1]&0x80 != 0 {
		n += 4
	}
	return n
}

func (b *boundary) payloadLen() uint64 {
	switch n := b.header[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(b.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(b.header[2:])
	default:
		return uint64(n)
	}
}
