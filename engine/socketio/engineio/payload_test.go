package engineio

import (
	"bytes"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine/socket"
)

// packetsOf decodes a payload and copies what it says.
func packetsOf(protocol int, isBinary bool, body []byte) (all []packet, err error) {
	err = decodePayload(protocol, isBinary, body, func(p packet) bool {
		p.data = slices.Clone(p.data)
		all = append(all, p)
		return true
	})
	return all, err
}

func (p packet) frame() []byte {
	if p.binary {
		return socket.BinaryFrame(p.data)
	}
	return frameOf(p.kind, string(p.data))
}

// FuzzPayload: no POST panics, text is UTF-8, what is decoded is no more than
// what came, and encoding it again says the same.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"", "4", "4a\x1e4b", "4a\x1ebAQID\x1e1", "b", "6:4hello10:b4AQIDBA==", "3:4😀", "0:", "1:22:4a", "\x1e",
		"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", "\x01\x00\xff", "\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff", "\x00\xff", "99999999999:4"} {
		for _, protocol := range []int{3, 4} {
			f.Add(protocol, false, []byte(seed))
			f.Add(protocol, true, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, protocol int, isBinary bool, body []byte) {
		if protocol != 3 {
			protocol = 4
		}
		all, err := packetsOf(protocol, isBinary, body)
		size := 0
		var frames [][]byte
		for _, p := range all {
			size += len(p.data) + 1
			if !p.binary && !utf8.Valid(p.data) {
				t.Fatalf("text %q", p.data)
			}
			frames = append(frames, p.frame())
		}
		if size > len(body)+1 {
			t.Fatalf("%d bytes out of %d", size, len(body))
		}
		if err != nil || len(all) == 0 {
			return
		}
		again, err := encodePayload(protocol, frames)
		if err != nil {
			t.Fatal(err)
		}
		back, err := packetsOf(protocol, false, again)
		if err != nil || len(back) != len(all) {
			t.Fatalf("%q: %d packets, %v; want %d", again, len(back), err, len(all))
		}
		for i := range all {
			if back[i].kind != all[i].kind || back[i].binary != all[i].binary || !bytes.Equal(back[i].data, all[i].data) {
				t.Fatalf("packet %d is %v, was %v", i, back[i], all[i])
			}
		}
	})
}

// FuzzFrames: nothing panics, and frames that are ours come apart as they were made.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x81, 1, '4'}, []byte("x"), 0)
	f.Add([]byte{0x82, 126, 0, 1, 9}, []byte{}, 70_000)
	f.Add([]byte{0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255}, []byte("y"), 125)
	f.Add([]byte{0x81, 0x81, 0, 0, 0, 0, '4'}, []byte("z"), 126)
	f.Fuzz(func(t *testing.T, wild, piece []byte, repeat int) {
		_, _ = encodePayload(4, [][]byte{wild})
		_, _ = typedFrames(wild)
		large := bytes.Repeat(piece, min(max(repeat, 0), 100_000)/max(len(piece), 1))
		made := slices.Concat(socket.TextFrame(piece), socket.BinaryFrame(large), socket.TextFrame(nil))
		want := [][]byte{piece, large, nil}
		n := 0
		err := eachFrame(made, func(isBinary bool, payload []byte) {
			if isBinary != (n == 1) || !bytes.Equal(payload, want[n]) {
				t.Fatalf("frame %d is %q", n, payload)
			}
			n++
		})
		if err != nil || n != 3 {
			t.Fatalf("%d frames, %v", n, err)
		}
		if err := eachFrame(made[:len(made)-1], func(bool, []byte) {}); err == nil {
			t.Fatal("a frame that is cut short")
		}
	})
}
