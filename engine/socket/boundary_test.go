package socket

import (
	"math/rand/v2"
	"testing"
)

// However a stream is cut into reads, the ends of its frames are where they are.
func TestBoundary(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var stream []byte
		ends := map[int]bool{0: true}
		for range 20 {
			n := []int{0, 1, 125, 126, 127, 1000, 65535, 65536}[rnd.IntN(8)]
			frame := BinaryFrame(make([]byte, n))
			if rnd.IntN(2) > 0 {
				frame = masked(frame)
			}
			stream = append(stream, frame...)
			ends[len(stream)] = true
		}
		var b boundary
		frames := 0
		for at := 0; at < len(stream); {
			if b.atFrame() != ends[at] {
				t.Fatalf("seed %d: at byte %d: atFrame is %v", seed, at, b.atFrame())
			}
			n := min(1+rnd.IntN(20), len(stream)-at)
			if rnd.IntN(3) == 0 {
				n = min(1+rnd.IntN(70_000), len(stream)-at)
			}
			f, err := b.advance(stream[at : at+n])
			if err != nil {
				t.Fatal(err)
			}
			frames += f.frames
			at += n
		}
		if frames != 20 || !b.atFrame() {
			t.Fatalf("seed %d: %d frames", seed, frames)
		}
	}
}

// Control frames between the frames of a message neither end it nor begin one.
func TestBoundaryOfMessages(t *testing.T) {
	var b boundary
	for i, step := range []struct {
		first byte
		whole bool
	}{
		{final | opText, true}, {final | opPing, true},
		{opText, false}, {final | opPing, false}, {0, false}, {final | opPong, false}, {final, true},
		{opBinary, false}, {final, true}, {final | opClose, true},
	} {
		frame := withFirst(step.first, masked(TextFrame([]byte("x"))))
		for _, n := range []int{1, len(frame) - 2} {
			if done, err := b.advance(frame[:n]); err != nil || done != (progress{}) || b.atMessage() {
				t.Fatalf("step %d: %+v, %v inside the frame", i, done, err)
			}
			frame = frame[n:]
		}
		if done, err := b.advance(frame); err != nil || done != (progress{1, step.whole}) || b.atMessage() != step.whole {
			t.Fatalf("step %d: %+v, %v, atMessage %v", i, done, err, b.atMessage())
		}
	}
}

// Where one read ends a message and begins the next, the first has ended.
func TestBoundaryPastTheEndOfAMessage(t *testing.T) {
	var b boundary
	frame := masked(TextFrame([]byte("x")))
	if done, _ := b.advance(append(frame, withFirst(opText, frame)...)); done != (progress{2, true}) || b.atMessage() {
		t.Errorf("%+v, atMessage %v", done, b.atMessage())
	}
}
