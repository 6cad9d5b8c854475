package socket

import (
	"encoding/binary"
	"errors"
)

// errFrameLength is a 64-bit length with its highest bit set, which RFC 6455
// forbids. gws would slice by the negative number and panic.
var errFrameLength = errors.New("frame length has its highest bit set")

// boundary follows a client's stream of frames just far enough to know where
// each frame ends. It judges nothing else: that is gws's part.
type boundary struct {
	header  [14]byte
	have    int    // header bytes gathered
	payload uint64 // bytes of the present frame still to come
}

// atFrame reports whether the stream stands between two frames.
func (b *boundary) atFrame() bool { return b.have == 0 && b.payload == 0 }

// advance takes the next bytes of the stream and returns how many frames end in them.
func (b *boundary) advance(p []byte) (frames int, err error) {
	for len(p) > 0 {
		if b.payload > 0 {
			n := min(b.payload, uint64(len(p)))
			b.payload -= n
			p = p[n:]
		} else {
			b.header[b.have] = p[0]
			b.have++
			p = p[1:]
			if b.have < b.headerLen() {
				continue
			}
			b.have = 0
			if b.payload = b.payloadLen(); b.payload>>63 != 0 {
				return frames, errFrameLength
			}
		}
		if b.payload == 0 {
			frames++
		}
	}
	return frames, nil
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
