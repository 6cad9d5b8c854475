package socket

import (
	"sync"
	"sync/atomic"
	"time"
)

const wheelSlots = 256

// wheel is the one timer of all connections: a ring of slots, one for each
// tick, and in each slot the connections to look at then. Arming, moving and
// removing are O(1), and a frame read costs the wheel nothing: it stores the
// tick, and the wheel finds that out when the connection's turn comes.
//
// Lock order: wheel.mu is held alone, never while a connection is looked at.
type wheel struct {
	// Static after newWheel.
	now        func() time.Time
	start      time.Time
	resolution time.Duration
	quit       chan struct{}

	tick atomic.Int64 // the coarse clock; advanced by the wheel's goroutine

	mu    sync.Mutex
	slots [wheelSlots]*Conn // heads of lists linked by wheelEntry
}

// wheelEntry is a connection's place in the wheel, guarded by wheel.mu.
type wheelEntry struct {
	prev, next *Conn
	due        int64 // 0: in no slot
	removed    bool
}

// never is what a connection answers that needs no further look.
const never int64 = -1

func newWheel(c Config) *wheel {
	return &wheel{
		now:        c.Now,
		start:      c.Now(),
		resolution: resolution(c),
		quit:       make(chan struct{}),
	}
}

// resolution is a second at most, and a fraction of the shortest time to keep.
func resolution(c Config) time.Duration {
	shortest := min(c.HeartbeatInterval, c.HeartbeatTimeout, c.FrameTimeout, c.CloseTimeout)
	return min(max(shortest/4, 10*time.Millisecond), time.Second)
}

// ticks rounds up.
func (w *wheel) ticks(d time.Duration) int64 {
	return int64((d + w.resolution - 1) / w.resolution)
}

func (w *wheel) run() {
	ticker := time.NewTicker(w.resolution)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			w.advance(int64(w.now().Sub(w.start) / w.resolution))
		case <-w.quit:
			return
		}
	}
}

func (w *wheel) stop() { close(w.quit) }

// advance looks at all connections that are due. A jump of the clock goes
// round the ring once at most.
func (w *wheel) advance(to int64) {
	from := w.tick.Load()
	if to <= from {
		return
	}
	w.tick.Store(to)
	for t := max(from+1, to-wheelSlots+1); t <= to; t++ {
		for c := w.takeDue(t, to); c != nil; c = w.takeDue(t, to) {
			w.arm(c, c.look(to))
		}
	}
}

// takeDue removes one connection that is due by now from the slot of tick.
func (w *wheel) takeDue(tick, now int64) *Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := w.slots[tick%wheelSlots]; c != nil; c = c.beat.next {
		if c.beat.due <= now {
			w.unlinkLocked(c)
			return c
		}
	}
	return nil
}

// arm has c looked at in the tick due, or in an earlier one that it is armed for.
func (w *wheel) arm(c *Conn, due int64) {
	if due == never {
		return
	}
	now := w.tick.Load()
	due = min(max(due, now+1), now+wheelSlots-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case c.beat.removed || c.beat.due != 0 && c.beat.due <= due:
		return
	case c.beat.due != 0:
		w.unlinkLocked(c)
	}
	w.linkLocked(c, due)
}

// cutOff has c aborted when its time to close is over.
func (w *wheel) cutOff(c *Conn) {
	by := w.tick.Load() + w.ticks(c.server.config.CloseTimeout) + 1
	c.closeBy.Store(by)
	w.arm(c, by)
}

// awaitWhole has c aborted when the message that has begun is not over in time.
func (w *wheel) awaitWhole(c *Conn) {
	by := w.tick.Load() + w.ticks(c.server.config.FrameTimeout) + 1
	c.wholeBy.Store(by)
	w.arm(c, by)
}

// remove takes c out for good.
func (w *wheel) remove(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.beat.removed = true
	if c.beat.due != 0 {
		w.unlinkLocked(c)
	}
}

func (w *wheel) linkLocked(c *Conn, due int64) {
	slot := &w.slots[due%wheelSlots]
	c.beat.due, c.beat.next = due, *slot
	if c.beat.next != nil {
		c.beat.next.beat.prev = c
	}
	*slot = c
}

func (w *wheel) unlinkLocked(c *Conn) {
	if c.beat.prev == nil {
		w.slots[c.beat.due%wheelSlots] = c.beat.next
	} else {
		c.beat.prev.beat.next = c.beat.next
	}
	if c.beat.next != nil {
		c.beat.next.beat.prev = c.beat.prev
	}
	c.beat = wheelEntry{removed: c.beat.removed}
}
