package cli

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
)

// staleLine is what one writer does, in order: its writes are numbered, and
// after each the state of every view is recorded.
type staleLine struct {
	x    *stale
	name string
	home int // the node of its writer

	// turn is held for reading by who looks at views of the chapter, so that each
	// answer is judged by the chapter in which it was asked for. Taken before mu.
	turn    sync.RWMutex
	chapter *staleChapter
	opened  chan struct{} // closed with the first

	mu       sync.Mutex
	moved    sync.Cond
	begun    int // the last write that was begun
	acked    int // the last one that was acknowledged
	position string
	seen     []int // the last one that each node is known to have
	did      []string
	looks    int // answers since the last state was recorded
	open     []*staleSight
}

// staleYields is how often a writer lets readers go before, at most, so that a
// write meets their readings at any place.
const staleYields = 40

// staleOpen bounds the answers that wait for a state to be judged by.
const staleOpen = 256

func (x *stale) newLine(name string, home int) *staleLine {
	l := &staleLine{x: x, name: name, home: home, opened: make(chan struct{}), seen: make([]int, x.size.nodes), did: []string{"the beginning"}}
	l.moved.L = &l.mu
	return l
}

// write sends one write, and returns when it has been acknowledged. Readers are
// called to a view of it, nil for none.
func (l *staleLine) write(what string, c staleCall, watched *staleView) (staleAnswer, bool) {
	if watched != nil {
		l.x.begins.call(watched)
		defer l.x.acks.call(watched)
		for range rand.IntN(staleYields) {
			runtime.Gosched()
		}
	}
	l.mu.Lock()
	l.begun++
	l.did = append(l.did, what)
	l.mu.Unlock()
	c.node = l.home
	a, err := l.x.do(c)
	if err != nil || a.status >= 300 || a.position == "" {
		l.x.fail("%s: %s (%s %s) answers %d, %v: %s", l.name, what, c.method, c.path, a.status, err, a.body)
		return a, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked, l.position, l.seen[l.home] = l.begun, a.position, l.begun
	return a, true
}

// rest waits until so many answers of the present state have been given.
func (l *staleLine) rest(looks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.looks < looks && !l.x.over() {
		l.moved.Wait()
	}
}

// begin opens a chapter, whose first state has been recorded, for readers.
func (l *staleLine) begin(c *staleChapter) {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chapter == nil {
		close(l.opened)
	}
	l.chapter, l.looks = c, 0
}

// start returns which write a request to a node may rely on, and what it says to do so.
func (l *staleLine) start(node int, positioned bool) (from int, after string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if positioned || l.seen[node] < l.chapter.first {
		return l.acked, l.position
	}
	return l.seen[node], ""
}

// relied returns what the node is known to have, false if that is too old to judge by.
func (l *staleLine) relied(node int) (from int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[node], l.seen[node] >= l.chapter.first
}

// end returns the last write that may show in an answer that is here.
func (l *staleLine) end() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}

// hold judges a sight, or keeps it until it can be.
func (l *staleLine) hold(s *staleSight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks++
	l.moved.Broadcast()
	if s.after {
		l.seen[s.node] = max(l.seen[s.node], s.from)
	}
	if l.settle(s) {
		return
	}
	for len(l.open) >= staleOpen && !l.x.over() {
		l.moved.Wait()
	}
	if !l.settle(s) {
		l.open = append(l.open, s)
	}
}

// settle tells of a sight that can be judged; false: not yet.
func (l *staleLine) settle(s *staleSight) bool {
	v := s.judge()
	if v == staleUndecided {
		return false
	}
	if n := l.x.tally.judged(s, v); v == staleWrong && n <= staleShown {
		l.x.complain(s.tell())
	}
	return true
}

// resolve judges what waited, after a state has been recorded. Called with mu.
func (l *staleLine) resolve() {
	left := l.open[:0]
	for _, s := range l.open {
		if !l.settle(s) {
			left = append(left, s)
		}
	}
	clear(l.open[len(left):])
	l.open, l.looks = left, 0
	l.moved.Broadcast()
}

// story is what the writes from one to another were.
func (l *staleLine) story(from, to int) (text string) {
	for i := from; i <= to && i < len(l.did); i++ {
		text += fmt.Sprintf("\n  write %d: %s", i, l.did[i])
	}
	return text
}
