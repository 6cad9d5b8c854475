package engine

import (
	"bytes"
	"testing"
	"time"
)

func TestEventBinaryRoundTrips(t *testing.T) {
	e := &Event{Origin: 7, Seq: 9, Stamp: 11, Kind: 200, Room: ID{1}, User: ID{2}, Data: []byte("kept as it is")}
	b, _ := e.AppendBinary(nil)
	got, err := ParseEvent(b)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := got.AppendBinary(nil)
	if !bytes.Equal(b, again) || got.ID() != e.ID() {
		t.Errorf("%+v reads back as %+v", e, got)
	}
}

func FuzzParseEvent(f *testing.F) {
	b, _ := (&Event{Origin: 1, Seq: 1, Stamp: 1, Kind: KindPosted}).AppendBinary(nil)
	f.Add(b)
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEvent(b)
		if err != nil {
			return
		}
		if again, _ := e.AppendBinary(nil); !bytes.Equal(b, again) {
			t.Errorf("%x reads back as %x", b, again)
		}
	})
}

// I4: stamps rise whatever the wall clock does, and lie above what was observed.
func TestClockRises(t *testing.T) {
	wall := time.UnixMilli(1_700_000_000_000)
	c := NewClock(func() time.Time { return wall })
	last := c.Next()
	step := func(what string) {
		t.Helper()
		next := c.Next()
		if next <= last {
			t.Fatalf("%s: %d after %d", what, next, last)
		}
		last = next
	}
	step("same millisecond")
	wall = wall.Add(-time.Hour)
	step("wall went back")
	c.Observe(last + 1000)
	last += 1000
	step("after observing")
	for range 1 << 17 {
		step("more than a millisecond's counter")
	}
	wall = wall.Add(2 * time.Hour)
	step("wall went on")
	if got, want := last.Time(), Time(wall.UnixMilli()); got != want {
		t.Errorf("the stamp's time is %d, the wall's %d", got, want)
	}
}
