package engine

import "testing"

// I5: what an entry claims holds all entries before it, of every origin, and
// itself only as a whole.
func TestI5PlacesOfEntries(t *testing.T) {
	a, b := Origin(1), Origin(2)
	entries := []*entry{{origin: a, seq: 4}, {origin: a, seq: 5}, {origin: b, seq: 9}, {origin: a, seq: 6}}
	place(entries, Position{}.With(a, 3).With(b, 8))
	for i, want := range []struct{ before, after [2]uint64 }{
		{[2]uint64{3, 8}, [2]uint64{4, 8}}, {[2]uint64{4, 8}, [2]uint64{5, 8}},
		{[2]uint64{5, 8}, [2]uint64{5, 9}}, {[2]uint64{5, 9}, [2]uint64{6, 9}},
	} {
		for whole, w := range map[bool][2]uint64{false: want.before, true: want.after} {
			p := entries[i].reached(whole)
			if got := [2]uint64{p.Seq(a), p.Seq(b)}; got != w {
				t.Errorf("entry %d (whole: %v) claims %v, not %v", i, whole, got, w)
			}
		}
	}
}
