package socket

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Random arming against a map: each connection is looked at in the first tick
// that it was armed for, and never after it was removed.
func TestWheelModel(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		w := newWheel(Config{Now: time.Now}.withDefaults())
		w.tick.Store(1 + rnd.Int64N(1000))
		conns := make([]*Conn, 50)
		due := map[*Conn]int64{}
		for i := range conns {
			conns[i] = new(Conn)
		}
		for range 2_000 {
			c := conns[rnd.IntN(len(conns))]
			now := w.tick.Load()
			switch rnd.IntN(10) {
			case 0:
				w.remove(c)
				delete(due, c)
			case 1, 2:
				to := now + 1 + rnd.Int64N(300)
				w.tick.Store(to)
				for t0 := max(now+1, to-wheelSlots+1); t0 <= to; t0++ {
					for c := w.takeDue(t0, to); c != nil; c = w.takeDue(t0, to) {
						if due[c] == 0 || due[c] > to {
							t.Fatalf("seed %d: due %d, now %d", seed, due[c], to)
						}
						delete(due, c)
					}
				}
				for _, at := range due {
					if at <= to {
						t.Fatalf("seed %d: missed %d, now %d", seed, at, to)
					}
				}
			default:
				at := now + rnd.Int64N(400)
				w.arm(c, at)
				if at = min(max(at, now+1), now+wheelSlots-1); !c.beat.removed && (due[c] == 0 || at < due[c]) {
					due[c] = at
				}
			}
		}
	}
}

func TestResolution(t *testing.T) {
	for _, test := range []struct{ interval, want time.Duration }{
		{0, 500 * time.Millisecond}, // CloseTimeout is the shortest
		{time.Second, 250 * time.Millisecond},
		{time.Millisecond, 10 * time.Millisecond},
	} {
		if got := resolution(Config{HeartbeatInterval: test.interval}.withDefaults()); got != test.want {
			t.Errorf("interval %v: resolution %v", test.interval, got)
		}
	}
	c := Config{CloseTimeout: time.Hour, HeartbeatInterval: time.Hour, HeartbeatTimeout: time.Hour}
	if got := resolution(c.withDefaults()); got != time.Second {
		t.Errorf("resolution %v", got)
	}
}
