package cli

import (
	"runtime/debug"
	"sync"
	"time"
)

// ebb gives memory back to the system when a crowd of connections has come or
// gone. The runtime would do it too, but collects garbage as memory is asked for,
// and so not at all in the calm after a storm: for minutes the node would look as
// large as it once was, to its operator and to the kernel's out-of-memory killer.
type ebb struct {
	release func() // debug.FreeOSMemory but in tests

	seen  uint64    // comings and goings so far
	crowd uint64    // of those, the ones since the last release, or since it was calm
	quiet int       // looks in a row that found calm
	last  time.Time // release
}

const (
	ebbLook  = time.Second
	ebbCrowd = 500 // comings and goings that make a crowd; a session's memory is some kilobytes
	ebbQuiet = 20  // a look, that are calm
	ebbAfter = 2   // looks of calm
	ebbPause = 10 * time.Second
)

// look is called every ebbLook with the comings and goings since the start.
func (e *ebb) look(now time.Time, moves uint64) {
	news := moves - e.seen
	e.seen = moves
	e.crowd += news
	if news > ebbQuiet {
		e.quiet = 0
		return
	}
	if e.quiet++; e.quiet < ebbAfter {
		return
	}
	switch {
	case e.crowd < ebbCrowd:
		e.crowd = 0
	case now.Sub(e.last) >= ebbPause:
		e.crowd, e.last = 0, now
		e.release()
	}
}

// startEbb looks at a count of comings and goings until stop, which waits.
func startEbb(moves func() uint64) (stop func() error) {
	e := &ebb{release: debug.FreeOSMemory}
	over := make(chan struct{})
	var worker sync.WaitGroup
	worker.Go(func() {
		t := time.NewTicker(ebbLook)
		defer t.Stop()
		for {
			select {
			case now := <-t.C:
				e.look(now, moves())
			case <-over:
				return
			}
		}
	})
	return func() error {
		close(over)
		worker.Wait()
		return nil
	}
}
