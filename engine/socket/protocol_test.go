package socket

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// withFirst changes the first byte of a client's frame.
func withFirst(b byte, frame []byte) []byte {
	frame = append([]byte(nil), frame...)
	frame[0] = b
	return frame
}

func TestViolations(t *testing.T) {
	const limit = 1000
	long := []byte(strings.Repeat("x", limit+1))
	half := []byte(strings.Repeat("x", limit*2/3))
	for _, test := range []struct {
		name string
		sent [][]byte
		code engine.CloseCode
	}{
		{"unmasked", [][]byte{TextFrame([]byte("x"))}, 1002},
		{"reserved bit", [][]byte{withFirst(0xc1, masked(TextFrame([]byte("x"))))}, 1002},
		{"reserved data opcode", [][]byte{masked(newFrame(3, []byte("x")))}, 1002},
		{"reserved control opcode", [][]byte{masked(newFrame(11, []byte("x")))}, 1002},
		{"fragmented ping", [][]byte{withFirst(opPing, masked(newFrame(opPing, []byte("x"))))}, 1002},
		{"long ping", [][]byte{masked(newFrame(opPing, make([]byte, 126)))}, 1002},
		{"continuation of nothing", [][]byte{masked(newFrame(0, []byte("x")))}, 1002},
		{"message inside a message", [][]byte{withFirst(opText, masked(TextFrame([]byte("x")))), masked(TextFrame([]byte("y")))}, 1002},
		{"negative length", [][]byte{{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}}, 1002},
		{"negative length, unmasked", [][]byte{{0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0}}, 1002},
		{"huge length", [][]byte{{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}}, 1009},
		{"oversize", [][]byte{masked(TextFrame(long))}, 1009},
		{"oversize in pieces", [][]byte{withFirst(opText, masked(TextFrame(half))), withFirst(0, masked(TextFrame(half)))}, 1009},
		{"text is not UTF-8", [][]byte{masked(TextFrame([]byte("\xff")))}, 1007},
		{"close of one byte", [][]byte{masked(newFrame(opClose, []byte{3}))}, 1002},
		{"close with a code never sent", [][]byte{masked(closeFrame(CloseAbnormal, ""))}, 1002},
		{"close with an unassigned code", [][]byte{masked(closeFrame(2000, ""))}, 1002},
		{"close with a reason not UTF-8", [][]byte{masked(newFrame(opClose, []byte{3, 0xe8, 0xff}))}, 1007},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, c, p, r := one(t, Config{ReadLimit: limit})
			c.Send(TextFrame([]byte("before")))
			p.expect(opText, "before")
			for _, b := range test.sent {
				p.write(b)
			}
			// What the client had under way does not cost it the close frame.
			_, _ = p.Write(make([]byte, 100_000))
			p.expectClose(test.code)
			p.expectEnd()
			_ = p.Close()
			if e := r.end(t, c); e.code != test.code || e.err == nil {
				t.Errorf("closed with %v", e)
			}
			if got := r.got(); len(got) > 0 {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestPeersCloseIsEchoed(t *testing.T) {
	for _, code := range []engine.CloseCode{1000, 1001, 1002, 1003, 1007, 1011, 1012, CloseNoStatus, 3000, 4001, 4999} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			_, c, p, r := one(t, Config{})
			p.write(masked(closeFrame(code, "reason")))
			p.expectClose(code)
			p.expectEnd()
			if e := r.end(t, c); e.code != code || e.err != nil {
				t.Errorf("closed with %v", e)
			}
		})
	}
}

func TestMessageAtTheLimit(t *testing.T) {
	_, _, p, r := one(t, Config{ReadLimit: 1000})
	p.send(strings.Repeat("x", 1000))
	receive(t, r.arrived, "the message")
}

// A client that floods after its violation is cut off all the same.
func TestFloodAfterViolation(t *testing.T) {
	_, c, p, r := one(t, Config{})
	go func() {
		p.Conn.Write([]byte{0xff, 0xff})
		for b := make([]byte, 64<<10); ; {
			if _, err := p.Conn.Write(b); err != nil {
				return
			}
		}
	}()
	r.end(t, c)
	_, _ = io.Copy(io.Discard, p.r)
}

func TestErrFrameLengthIsReported(t *testing.T) {
	_, c, p, r := one(t, Config{})
	p.write([]byte{0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	_ = p.Close()
	if e := r.end(t, c); !errors.Is(e.err, errFrameLength) {
		t.Errorf("closed with %v", e)
	}
}
