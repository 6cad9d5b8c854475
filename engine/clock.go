package engine

import (
	"sync"
	"time"
)

// Clock is a hybrid logical clock (Kulkarni et al., "Logical Physical Clocks
// and Consistent Snapshots in Globally Distributed Databases", 2014). Its
// stamps rise strictly, stay near wall time, and lie above every stamp it has
// been shown: what was written after seeing an event sorts after it.
type Clock struct {
	now func() time.Time

	mu   sync.Mutex
	last Stamp
}

// NewClock returns a clock over now, which may jump either way.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Next returns a stamp above all stamps returned or observed before. When the
// 65,536 stamps of a millisecond are used up it runs ahead of the wall.
func (c *Clock) Next() Stamp {
	wall := StampAt(c.now())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last+1, wall)
	return c.last
}

// Observe makes later stamps lie above s.
func (c *Clock) Observe(s Stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, s)
}
