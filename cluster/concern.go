package cluster

import (
	"slices"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// How long a write waits for its concern.
const (
	// degradeAfter: with concern one, when peers are linked and none acknowledges.
	degradeAfter = 2 * time.Second
	// lonelyAfter: with concern one, once no peer is linked. A link that breaks and
	// comes back at once degrades nothing.
	lonelyAfter = 500 * time.Millisecond
	// refuseAfter: with concern majority. The write stays, its fate is open.
	refuseAfter = 5 * time.Second
)

// concern answers writes when as many peers as they need have them.
//
// Only what waits is counted against memory: a waiting write is a protocol's
// callback, and protocols bound those of each connection.
type concern struct {
	level engine.Durability

	mu     sync.Mutex
	queue  []waitingWrite // in order of seq
	acked  map[engine.Origin]uint64
	need   int       // peers that must have it, for majority
	seats  int       // members in all, this one included
	lonely time.Time // since when no peer is linked; zero while one is
	closed bool

	waits, degraded, refused uint64
	waited                   time.Duration
}

type waitingWrite struct {
	seq   uint64
	since time.Time
	done  func(engine.Durability, error)
}

func newConcern(level engine.Durability) *concern {
	return &concern{level: level, acked: map[engine.Origin]uint64{}, seats: 1, lonely: time.Unix(1, 0)}
}

// await is engine.Peers' Await.
func (c *concern) await(seq uint64, done func(engine.Durability, error)) {
	c.mu.Lock()
	now := time.Now()
	level, wait := c.levelLocked(seq, now)
	if wait {
		c.queue = append(c.queue, waitingWrite{seq, now, done})
		c.waits++
		if c.closed {
			c.settleAndUnlock()
		} else {
			c.mu.Unlock()
		}
		return
	}
	c.mu.Unlock()
	done(level, nil)
}

// levelLocked returns the level that a write has reached, or that it must wait.
func (c *concern) levelLocked(seq uint64, now time.Time) (level engine.Durability, wait bool) {
	switch {
	case c.level == engine.DurableLocal:
		return engine.DurableLocal, false
	case c.level == engine.DurableMajority:
		return engine.DurableMajority, seq > c.reachedLocked()
	case seq <= c.reachedLocked():
		return engine.DurableOne, false
	case c.seats == 1:
		return engine.DurableLocal, false
	case c.lonelyLocked(now):
		c.degraded++
		return engine.DurableLocal, false
	}
	return "", true
}

func (c *concern) lonelyLocked(now time.Time) bool {
	return !c.lonely.IsZero() && now.Sub(c.lonely) >= lonelyAfter
}

// reachedLocked returns the seq up to which enough peers have this node's events.
func (c *concern) reachedLocked() uint64 {
	need := 1
	if c.level == engine.DurableMajority {
		need = c.need
	}
	if need == 0 {
		return ^uint64(0)
	}
	if len(c.acked) < need {
		return 0
	}
	seqs := make([]uint64, 0, len(c.acked))
	for _, s := range c.acked {
		seqs = append(seqs, s)
	}
	slices.Sort(seqs)
	return seqs[len(seqs)-need]
}

// ack notes that a linked peer has this node's events up to seq.
func (c *concern) ack(peer engine.Origin, seq uint64) {
	c.mu.Lock()
	if have, ok := c.acked[peer]; ok && have == seq {
		c.mu.Unlock()
		return
	}
	c.acked[peer], c.lonely = seq, time.Time{}
	c.settleAndUnlock()
}

// linked tells that a peer's link is up, or that it is down: what the peer has had stays
// its own affair then.
func (c *concern) linked(peer engine.Origin, up bool, seq uint64) {
	c.mu.Lock()
	if up {
		c.acked[peer] = seq
		c.lonely = time.Time{}
	} else if delete(c.acked, peer); len(c.acked) == 0 && c.lonely.IsZero() {
		c.lonely = time.Now()
	}
	c.settleAndUnlock()
}

// members tells how many seats the cluster has, this node included.
func (c *concern) members(seats int) {
	c.mu.Lock()
	c.seats, c.need = seats, seats/2
	c.settleAndUnlock()
}

// tick answers writes that have waited for too long.
func (c *concern) tick() {
	c.mu.Lock()
	c.settleAndUnlock()
}

// settleAndUnlock answers every write whose wait is over, without the lock.
func (c *concern) settleAndUnlock() {
	now, reached := time.Now(), c.reachedLocked()
	var over []waitingWrite
	var levels []engine.Durability
	for len(c.queue) > 0 {
		w := c.queue[0]
		level, ok := c.overLocked(w, reached, now)
		if !ok {
			break
		}
		over, levels = append(over, w), append(levels, level)
		c.waited += now.Sub(w.since)
		c.queue[0] = waitingWrite{}
		c.queue = c.queue[1:]
	}
	if len(c.queue) == 0 {
		c.queue = nil
	}
	c.mu.Unlock()
	for i, w := range over {
		if levels[i] == "" {
			w.done("", errNoMajority)
		} else {
			w.done(levels[i], nil)
		}
	}
}

// overLocked reports whether a write waits no more; the level is empty if it failed.
func (c *concern) overLocked(w waitingWrite, reached uint64, now time.Time) (level engine.Durability, over bool) {
	age := now.Sub(w.since)
	switch {
	case w.seq <= reached:
		return c.level, true
	case c.level == engine.DurableMajority:
		if over = c.closed || age >= refuseAfter; over {
			c.refused++
		}
		return "", over
	case c.closed, c.seats == 1, c.lonelyLocked(now), age >= degradeAfter:
		c.degraded++
		return engine.DurableLocal, true
	}
	return "", false
}

// within reports whether enough peers are linked to reach the concern.
func (c *concern) within() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.level != engine.DurableMajority || len(c.acked) >= c.need {
		return true
	}
	c.refused++
	return false
}

// close answers all that wait.
func (c *concern) close() {
	c.mu.Lock()
	c.closed = true
	c.settleAndUnlock()
}

var errNoMajority = &engine.Error{
	Code:       engine.CodeUnavailable,
	Message:    "most members of the cluster cannot be reached; a write that was begun may still take effect: repeat it with its nonce",
	RetryAfter: time.Second,
}
