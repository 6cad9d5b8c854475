package nemesis

import "runtime"

// thread is one thread of the system and the calls that it makes. Commands are
// started from one: they are to die with this process, and Linux ties that to
// the thread that started them (PR_SET_PDEATHSIG).
type thread struct {
	calls chan func()
	ended chan struct{}
}

// newThread starts a thread whose first call is settle. Where that fails there is none.
func newThread(settle func() error) (*thread, error) {
	t := &thread{calls: make(chan func()), ended: make(chan struct{})}
	settled := make(chan error, 1)
	go func() {
		defer close(t.ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := settle()
		settled <- err
		if err != nil {
			return
		}
		for call := range t.calls {
			call()
		}
	}()
	if err := <-settled; err != nil {
		<-t.ended
		return nil, err
	}
	return t, nil
}

func (t *thread) do(f func() error) error {
	done := make(chan error, 1)
	t.calls <- func() { done <- f() }
	return <-done
}

func (t *thread) close() {
	close(t.calls)
	<-t.ended
}
