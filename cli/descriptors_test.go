package cli

import (
	"testing"
)

func TestConnectionsFor(t *testing.T) {
	for descriptors, want := range map[uint64]int{
		256: 192, 1024: 768, 8192: 6144, 1 << 20: 1<<20 - 2048, 1<<64 - 1: 1<<31 - 1,
	} {
		if got := connectionsFor(descriptors); got != want {
			t.Errorf("connectionsFor(%d) = %d, want %d", descriptors, got, want)
		}
	}
	raised, err := raiseDescriptors()
	again, err2 := raiseDescriptors()
	if err != nil || err2 != nil || raised == 0 || raised != again {
		t.Errorf("raised to %d, %v, then %d, %v", raised, err, again, err2)
	}
}
