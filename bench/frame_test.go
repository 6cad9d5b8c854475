package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// serverFrame is a frame as a server writes it: unmasked.
func serverFrame(first byte, payload []byte) []byte {
	p := []byte{first}
	switch n := len(payload); {
	case n < 126:
		p = append(p, byte(n))
	case n < 1<<16:
		p = binary.BigEndian.AppendUint16(append(p, 126), uint16(n))
	default:
		p = binary.BigEndian.AppendUint64(append(p, 127), uint64(n))
	}
	return append(p, payload...)
}

// A frame is found whole or not at all wherever what has come is cut, and what
// is asked for meanwhile is never more than the frame.
func TestNextFrameOnEveryCut(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		payload := bytes.Repeat([]byte{'a'}, size)
		whole := serverFrame(final|opText, payload)
		for cut := 0; cut < len(whole); cut += max(1, min(len(whole)/200, len(whole)-cut-1)) {
			f, rest, need, err := nextFrame(whole[:cut])
			if err != nil || need <= cut || need > len(whole) || len(rest) != cut || f.payload != nil {
				t.Fatalf("%d bytes of payload cut at %d: %v, %d left, need %d, %v", size, cut, f, len(rest), need, err)
			}
		}
		f, rest, need, err := nextFrame(append(whole, 1, 2, 3))
		if err != nil || need != 0 || f.op != opText || !f.final || !bytes.Equal(f.payload, payload) || !bytes.Equal(rest, []byte{1, 2, 3}) {
			t.Errorf("%d bytes of payload: op %d, %d bytes, %d left, need %d, %v", size, f.op, len(f.payload), len(rest), need, err)
		}
	}
}

func TestNextFrameRefusesWhatNoServerMaySend(t *testing.T) {
	length := func(n uint64) []byte {
		return binary.BigEndian.AppendUint64([]byte{final | opBinary, 127}, n)
	}
	for name, p := range map[string][]byte{
		"a reserved bit":         {final | 0x40 | opText, 0},
		"a masked frame":         {final | opText, maskBit | 1, 0, 0, 0, 0, 'a'},
		"a byte above the bound": length(maxFrame + 1),
		"the highest length":     length(1<<64 - 1),
		"a negative int":         length(1 << 63),
	} {
		if _, _, _, err := nextFrame(p); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, need, err := nextFrame(length(maxFrame)); err != nil || need != maxFrame+10 {
		t.Errorf("the longest frame: need %d, %v", need, err)
	}
}

// What appendFrame writes is a server's frame but for mask bit and mask.
func TestAppendFrame(t *testing.T) {
	for _, size := range []int{0, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte{'b'}, size)
		want := serverFrame(final|opBinary, payload)
		want[1] |= maskBit
		head := len(want) - size
		want = append(want[:head:head], append(make([]byte, 4), payload...)...)
		if got := appendFrame([]byte("before"), opBinary, payload); !bytes.Equal(got, append([]byte("before"), want...)) {
			t.Errorf("%d bytes: %x...", size, got[:20])
		}
	}
}

func FuzzNextFrame(f *testing.F) {
	f.Add(serverFrame(final|opText, []byte("hello")))
	f.Add(serverFrame(opText, make([]byte, 200)))
	f.Add([]byte{final | opPing, 127, 0, 0, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		frame, rest, need, err := nextFrame(p)
		switch {
		case err != nil || need > 0:
			if len(rest) != len(p) || need > 0 && need <= len(p) || need > maxFrame+10 {
				t.Fatalf("%x: %d left, need %d, %v", p, len(rest), need, err)
			}
		case len(frame.payload)+len(rest) > len(p)-2:
			t.Fatalf("%x: more came out than went in", p)
		}
	})
}
