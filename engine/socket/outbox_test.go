package socket

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// Random operations against a plain list of frames: whole frames in order,
// the count of bytes exact, the role handed on as the contract says.
func TestOutboxModel(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		b := outbox{bound: 4_000}
		var want, got []byte
		var ends []int // of the frames in want
		writing, buf := false, make([]byte, 300)
		note := func(v verdict, frame []byte) {
			if v == wake && writing {
				t.Fatalf("seed %d: two writers", seed)
			}
			writing = writing || v == wake
			if v == wake || v == queued {
				want = append(want, frame...)
				ends = append(ends, len(want))
			}
		}
		for i := range 300 {
			if rnd.IntN(3) > 0 {
				frame := bytes.Repeat([]byte{byte(i)}, 1+rnd.IntN(400))
				note(b.push(frame), frame)
			}
			if writing && rnd.IntN(2) > 0 {
				data := b.next(buf)
				n := rnd.IntN(len(data) + 1)
				got = append(got, data[:n]...)
				_, writing = b.wrote(n)
			}
			if b.queuedBytes() > b.bound {
				t.Fatalf("seed %d: %d bytes queued", seed, b.queuedBytes())
			}
			if writing != (len(want) > len(got)) {
				t.Fatalf("seed %d: writing is %v with %d bytes to go", seed, writing, len(want)-len(got))
			}
		}
		drop := rnd.IntN(2) > 0
		var taken []byte // in the writer's hand while the outbox closes
		if writing && rnd.IntN(2) > 0 {
			taken = slices.Clone(b.next(buf))
		}
		if drop { // all but the frames begun
			begun := len(got) + len(taken)
			i, exact := slices.BinarySearch(ends, begun)
			switch {
			case begun == 0:
				want = nil
			case exact:
				want = want[:begun]
			default:
				want = want[:ends[i]]
			}
		}
		last := closeFrame(4008, "too slow")
		note(b.close(last, drop), last)
		if b.close(last, drop) != refused || b.push(last) != refused || b.pushPong(nil) != refused || b.pushPing() != refused {
			t.Fatalf("seed %d: taken after close", seed)
		}
		if taken != nil {
			n := rnd.IntN(len(taken) + 1)
			got = append(got, taken[:n]...)
			_, writing = b.wrote(n)
		}
		for writing {
			data := b.next(buf)
			n := rnd.IntN(len(data) + 1)
			got = append(got, data[:n]...)
			_, writing = b.wrote(n)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("seed %d, drop %v: %d bytes written, want %d", seed, drop, len(got), len(want))
		}
		if b.queuedBytes() != 0 || b.frames != (queue{}) {
			t.Fatalf("seed %d: something is left", seed)
		}
		select {
		case <-b.whenFinished():
		default:
			t.Fatalf("seed %d: not finished", seed)
		}
	}
}

// I6: pings and pongs wait in places of their own, one each.
func TestI6ControlsDoNotPileUp(t *testing.T) {
	b := outbox{bound: 1_000}
	if b.push(make([]byte, 900)) != wake {
		t.Fatal("not the writer")
	}
	b.next(make([]byte, 64))
	for range 1_000 {
		b.pushPing()
		b.pushPong([]byte("old"))
	}
	b.pushPong([]byte("new"))
	if q := b.queuedBytes(); q != 900+frameOverhead {
		t.Errorf("%d bytes queued", q)
	}
	b.wrote(900)
	got := b.next(make([]byte, 64))
	if want := slices.Concat(newFrame(opPong, []byte("new")), pingFrame); !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestKill(t *testing.T) {
	b := outbox{bound: 1_000}
	b.push([]byte("frame"))
	data := b.next(nil)
	finished, drained := b.whenFinished(), b.whenDrained()
	if !b.kill() || b.kill() {
		t.Error("kill misreports what is unsent")
	}
	<-finished
	<-drained
	if frames, more := b.wrote(len(data)); frames != 0 || more || b.next(nil) != nil || b.push(nil) != refused {
		t.Error("a dead outbox lives")
	}
}

// A timed frame is told of when its last byte is written, once, and never if it is dropped.
func TestTimedFrame(t *testing.T) {
	told := 0
	written := func() { told++ }
	b := outbox{bound: 1_000}
	b.push([]byte("before"))
	b.pushTimed([]byte("timed"), written)
	b.pushTimed([]byte("untimed"), func() { t.Error("a second frame was timed") })
	b.next(make([]byte, 64))
	if b.wrote(len("before") + 4); told != 0 {
		t.Fatal("told before the last byte")
	}
	b.next(make([]byte, 64))
	if b.wrote(1); told != 1 {
		t.Fatalf("told %d times at the last byte", told)
	}
	b.next(make([]byte, 64))
	if _, more := b.wrote(len("untimed")); more || told != 1 {
		t.Fatalf("told %d times, more %v", told, more)
	}
	for name, drop := range map[string]func(*outbox){
		"close": func(b *outbox) { b.close([]byte("close"), true); b.next(nil); b.wrote(5) },
		"kill":  func(b *outbox) { b.kill() },
	} {
		b := outbox{bound: 1_000}
		b.pushTimed([]byte("timed"), func() { t.Errorf("%s: told of a dropped frame", name) })
		drop(&b)
		if b.written != nil {
			t.Errorf("%s: the frame is still timed", name)
		}
	}
}
