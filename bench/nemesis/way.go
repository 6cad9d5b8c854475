package nemesis

import "sync"

// way is one direction between two nodes, for those who carry streams.
type way struct {
	mu      sync.Mutex
	rule    Rule
	changed chan struct{} // closes with the next change
}

func newWay() *way { return &way{changed: make(chan struct{})} }

func (w *way) set(r Rule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = r
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *way) get() (Rule, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rule, w.changed
}

// pass waits while the way is cut. It returns false when stop closes first.
func (w *way) pass(stop <-chan struct{}) bool {
	for {
		r, changed := w.get()
		if !r.Drop {
			return true
		}
		select {
		case <-changed:
		case <-stop:
			return false
		}
	}
}
