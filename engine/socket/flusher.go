package socket

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// batchBytes is how much a flusher writes at once. Frames up to this size are
// copied together, which costs less than one iovec each; larger ones are
// written from where they are.
const batchBytes = 64 << 10

// A flusher that is busy rests between its passes: frames gather meanwhile and
// share a write, which costs hardly more than a write of one. Up to the share
// easy of its time it writes whatever there is at once, so that neither an idle
// room's message nor a burst to a large room waits. From there on it rests the
// longer the busier it is. Busy is measured by the clock, so that a machine that
// has other work to do also has more frames share a write.
const (
	easy     = 0.15
	hardest  = 0.35 // from here on it rests for maxRest
	maxRest  = 20 * time.Millisecond
	busyOver = 50 * time.Millisecond // the time over which the share is taken
)

// flusher writes for its share of the connections, none of which can block
// it: every write is non-blocking, and a connection whose peer takes no more
// leaves the list until it does.
type flusher struct {
	server *Server
	tally  tally

	mu         sync.Mutex
	ready      sync.Cond
	head, tail *Conn // linked by nextFlush
	stopped    bool

	// Owned by the flusher's goroutine.
	ended time.Time // the last pass
	busy  float64   // share of its time that it writes

	batch []byte
	try   func(fd uintptr) bool // made once: a closure a write would be garbage a write
	data  []byte
	n     int
	err   error
}

func newFlusher(s *Server) *flusher {
	f := &flusher{server: s, ended: time.Now(), batch: make([]byte, batchBytes)}
	f.ready.L = &f.mu
	f.try = f.tryWrite
	return f
}

// add hands the writer's role for c to the flusher.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	if f.tail == nil {
		f.head = c
	} else {
		f.tail.nextFlush = c
	}
	f.tail = c
	f.mu.Unlock()
	f.ready.Signal()
}

// take waits for connections, rests where it is time to, and returns all that
// are there then, as a list. None means that the flusher is stopped.
func (f *flusher) take() *Conn {
	if f.wait() {
		time.Sleep(f.rest() - time.Since(f.ended))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.head
	f.head, f.tail = nil, nil
	return list
}

// wait returns true when there is a connection, and false when there will be none.
func (f *flusher) wait() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.head == nil && !f.stopped {
		f.ready.Wait()
	}
	return f.head != nil
}

// rest is how long after the last pass the next may begin.
func (f *flusher) rest() time.Duration {
	return time.Duration(min(max(f.busy-easy, 0)/(hardest-easy), 1) * float64(maxRest))
}

func (f *flusher) stop() {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.ready.Signal()
}

// run writes for everybody on the list, then for everybody who has come meanwhile.
func (f *flusher) run() {
	for list := f.take(); list != nil; list = f.take() {
		f.pass(list)
	}
}

// pass gives each connection of a list its turn.
func (f *flusher) pass(list *Conn) {
	begun := time.Now()
	for list != nil {
		c := list
		list, c.nextFlush = c.nextFlush, nil
		if c.raw == nil {
			f.server.workers.Go(func() { f.pump(c) })
			continue
		}
		f.turn(c)
	}
	f.worked(begun, time.Now())
}

// worked takes a pass into account.
func (f *flusher) worked(begun, ended time.Time) {
	cycle := ended.Sub(f.ended)
	share := float64(ended.Sub(begun)) / float64(max(cycle, 1))
	f.busy += (share - f.busy) * min(1, float64(cycle)/float64(busyOver))
	f.ended = ended
}

// turn writes one batch, so that no connection holds up the others.
func (f *flusher) turn(c *Conn) {
	data := c.box.next(f.batch)
	if data == nil {
		return
	}
	n, err := f.write(c, data)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		c.abort(&ending{code: CloseAbnormal, err: err})
		return
	}
	frames, more := c.box.wrote(n)
	f.tally.wrote(frames, n)
	if n == 0 && c.overdue {
		c.evict(&f.tally.evictedStalled)
	}
	c.overdue = false
	switch {
	case n < len(data):
		f.server.workers.Go(func() { f.await(c) })
	case more:
		f.add(c)
	}
}

// write writes what the socket takes now.
func (f *flusher) write(c *Conn, data []byte) (int, error) {
	f.data, f.n, f.err = data, 0, nil
	err := c.raw.Write(f.try)
	f.data = nil
	if err != nil {
		return 0, err
	}
	return f.n, f.err
}

func (f *flusher) tryWrite(fd uintptr) bool {
	for {
		n, err := unix.Write(int(fd), f.data)
		if err == unix.EINTR {
			continue
		}
		f.n, f.err = max(n, 0), err
		return true
	}
}

// await gives a stalled connection back when its socket takes bytes again or
// the write timeout is over. Linux calls a socket writable when a third of its
// buffer is free, so after a timeout one more write decides whether there was
// any progress.
func (f *flusher) await(c *Conn) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(f.server.config.WriteTimeout))
	err := c.raw.Write(writable)
	_ = c.conn.SetWriteDeadline(time.Time{})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.overdue = true
	case err != nil:
		c.abort(&ending{code: CloseAbnormal, err: err})
		return
	}
	f.add(c)
}

// writable asks the kernel instead of waiting for the runtime poller's edge,
// which may have come before the poller was asked.
func writable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil && err != unix.EINTR
}

// pumpBytes is what fits into one TLS record.
const pumpBytes = 16 << 10

var pumpBuffers = sync.Pool{New: func() any { return new([pumpBytes]byte) }}

// pump writes for a connection that can only be written to by blocking (TLS,
// pipes), in a goroutine that lasts as long as something waits.
func (f *flusher) pump(c *Conn) {
	buf := pumpBuffers.Get().(*[pumpBytes]byte)
	defer pumpBuffers.Put(buf)
	for more := true; more; {
		data := c.box.next(buf[:])
		if data == nil {
			return
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(f.server.config.WriteTimeout))
		n, err := c.conn.Write(data[:min(len(data), pumpBytes)])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// After this a TLS connection takes no more, not even a close frame.
			f.tally.evictedStalled.Add(1)
			err = ErrTooSlow
		}
		if err != nil {
			c.abort(&ending{code: CloseAbnormal, err: err})
			return
		}
		var frames int
		frames, more = c.box.wrote(n)
		f.tally.wrote(frames, n)
	}
}
