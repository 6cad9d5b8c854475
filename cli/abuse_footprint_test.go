package cli

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// footprint is what this process holds, with the node in it.
type footprint struct {
	goroutines, descriptors int
	heap                    uint64
}

// Bounds of what may be more after an attack: Pebble compacts and keeps tables
// open, and pools keep some buffers.
const (
	moreGoroutines  = 4
	moreDescriptors = 16
	moreHeap        = 16 << 20
)

func takeFootprint(t *testing.T) (f footprint) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("descriptors cannot be counted here: %v", err)
	}
	return footprint{runtime.NumGoroutine(), len(open), m.HeapAlloc}
}

// awaitFootprint waits until no more is held than before.
func awaitFootprint(t *testing.T, before footprint) {
	t.Helper()
	var now footprint
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(forwardTime); ; <-look.C {
		now = takeFootprint(t)
		if now.goroutines <= before.goroutines+moreGoroutines && now.descriptors <= before.descriptors+moreDescriptors && now.heap <= before.heap+moreHeap {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("held %s, and before %s", now, before)
		}
	}
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d bytes", f.goroutines, f.descriptors, f.heap)
}
