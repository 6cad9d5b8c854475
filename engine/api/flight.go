package api

import "sync"

// flights has each view read once, however many ask for it at a time.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

// flight is one reading that others wait for.
type flight struct {
	done chan struct{} // closed at its end
	kept *kept         // set before; nil after an error or a panic
}

func newFlights() *flights { return &flights{running: map[string]*flight{}} }

// join returns the answer of a reading of others, or leads one. usable says
// whether an answer is for the caller; fresh, whether nothing has changed since
// it was read.
//
// A flight that was under way when the caller came may have read what was
// before, and the caller may have been promised newer (I8): its answer counts
// only if it is still fresh. One begun later is always as new as the caller. So
// nobody waits for more than two.
func (f *flights) join(key string, usable, fresh func(*kept) bool, read func() (*kept, error)) (k *kept, shared bool, err error) {
	for range 2 {
		f.mu.Lock()
		under, ok := f.running[key]
		if !ok {
			under = &flight{done: make(chan struct{})}
			f.running[key] = under
			f.mu.Unlock()
			k, err = f.lead(key, under, read)
			return k, false, err
		}
		f.mu.Unlock()
		<-under.done
		if k := under.kept; k != nil && usable(k) && fresh(k) {
			return k, true, nil
		}
		fresh = always
	}
	k, err = read()
	return k, false, err
}

func always(*kept) bool { return true }

// lead reads for those who wait. The flight leaves the table before it ends, so
// that who finds one in it a second time has not seen this.
func (f *flights) lead(key string, own *flight, read func() (*kept, error)) (k *kept, err error) {
	defer func() {
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(own.done)
	}()
	k, err = read()
	if err == nil {
		own.kept = k
	}
	return k, err
}
