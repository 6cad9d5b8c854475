package socket

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Every piece is done once, however many come at once, and of those who did it
// no more than most wait for the next.
func TestCrewDoesEveryPieceOnce(t *testing.T) {
	const pieces, most = 10_000, 8
	var done [pieces]atomic.Int32
	var all sync.WaitGroup
	c := &crew[int]{most: most, work: func(i int) { done[i].Add(1); all.Done() }}
	c.start()
	eventually(t, "all wait", func() bool { return c.waiting() == most })
	all.Add(pieces)
	for i := range pieces {
		c.do(i)
	}
	all.Wait()
	for i := range done {
		if n := done[i].Load(); n != 1 {
			t.Fatalf("piece %d was done %d times", i, n)
		}
	}
	eventually(t, "all wait again", func() bool { return c.waiting() == most })
	c.stop()
	all.Add(1)
	c.do(0) // after stop it is done all the same
	all.Wait()
	eventually(t, "nobody waits", func() bool { return c.waiting() == 0 })
}

func (c *crew[T]) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}
