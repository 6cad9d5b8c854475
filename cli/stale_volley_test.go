package cli

import "sync"

// staleVolley has many readers ask for one view at one time: some as a write
// begins, and others as soon as that has been acknowledged. So these meet
// readings of those, which may have begun before the write.
type staleVolley struct {
	mu     sync.Mutex
	called sync.Cond
	count  int
	view   *staleView
	over   bool
}

func newStaleVolley() *staleVolley {
	v := &staleVolley{}
	v.called.L = &v.mu
	return v
}

// call sends them all to a view.
func (v *staleVolley) call(view *staleView) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.view = view
	v.count++
	v.called.Broadcast()
}

// next waits for a call after one that has been heard; ok is false at the end.
func (v *staleVolley) next(heard int) (view *staleView, count int, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.count == heard && !v.over {
		v.called.Wait()
	}
	return v.view, v.count, !v.over
}

func (v *staleVolley) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	v.called.Broadcast()
}
