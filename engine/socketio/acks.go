package socketio

import "sync"

// acks are the answers that a socket's program waits for.
type acks struct {
	mu      sync.Mutex
	last    int64
	over    bool
	waiting map[int64]chan *Args // each has room for its answer; closed: none will come
}

// expect gives an id to a question.
func (a *acks) expect(most int) (id int64, answer <-chan *Args, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over:
		return 0, nil, ErrNotConnected
	case len(a.waiting) >= most:
		return 0, nil, ErrTooManyAcks
	case a.waiting == nil:
		a.waiting = make(map[int64]chan *Args)
	}
	id = a.last
	a.last++
	c := make(chan *Args, 1)
	a.waiting[id] = c
	return id, c, nil
}

// forget gives up waiting.
func (a *acks) forget(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

// answer hands over an answer. One to nothing that was asked is ignored.
func (a *acks) answer(id int64, args func() *Args) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.waiting[id]; ok {
		delete(a.waiting, id)
		c <- args()
	}
}

// end tells all who wait that no answer will come.
func (a *acks) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, c := range a.waiting {
		close(c)
	}
	a.waiting = nil
}
