package socket

import (
	"sync"
	"time"
)

// Gate has costly work begin in the order in which it came, a few pieces at a
// time, where thousands may come at once: each would have a goroutine, a stack
// that grows and its turns of the processor, and nobody would be served before
// nearly all were. What waits is an entry in a list.
//
// A place is lent. Work that takes longer than that goes on, but does not count
// any more: it waits for a client or a disk rather than for the processor, and
// nobody holds the others up by being slow. So every turn comes, within
// lent / places for each that waits before it.
type Gate struct {
	// Static.
	places int
	lent   time.Duration

	mu      sync.Mutex
	waiting turns
	holding turns // the one whose place ends first is its first
	timer   *time.Timer
	armed   bool // the timer will call lapse
}

// Turn is one piece of work at a Gate, for one Enter.
type Turn struct {
	// Guarded by Gate.mu.
	begin      func()
	list       *turns // that it is in; nil: none
	begun      bool
	until      time.Time
	prev, next *Turn
}

// NewGate returns a gate with so many places, each lent for so long.
func NewGate(places int, lent time.Duration) *Gate {
	return &Gate{places: max(places, 1), lent: lent}
}

// Enter has begin called when it is t's turn: by Enter, by another's Leave, or
// by a timer. It must not block. Every Enter needs its Leave.
func (g *Gate) Enter(t *Turn, begin func()) {
	g.mu.Lock()
	t.begin = begin
	g.waiting.push(t)
	next := g.admitLocked(time.Now())
	g.mu.Unlock()
	run(next)
}

// Leave gives t's place away, or takes t out of those who wait: then it returns
// false, and begin has not been and will not be called. It may be called again.
func (g *Gate) Leave(t *Turn) (begun bool) {
	g.mu.Lock()
	begun = t.begun
	if t.list == nil {
		g.mu.Unlock()
		return begun
	}
	t.list.remove(t)
	next := g.admitLocked(time.Now())
	g.mu.Unlock()
	run(next)
	return begun
}

// Waiting is how many turns have not come yet.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting.count
}

// admitLocked gives the free places to those who wait, and returns them.
func (g *Gate) admitLocked(now time.Time) (next []*Turn) {
	for g.waiting.first != nil && g.holding.count < g.places {
		t := g.waiting.first
		g.waiting.remove(t)
		t.begun, t.until = true, now.Add(g.lent)
		g.holding.push(t)
		next = append(next, t)
	}
	if g.waiting.first != nil && !g.armed {
		g.armLocked(g.holding.first.until.Sub(now))
	}
	return next
}

func (g *Gate) armLocked(after time.Duration) {
	g.armed = true
	if g.timer == nil {
		g.timer = time.AfterFunc(after, g.lapse)
	} else {
		g.timer.Reset(after)
	}
}

// lapse takes back the places that were lent for long enough.
func (g *Gate) lapse() {
	now := time.Now()
	g.mu.Lock()
	g.armed = false
	for t := g.holding.first; t != nil && !t.until.After(now); t = g.holding.first {
		g.holding.remove(t)
	}
	next := g.admitLocked(now)
	g.mu.Unlock()
	run(next)
}

func run(next []*Turn) {
	for _, t := range next {
		t.begin()
	}
}

// turns is a list from which any can leave.
type turns struct {
	first, last *Turn
	count       int
}

func (l *turns) push(t *Turn) {
	t.list, t.prev, t.next = l, l.last, nil
	if l.last == nil {
		l.first = t
	} else {
		l.last.next = t
	}
	l.last = t
	l.count++
}

func (l *turns) remove(t *Turn) {
	if t.prev == nil {
		l.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.list, t.prev, t.next = nil, nil, nil
	l.count--
}
