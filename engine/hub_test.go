package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

type plainWire struct{}

func (plainWire) Encode(v any) []byte { return fmt.Append(nil, v) }

// missedByScan is missedLocked as its comment defines it, entry by entry from the ring's beginning.
func missedByScan(h *hub, s *Session, from Position) (missed []*entry, ok bool) {
	user, rooms := s.identity.User, slices.Clone(s.start)
	begun, size := false, 0
	for _, en := range h.ring {
		if en.seq <= from.Seq(en.origin) {
			if begun {
				return nil, false
			}
			continue
		}
		begun = true
		if slices.Contains(en.joined, user) {
			rooms = append(rooms, en.room)
		}
		mine := slices.Contains(rooms, en.room) || slices.Contains(en.joined, user) || slices.Contains(en.left, user) ||
			(en.revoke != nil && en.revoke.user == user)
		for _, d := range en.deliveries {
			mine = mine || d.user == user || slices.Contains(rooms, d.room)
		}
		if mine {
			missed = append(missed, en)
			if size += h.sizeLocked(s, en); size > attachBytes {
				return nil, false
			}
		}
	}
	return missed, true
}

// TestMissedIsWhatAScanFinds (I5): looking only at the end of the ring finds what
// a scan of it all would, and refuses what that would, whatever the order in
// which the events of several nodes came.
func TestMissedIsWhatAScanFinds(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	id := func(n int) ID { return ID{15: byte(1 + rng.IntN(n))} }
	ids := func(n int) (list []ID) {
		for range rng.IntN(3) {
			list = append(list, id(n))
		}
		return list
	}
	served, refused := 0, 0
	for range 4000 {
		h := &hub{ringMax: 1 + rng.IntN(30)}
		origins := 1 + rng.IntN(3)
		for range rng.IntN(40) {
			o := Origin(1 + rng.IntN(origins))
			en := &entry{origin: o, seq: h.position.Seq(o) + 1, size: 1, room: id(4)}
			if rng.IntN(20) == 0 {
				en.room = ID{} // of no room
			}
			switch rng.IntN(8) {
			case 0:
				en.joined = ids(3)
			case 1:
				en.left = ids(3)
			case 2:
				en.revoke = &revocation{user: id(3)}
			case 3:
				en.deliveries = []delivery{{user: id(3), notice: "to a user"}}
			case 4: // an effect in another room
				en.deliveries = []delivery{{room: en.room, notice: "a"}, {room: id(4), notice: "b"}}
			case 5:
				en.deliveries = []delivery{{room: en.room, notice: string(make([]byte, rng.IntN(attachBytes/2)))}}
			}
			h.remember(en)
			h.position = h.position.With(o, en.seq)
		}
		from := h.base
		for o, seq := range h.position.All() {
			have := h.base.Seq(o)
			from = from.With(o, max(have, seq-min(seq, rng.Uint64N(4))))
			switch rng.IntN(6) {
			case 0, 1:
				from = from.With(o, have+rng.Uint64N(seq-have+1))
			case 2: // ahead: seen on another node, and not here yet
				from = from.With(o, seq+1+rng.Uint64N(5))
			}
		}
		s := &Session{identity: &Identity{User: id(3)}, start: ids(4), wire: plainWire{}}
		want, wantOK := missedByScan(h, s, from)
		got, ok := h.missedLocked(s, from)
		if ok != wantOK || !slices.Equal(got, want) {
			t.Fatalf("I5 (seed %d): %d entries, %v; the scan has %d, %v", seed, len(got), ok, len(want), wantOK)
		}
		if ok {
			served++
		} else {
			refused++
		}
	}
	if served < 500 || refused < 500 {
		t.Errorf("%d served and %d refused: the test attacks too little", served, refused)
	}
}

// I6: positions of hundreds of origins do not add up to more than a bound, and
// places that are left are given back.
func TestI6WaitersAreBoundedByWhatTheyName(t *testing.T) {
	h := &hub{waiters: map[*waiter]struct{}{}}
	var huge Position
	for o := range Origin(250) {
		huge = huge.With(o+1, 1<<60)
	}
	const crowd, places = 400, maxWaiterMarks / 250
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan error, crowd)
		for range crowd {
			go func() { answers <- h.waitFor(ctx, huge) }()
		}
		for range crowd - places {
			if err := <-answers; !errors.Is(err, ErrNotCaughtUp) {
				t.Fatal(err)
			}
		}
		h.mu.Lock()
		if len(h.waiters) != places || h.waiting != places*250 {
			t.Errorf("%d wait, for %d marks", len(h.waiters), h.waiting)
		}
		h.mu.Unlock()
		cancel()
		for range places {
			<-answers
		}
	}
	// What is here already is not counted.
	h.position = huge.With(1, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.waitFor(ctx, huge) }()
	for waiting := 0; waiting == 0; {
		h.mu.Lock()
		waiting = len(h.waiters)
		if waiting > 0 && h.waiting != 1 {
			t.Errorf("waits for %d marks", h.waiting)
		}
		h.mu.Unlock()
	}
	h.mu.Lock()
	h.advanceLocked(huge)
	h.mu.Unlock()
	if err := <-done; err != nil || h.waiting != 0 {
		t.Errorf("%v, %d marks left", err, h.waiting)
	}
	cancel()
}
