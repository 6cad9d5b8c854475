package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestContested (I3): each event that claims a name that another has says so,
// and no other event does.
func TestContested(t *testing.T) {
	seen := 0
	for round := range max(*histories/10, 4) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(round), 50))
			w := newWorld(uint64(round), 3, 80, 0)
			s := openMem(t, vfs.NewMem())
			defer s.Close()
			tx, err := s.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Discard()
			pos, before := engine.Position{}, newOracle(nil)
			for !pos.Equal(w.end()) {
				o := w.origins[rng.IntN(len(w.origins))]
				if pos.Seq(o) == w.end().Seq(o) {
					continue
				}
				e := *w.logs[o][pos.Seq(o)]
				pos = pos.With(o, e.Seq)
				after := newOracle(w.upTo(pos))
				_, effects, err := tx.Append(&e)
				if err != nil {
					t.Fatal(err)
				}
				want := contested(before, after, &e)
				if effects.Contested != want {
					t.Fatalf("I3: event %s/%d of kind %d: contested %q, want %q", o, e.Seq, e.Kind, effects.Contested, want)
				}
				if before = after; want != "" {
					seen++
				}
			}
		})
	}
	if seen < 4 {
		t.Errorf("%d contested: the test attacks nothing", seen)
	}
}
