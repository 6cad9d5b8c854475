package socket

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA

	final    = 0x80 // the FIN bit
	reserved = 0x70 // the RSV bits
	deflated = 0x40 // RSV1, as RFC 7692 uses it
)

const (
	maxControlPayload = 125
	maxReason         = maxControlPayload - 2
)

// Codes of RFC 6455, section 7.4.1, that are reported and never sent.
const (
	CloseNoStatus engine.CloseCode = 1005 // the peer's close frame named no code
	CloseAbnormal engine.CloseCode = 1006 // the connection ended without a close frame
)

// Codes of the same section that only this package sends.
const (
	closeProtocolError  engine.CloseCode = 1002
	closeInvalidPayload engine.CloseCode = 1007
	closeTooLarge       engine.CloseCode = 1009
	closeInternalError  engine.CloseCode = 1011
)

var pingFrame = newFrame(opPing, nil)

// TextFrame returns a complete unfragmented, unmasked text frame. It copies
// the payload, which must be UTF-8. The frame may be sent on any number of
// connections; nobody may change it.
func TextFrame(payload []byte) []byte { return newFrame(opText, payload) }

// BinaryFrame is TextFrame for a binary message.
func BinaryFrame(payload []byte) []byte { return newFrame(opBinary, payload) }

func newFrame(opcode byte, payload []byte) []byte {
	frame := make([]byte, 0, headerSize(len(payload))+len(payload))
	frame = append(frame, final|opcode)
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(n))
	}
	return append(frame, payload...)
}

func headerSize(payload int) int {
	switch {
	case payload < 126:
		return 2
	case payload < 1<<16:
		return 4
	default:
		return 10
	}
}

// closeFrame cuts the reason to what fits. CloseNoStatus gives a frame without a code.
func closeFrame(code engine.CloseCode, reason string) []byte {
	if code == CloseNoStatus {
		return newFrame(opClose, nil)
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	return newFrame(opClose, append(payload, cutReason(reason)...))
}

func cutReason(reason string) string {
	for len(reason) > maxReason || !utf8.ValidString(reason) {
		reason = validPrefix(reason[:min(len(reason), maxReason)])
	}
	return reason
}

func validPrefix(s string) string {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return s[:i]
		}
		i += size
	}
	return s
}
