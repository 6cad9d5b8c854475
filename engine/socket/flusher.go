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

// A flusher rests before a pass when the one before it went over many connections
// and the next to have its turn had one a moment ago, in units of that pass's
// time: then its frames are few, and more of them will share a write, which costs
// hardly more than a write of one. It rests as long as the pass took, so that the
// busier the machine is, the more frames share a write. A burst, even to a large
// room, leaves at once: those who wait had no turn lately.
const (
	restFrom = 128
	moment   = 2
	maxRest  = 20 * time.Millisecond
)

// flusher writes for its share of the connections, none of which can block
// it: every write is non-blocking, and a connection whose peer takes no more
// leaves the list until it does.
type flusher struct {
	server *Server
	start  time.Time
	tally  tally

	mu         sync.Mutex
	ready      sync.Cond
	head, tail *Conn // linked by nextFlush
	stopped    bool

	// Owned by the flusher's goroutine.
	passed   int           // connections in the last pass
	passTime time.Duration // that it took

	batch []byte
	try   func(fd uintptr) bool // made once: a closure a write would be garbage a write
	data  []byte
	n     int
	err   error
}

func newFlusher(s *Server) *flusher {
	f := &flusher{server: s, start: time.Now(), batch: make([]byte, batchBytes)}
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
	first := f.wait()
	if rest := f.restFor(first); rest > 0 {
		time.Sleep(rest)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.tail = nil, nil
	return first // what came meanwhile is linked to it
}

// wait returns the first connection of the list when there is one.
func (f *flusher) wait() *Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.head == nil && !f.stopped {
		f.ready.Wait()
	}
	return f.head
}

// restFor returns how long to rest before a pass that begins with c.
func (f *flusher) restFor(c *Conn) time.Duration {
	if c == nil || f.passed < restFrom || f.now()-c.turnAt > turnTimeOf(moment*f.passTime) {
		return 0
	}
	return min(f.passTime, maxRest)
}

// turnTime is a time since the flusher's start in units of 2^16 ns. It wraps
// after three days, when a connection may find that it had a turn just now.
type turnTime uint32

func turnTimeOf(d time.Duration) turnTime { return turnTime(d >> 16) }

func (f *flusher) now() turnTime { return turnTimeOf(time.Since(f.start)) }

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
	begun, at := time.Now(), f.now()
	f.passed = 0
	for list != nil {
		c := list
		list, c.nextFlush = c.nextFlush, nil
		c.turnAt = at
		f.passed++
		if c.raw == nil {
			f.server.workers.Go(func() { f.pump(c) })
			continue
		}
		f.turn(c)
	}
	f.passTime = time.Since(begun)
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
