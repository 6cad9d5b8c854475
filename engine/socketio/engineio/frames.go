package engineio

import (
	"encoding/binary"
	"errors"

	"github.com/klatch-chat/klatch/engine/socket"
)

var errFrame = errors.New("not a server's plain WebSocket frame")

// The only first bytes of frames that may be sent: one whole message, as it is.
const (
	textFrame   = 0x81
	binaryFrame = 0x82
)

// nextFrame takes the first frame off frames.
func nextFrame(frames []byte) (isBinary bool, payload, rest []byte, err error) {
	if len(frames) < 2 || frames[0] != textFrame && frames[0] != binaryFrame {
		return false, nil, nil, errFrame
	}
	header, length := 2, uint64(frames[1])
	switch {
	case length == 126 && len(frames) >= 4:
		header, length = 4, uint64(binary.BigEndian.Uint16(frames[2:]))
	case length == 127 && len(frames) >= 10:
		header, length = 10, binary.BigEndian.Uint64(frames[2:])
	case length >= 126:
		return false, nil, nil, errFrame // cut short, or masked
	}
	if length > uint64(len(frames)-header) {
		return false, nil, nil, errFrame
	}
	end := header + int(length)
	return frames[0] == binaryFrame, frames[header:end], frames[end:], nil
}

// eachFrame calls f for every frame of frames.
func eachFrame(frames []byte, f func(isBinary bool, payload []byte)) error {
	for len(frames) > 0 {
		isBinary, payload, rest, err := nextFrame(frames)
		if err != nil {
			return err
		}
		f(isBinary, payload)
		frames = rest
	}
	return nil
}

// typedFrames gives binary frames the packet type that Engine.IO v3 has in
// front of them. Frames without binary ones are returned as they are.
func typedFrames(frames []byte) ([]byte, error) {
	plain := true
	if err := eachFrame(frames, func(isBinary bool, _ []byte) { plain = plain && !isBinary }); err != nil || plain {
		return frames, err
	}
	var typed []byte
	err := eachFrame(frames, func(isBinary bool, payload []byte) {
		if isBinary {
			typed = append(typed, socket.BinaryFrame(append([]byte{byte(typeMessage - '0')}, payload...))...)
		} else {
			typed = append(typed, socket.TextFrame(payload)...)
		}
	})
	return typed, err
}
