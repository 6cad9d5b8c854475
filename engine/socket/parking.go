package socket

import (
	"errors"
	"runtime"
)

// turnBytes is how much a connection reads before all others that have
// something to read are given their turn.
const turnBytes = 16 << 10

// canPark reports whether the descriptor is all that is needed to go on
// reading later. It is asked where the socket holds nothing more; gws has taken
// all that there was, or it would not read.
func (s *stream) canPark() bool {
	return s.c.poller != nil && !s.stays && s.frames.atFrame()
}

// errLeft is what leave panics with.
var errLeft = errors.New("nothing to read")

// leave gets out of gws's ReadLoop, which any return from Read would end with an
// error. Conn.call takes the panic; nothing on the way there has anything to undo.
func (s *stream) leave() {
	s.turn = 0
	panic(errLeft)
}

// yield is called after every read of n bytes.
func (s *stream) yield(n int) {
	if s.turn += n; s.turn < turnBytes {
		return
	}
	s.turn = 0
	if s.c.poller != nil {
		s.c.poller.round()
	}
	runtime.Gosched()
}

// park leaves c to the poller when its reader has left. From parked on c.stream
// belongs to whoever wakes c, which may happen before arm returns.
func (c *Conn) park() {
	again := c.stream.armed
	c.stream.idle, c.stream.armed = false, true
	c.parked.Store(true)
	if c.poller.arm(c, again) == nil {
		return
	}
	// The descriptor is closed, which the next read finds out, or the kernel
	// watches no more of them.
	if c.parked.CompareAndSwap(true, false) {
		c.stream.stays = true
		c.server.readers.do(c)
	}
}

// wake has a parked connection read again. The poller calls it, and abort,
// because a closed descriptor is reported to nobody; one of them starts the reader.
func (c *Conn) wake() {
	if c.parked.CompareAndSwap(true, false) {
		c.server.readers.do(c)
	}
}
