package bench

import (
	"os"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	m := NewMeter([]int{os.Getpid(), -1})
	own := ownCPU()
	for ownCPU() < own+0.2 { // some work, in whole clock ticks
	}
	u := m.Usage()
	if u.CPU < 0.1 || u.CPU > ownCPU()-own+0.1 || u.Seconds < 0.05 || u.MaxMiB < 1 || u.EndMiB > u.MaxMiB || u.Steal < 0 || u.Idle < 0 {
		t.Errorf("%+v after %s of work", u, time.Duration((ownCPU()-own)*float64(time.Second)))
	}
}
