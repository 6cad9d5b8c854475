package socket

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// begun notes which turns have come, in order.
type begun struct {
	mu   sync.Mutex
	list []int
}

func (b *begun) enter(g *Gate, t *Turn, name int) {
	g.Enter(t, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.list = append(b.list, name)
	})
}

func (b *begun) want(t *testing.T, names ...int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.list, names) {
		t.Fatalf("begun %v, want %v", b.list, names)
	}
}

// TestGateOrder: turns come in the order of Enter, so many at a time, and who
// has left while waiting does not begin.
func TestGateOrder(t *testing.T) {
	var b begun
	var turns [7]Turn
	g := NewGate(2, time.Hour)
	for i := range turns {
		b.enter(g, &turns[i], i)
	}
	b.want(t, 0, 1)
	if g.Waiting() != 5 {
		t.Fatalf("%d wait", g.Waiting())
	}
	for range 2 { // the second gives nothing away
		if g.Leave(&turns[3]) {
			t.Fatal("a turn that had not come had begun")
		}
		if !g.Leave(&turns[1]) {
			t.Fatal("a turn that had come had not begun")
		}
	}
	b.want(t, 0, 1, 2)
	g.Leave(&turns[0])
	b.want(t, 0, 1, 2, 4)
	g.Leave(&turns[6])
	g.Leave(&turns[2])
	g.Leave(&turns[4])
	b.want(t, 0, 1, 2, 4, 5)
	g.Leave(&turns[5])
	if g.Waiting() != 0 || g.holding.count != 0 || g.holding.first != nil || g.waiting.first != nil {
		t.Fatalf("%+v", g)
	}
	if g.Leave(&Turn{}) {
		t.Fatal("a turn that never entered had begun")
	}
}

// TestGateTakesPlacesBack (I6): nobody holds the others up by being slow. What
// lasts longer than its place is lent for goes on, and gives nothing away when it ends.
func TestGateTakesPlacesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b begun
		var turns [6]Turn
		g := NewGate(2, time.Second)
		for i := range turns {
			b.enter(g, &turns[i], i)
		}
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		b.want(t, 0, 1)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.want(t, 0, 1, 2, 3)
		if !g.Leave(&turns[0]) {
			t.Fatal("what went on past its time had not begun")
		}
		b.want(t, 0, 1, 2, 3)
		time.Sleep(time.Second / 2)
		g.Leave(&turns[2])
		b.want(t, 0, 1, 2, 3, 4)
		time.Sleep(time.Second / 2)
		synctest.Wait()
		b.want(t, 0, 1, 2, 3, 4, 5)
		// Nobody waits: nobody's place is taken, and no timer runs for it.
		time.Sleep(time.Hour)
		synctest.Wait()
		if g.armed || g.holding.count != 2 {
			t.Fatalf("%d hold places, armed %v", g.holding.count, g.armed)
		}
		var late Turn
		b.enter(g, &late, 9)
		synctest.Wait()
		b.want(t, 0, 1, 2, 3, 4, 5, 9)
	})
}

// TestGateWakesAll attacks lost wake-ups: many enter, leave early or late, from
// many goroutines; each turn that nobody took back comes, once.
func TestGateWakesAll(t *testing.T) {
	const crowd, places = 20_000, 4
	g := NewGate(places, time.Minute)
	var came atomic.Int64
	var all, workers sync.WaitGroup
	all.Add(crowd)
	var gaveUp atomic.Int64
	const crowders = 8
	for range crowders {
		workers.Go(func() {
			for range crowd / crowders {
				turn := new(Turn)
				g.Enter(turn, func() {
					came.Add(1)
					go func() {
						defer all.Done()
						g.Leave(turn)
					}()
				})
				if rand.N(4) == 0 && !g.Leave(turn) {
					gaveUp.Add(1)
					all.Done()
				}
			}
		})
	}
	workers.Wait()
	all.Wait()
	if n := came.Load() + gaveUp.Load(); n != crowd || g.Waiting() != 0 {
		t.Errorf("%d came and %d gave up of %d; %d wait", came.Load(), gaveUp.Load(), crowd, g.Waiting())
	}
	if g.holding.count != 0 {
		t.Errorf("%d places are held by nobody", g.holding.count)
	}
}

// TestGateWakesAllWhoWaitForTheSlow: the same with work that never ends, whose
// places come back by time alone.
func TestGateWakesAllWhoWaitForTheSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const crowd, places = 1000, 4
		g := NewGate(places, time.Millisecond)
		var came atomic.Int64
		for range crowd {
			g.Enter(new(Turn), func() { came.Add(1) })
		}
		start := time.Now()
		time.Sleep(crowd / places * time.Millisecond)
		synctest.Wait()
		if came.Load() != crowd || g.Waiting() != 0 {
			t.Errorf("%d of %d came in %s", came.Load(), crowd, time.Since(start))
		}
	})
}
