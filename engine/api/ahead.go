package api

import (
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// readers read ahead: who pages back wants the page before the one that he
// was given most likely next. They are few, and what comes while all are at work
// is not read: it is only a guess.
type readers struct {
	places  chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

const readersAtOnce = 2

func newReaders() *readers { return &readers{places: make(chan struct{}, readersAtOnce)} }

// try runs something beside the caller, if there is a place.
func (r *readers) try(read func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	select {
	case r.places <- struct{}{}:
	default:
		return false
	}
	r.running.Go(func() {
		defer func() { <-r.places }()
		read()
	})
	return true
}

func (r *readers) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.running.Wait()
}

// readAhead fills the cache with a view that may be asked for next.
func (c *responses) readAhead(route string, v view, user engine.ID, ttl time.Duration) {
	if c.shelf == nil {
		return
	}
	k, at := c.look(route, v, user)
	if k != nil {
		return
	}
	c.readers.try(func() {
		var none *kept
		defer c.guard(&none)
		if _, err := c.fill(at, v, user, ttl); err == nil {
			c.ahead.Add(1)
		}
	})
}
