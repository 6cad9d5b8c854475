package cluster

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

func events(origin engine.Origin, first, n uint64, size int) (all []*engine.Event) {
	for i := range n {
		all = append(all, &engine.Event{Origin: origin, Seq: first + i, Stamp: engine.Stamp(first + i), Kind: 99, Data: make([]byte, size)})
	}
	return all
}

func TestI2TailIsContiguous(t *testing.T) {
	var tl tail
	if _, _, _, ok := tl.appendTo(nil, 1, eventsFrame); ok {
		t.Error("an empty tail has something")
	}
	tl.add(events(1, 1, 10, 100))
	frame, last, n, ok := tl.appendTo([]byte{byte(frameEvents)}, 4, eventsFrame)
	if !ok || last != 10 || n != 7 {
		t.Fatalf("%d events up to %d, %v", n, last, ok)
	}
	evs, err := parseEvents(frame[1:])
	if err != nil || len(evs) != 7 || evs[0].Seq != 4 || evs[6].Seq != 10 {
		t.Fatalf("%v, %v", evs, err)
	}
	if _, _, _, ok := tl.appendTo(nil, 11, eventsFrame); ok {
		t.Error("the future is there")
	}
	tl.add(events(1, 20, 3, 100)) // not what comes next: nothing before it counts
	if _, _, _, ok := tl.appendTo(nil, 10, eventsFrame); ok {
		t.Error("a gap was passed over")
	}
	if _, last, _, ok := tl.appendTo(nil, 20, eventsFrame); !ok || last != 22 {
		t.Error("the new events are not there")
	}
}

func TestI6TailIsBounded(t *testing.T) {
	var tl tail
	for seq := uint64(1); seq < 100_000; seq += 1000 {
		tl.add(events(1, seq, 1000, 1000))
		if tl.size > tailBytes {
			t.Fatalf("%d bytes", tl.size)
		}
	}
	if _, last, _, ok := tl.appendTo(nil, tl.first, 1); !ok || last != tl.first {
		t.Error("one event must always fit")
	}
}

func TestSenderWindowAndTurns(t *testing.T) {
	s := sender{wants: map[engine.Origin]uint64{}}
	pos := engine.Position{}.With(1, 100).With(2, 100)
	if _, _, ok := s.next(pos); ok {
		t.Error("sends what nobody wants")
	}
	s.want(want{Origin: 1, After: 90})
	s.want(want{Origin: 2, After: 95})
	o, after, ok := s.next(pos)
	if !ok || o != 1 || after != 90 {
		t.Fatal(o, after, ok)
	}
	s.sent(1, 90, 95, window/2)
	if o, after, _ = s.next(pos); o != 2 || after != 95 {
		t.Fatal("no turns", o, after)
	}
	s.sent(2, 95, 100, window/2)
	if _, _, ok := s.next(pos); ok {
		t.Fatal("past the window")
	}
	if s.acknowledge(engine.Position{}.With(1, 94)) {
		t.Fatal("half a frame opened the window")
	}
	if !s.acknowledge(engine.Position{}.With(1, 95)) {
		t.Fatal("the ack did not open it")
	}
	if s.sent(1, 90, 99, 1) {
		t.Error("counted a frame that the peer has moved away from")
	}
	s.want(want{Origin: 2, After: 95}) // again: what is in flight was lost
	if s.inFlight != 0 || len(s.flight) != 0 {
		t.Error("lost frames hold the window", s.inFlight)
	}
	s.want(want{Origin: 2, Stop: true})
	s.want(want{Origin: 1, Stop: true})
	if _, _, ok := s.next(pos); ok {
		t.Error("sends what is no longer wanted")
	}
}

func TestRoster(t *testing.T) {
	a, b := roster{}, roster{}
	a.sit(1, "a:1", "")
	b.sit(2, "b:1", "")
	if !a.merge(b.list()) || !b.merge(a.list()) || a.merge(b.list()) {
		t.Error("they did not meet")
	}
	if err := a.rise(2); err != nil || a.seats() != 1 {
		t.Error(err)
	}
	if err := a.rise(3); err == nil {
		t.Error("a stranger has left")
	}
	if !b.merge(a.list()) || b.seats() != 1 {
		t.Error("b does not know that it has left")
	}
	if b.sit(2, "b:2", ""); !a.merge(b.list()) || a.seats() != 2 || a[2].Address != "b:2" {
		t.Error("a does not know that it is back")
	}
	r, err := parseRoster(encodeRoster(a))
	if err != nil || r.seats() != 2 || r[2] != a[2] {
		t.Error(r, err)
	}
}

// FuzzFrames: no frame of a peer may do more than end its link.
func FuzzFrames(f *testing.F) {
	var tl tail
	tl.add(events(1, 1, 3, 10))
	frame, _, _, _ := tl.appendTo(nil, 1, eventsFrame)
	f.Add(byte(frameEvents), frame)
	f.Add(byte(frameHello), encodeFrame(frameHello, hello{Oldest: 1, Newest: 1, Origin: 3})[1:])
	f.Add(byte(frameWant), encodeFrame(frameWant, want{Origin: 3, After: 7})[1:])
	f.Add(byte(framePosition), encodeFrame(framePosition, status{})[1:])
	f.Add(byte(frameRoster), encodeRoster(roster{}))
	f.Add(byte(frameRelay), encodeFrame(frameRelay, relay{Type: "signal", Data: map[string]any{"a": []any{1, "b"}}})[1:])
	f.Add(byte(frameEvents), binary.AppendUvarint(nil, 1<<62))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		keep := bytes.Clone(body)
		var h hello
		var w want
		var s status
		var r relay
		if decodeFrame(body, &h) == nil {
			_, _ = engine.ParsePosition(h.Position)
		}
		_ = decodeFrame(body, &w)
		_ = decodeFrame(body, &s)
		_ = decodeFrame(body, &r)
		if ro, err := parseRoster(body); err == nil && len(ro) > maxSeats {
			t.Errorf("%d seats", len(ro))
		}
		if evs, err := parseEvents(body); err == nil {
			var again []byte
			for _, e := range evs {
				b, err := e.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				again = appendEvent(again, b)
			}
			if len(again) > len(body) {
				t.Errorf("%d bytes of %d", len(again), len(body))
			}
		}
		if !bytes.Equal(keep, body) {
			t.Error("the frame was changed")
		}
	})
}
