package bench

import (
	"encoding/binary"
	"errors"
)

// The client's half of RFC 6455, as much as a load generator needs.

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	final    = 0x80
	maskBit  = 0x80
	maxFrame = 16 << 20 // a server that sends more is broken
)

var errFrame = errors.New("the server broke the WebSocket protocol")

// frame is one frame as it stands in a buffer.
type frame struct {
	op      byte
	final   bool
	payload []byte
}

// nextFrame takes a frame off p. Nothing of it is taken while it is not whole:
// then need is how long p must be before it makes sense to ask again.
func nextFrame(p []byte) (f frame, rest []byte, need int, err error) {
	if len(p) < 2 {
		return f, p, 2, nil
	}
	if p[0]&0x70 != 0 || p[1]&maskBit != 0 {
		return f, p, 0, errFrame
	}
	head, size := 2, uint64(p[1])
	switch size {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	if len(p) < head {
		return f, p, head, nil
	}
	switch head {
	case 4:
		size = uint64(binary.BigEndian.Uint16(p[2:]))
	case 10:
		size = binary.BigEndian.Uint64(p[2:])
	}
	if size > maxFrame {
		return f, p, 0, errFrame
	}
	end := head + int(size)
	if len(p) < end {
		return f, p, end, nil
	}
	return frame{p[0] & 0x0F, p[0]&final != 0, p[head:end]}, p[end:], 0, nil
}

// appendFrame appends a client's frame. RFC 6455 has clients mask what they
// send, against proxies that a page could fool with it; there is no page here
// and the mask is zero, which leaves the bytes as they are.
func appendFrame(p []byte, op byte, payload []byte) []byte {
	p = append(p, final|op)
	switch n := len(payload); {
	case n < 126:
		p = append(p, maskBit|byte(n))
	case n < 1<<16:
		p = binary.BigEndian.AppendUint16(append(p, maskBit|126), uint16(n))
	default:
		p = binary.BigEndian.AppendUint64(append(p, maskBit|127), uint64(n))
	}
	return append(append(p, 0, 0, 0, 0), payload...)
}
