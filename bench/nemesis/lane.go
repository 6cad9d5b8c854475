package nemesis

import (
	"sync"
	"time"
)

// lane carries packets in one direction between two nodes and does to them what
// its rule says. Packets never overtake each other. What waits is bounded in
// bytes; past the bound packets are dropped, as a router does.
type lane struct {
	deliver func([]byte) // does not keep the packet

	mu      sync.Mutex
	rule    Rule
	waiting []packet
	bytes   int
	moving  bool // run delivers a packet that is not in waiting any more
	dropped uint64

	wake    chan struct{} // holds one: there is a first packet
	stop    chan struct{}
	stopped chan struct{}
}

type packet struct {
	due  time.Time
	data []byte
}

// laneBytes bounds what waits in a lane: at 300 ms of delay some 3 MB/s.
const laneBytes = 1 << 20

func newLane(deliver func([]byte)) *lane {
	l := &lane{deliver: deliver, wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go l.run()
	return l
}

func (l *lane) close() {
	close(l.stop)
	<-l.stopped
}

func (l *lane) set(r Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rule = r
}

// send takes a packet, which the caller may use again when it returns.
func (l *lane) send(p []byte) {
	if l.admit(p) {
		l.deliver(p)
	}
}

// admit reports whether a packet can go at once; if not, it waits or is lost.
func (l *lane) admit(p []byte) (now bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.rule.late()
	switch {
	case l.rule.lost():
		return false
	case late == 0 && len(l.waiting) == 0 && !l.moving:
		return true
	case l.bytes+len(p) > laneBytes:
		l.dropped++
		return false
	}
	due := time.Now().Add(late)
	if n := len(l.waiting); n > 0 && due.Before(l.waiting[n-1].due) {
		due = l.waiting[n-1].due
	}
	l.waiting = append(l.waiting, packet{due, append([]byte(nil), p...)})
	l.bytes += len(p)
	if len(l.waiting) == 1 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return false
}

func (l *lane) run() {
	defer close(l.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p, wait, ok := l.first()
		switch {
		case !ok:
			select {
			case <-l.wake:
			case <-l.stop:
				return
			}
		case wait > 0:
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-l.stop:
				return
			}
		default:
			l.deliver(p)
			l.moved()
		}
	}
}

// first takes the packet whose turn it is, or says how long until then.
func (l *lane) first() (p []byte, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil
		return nil, 0, false
	}
	head := l.waiting[0]
	if wait = time.Until(head.due); wait > 0 {
		return nil, wait, true
	}
	l.waiting = l.waiting[1:]
	l.bytes -= len(head.data)
	l.moving = true
	return head.data, 0, true
}

func (l *lane) moved() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moving = false
}
