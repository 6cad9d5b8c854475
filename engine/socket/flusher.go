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

// After a pass over many connections a flusher rests, in proportion to the work
// that it was. A busy room's frames gather meanwhile and leave in one write,
// which costs hardly more than a write of one of them. The busier the machine,
// the longer a pass takes, the more frames share a write.
const (
	restFrom   = 128
	restFactor = 1
	maxRest    = 20 * time.Millisecond
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
	batch []byte
	try   func(fd uintptr) bool // made once: a closure a write would be garbage a write
	data  []byte
	n     int
	err   error
}

func newFlusher(s *Server) *flusher {
	f := &flusher{server: s, batch: make([]byte, batchBytes)}
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

// take waits for connections and returns all of them, as a list. None means
// that the flusher is stopped.
func (f *flusher) take() *Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.head == nil {
		if f.stopped {
			return nil
		}
		f.ready.Wait()
	}
	list := f.head
	f.head, f.tail = nil, nil
	return list
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
		begun := time.Now()
		if f.pass(list) >= restFrom {
			time.Sleep(min(restFactor*time.Since(begun), maxRest))
		}
	}
}

// pass gives each connection of a list its turn, and returns how many there were.
func (f *flusher) pass(list *Conn) (n int) {
	for list != nil {
		c := list
		list, c.nextFlush = c.nextFlush, nil
		n++
		if c.raw == nil {
			f.server.workers.Go(func() { f.pump(c) })
			continue
		}
		f.turn(c)
	}
	return n
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
