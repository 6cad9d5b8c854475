package socket

import "sync"

// idleReaders is how many readers wait for work. Those that come beyond it end.
const idleReaders = 48

// readers are the goroutines in which connections are read: one has one
// connection until that parks or ends, and then the next. A new goroutine for
// each wake would do, but begins with a small stack and copies it twice before a
// message is through: 7 % of the server's time in rooms at 12,000 posts a second.
type readers struct {
	mu   sync.Mutex
	idle []chan *Conn // the last has the warmest stack
	over bool
}

// serve has a reader take c.
func (r *readers) serve(c *Conn) {
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		reader := r.idle[last]
		r.idle = r.idle[:last]
		r.mu.Unlock()
		reader <- c
		return
	}
	r.mu.Unlock()
	go r.run(c)
}

func (r *readers) run(c *Conn) {
	next := make(chan *Conn, 1)
	for c != nil {
		c.serve()
		c = r.wait(next)
	}
}

func (r *readers) wait(next chan *Conn) *Conn {
	r.mu.Lock()
	if r.over || len(r.idle) >= idleReaders {
		r.mu.Unlock()
		return nil
	}
	r.idle = append(r.idle, next)
	r.mu.Unlock()
	return <-next
}

// stop ends those who wait.
func (r *readers) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, reader := range r.idle {
		reader <- nil
	}
	r.idle = nil
}
