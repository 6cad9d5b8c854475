package engine

import "testing"

// TestDrainIsSpread: a few leave at once, thousands at the rate, and more than fit
// within the limit.
func TestDrainIsSpread(t *testing.T) {
	for sessions, want := range map[int]int{0: 1, 1: 1, 249: 1, 250: 2, 5000: 21, 9750: 40, 1_000_000: 40} {
		if got := drainSteps(sessions); got != want {
			t.Errorf("%d sessions leave in %d parts, not %d", sessions, got, want)
		}
	}
}
