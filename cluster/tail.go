package cluster

import (
	"sync"

	"github.com/klatch-chat/klatch/engine"
)

// tailBytes bounds the events kept in memory for links. Past it the oldest go, and
// who still needs them reads the log.
const tailBytes = 8 << 20

// tail is the newest events of this node, encoded once, for all links.
type tail struct {
	mu     sync.Mutex
	first  uint64 // seq of events[0]
	events [][]byte
	size   int
}

// add takes what was committed, in order of seq.
func (t *tail) add(events []*engine.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range events {
		if e.Seq != t.first+uint64(len(t.events)) {
			t.first, t.events, t.size = e.Seq, nil, 0
		}
		b, err := e.AppendBinary(make([]byte, 0, engine.EventHeaderSize+len(e.Data)))
		if err != nil {
			continue // it cannot fail; the gap would send readers to the log
		}
		t.events = append(t.events, b)
		t.size += len(b)
	}
	drop := 0
	for t.size > tailBytes && drop < len(t.events) {
		t.size -= len(t.events[drop])
		t.events[drop] = nil
		drop++
	}
	t.events = t.events[drop:]
	t.first += uint64(drop)
}

// appendTo adds events from seq on to a frame, up to a size, and returns the
// last one's seq. It is not ok when the tail does not reach back that far.
func (t *tail) appendTo(frame []byte, seq uint64, limit int) (_ []byte, last uint64, n int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq < t.first || len(t.events) == 0 || seq >= t.first+uint64(len(t.events)) {
		return frame, 0, 0, false
	}
	for _, b := range t.events[seq-t.first:] {
		if n > 0 && len(frame)+len(b) > limit {
			break
		}
		frame = appendEvent(frame, b)
		n++
	}
	return frame, seq + uint64(n) - 1, n, true
}

// clear forgets everything.
func (t *tail) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first, t.events, t.size = 0, nil, 0
}
