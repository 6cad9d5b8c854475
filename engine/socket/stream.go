package socket

import (
	"io"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// readBytes is the size of the pooled read buffers. A connection has one only
// while bytes wait in it.
const readBytes = 4 << 10

var readBuffers = sync.Pool{New: func() any { return new([readBytes]byte) }}

// stream is the net.Conn that gws is given. gws reads the client's frames from
// it; what gws would write is taken away from it, because only the outbox
// writes. Reading happens in one goroutine at a time, and every field belongs
// to it; while the connection is parked, to nobody.
type stream struct {
	net.Conn
	c        *Conn
	upgraded bool // the handshake is over: writes and Close are gws's own ideas

	frames boundary
	buffer *[readBytes]byte // nil while nothing waits
	in     []byte           // read and not yet taken by gws
	direct []byte           // where a large read goes without a stop in the buffer
	n      int
	err    error // that a read ended with; reading is over then
	try    func(fd uintptr) bool

	turn  int  // bytes read since the others had their turn
	empty bool // the last read took all that there was
	idle  bool // nothing to read and nothing in hand: the goroutine is leaving
	armed bool // the descriptor is in the poller's set
	stays bool // the poller did not take it

	closeCode uint16 // of the close frame that gws answered or failed with; 0: none
	ended     bool   // the peer has closed, well or badly: nothing more comes
}

// Read hands on the bytes that have arrived, or waits for more. Where it would
// wait at a frame's end, and a poller can wait instead, it does not return.
func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.read(p)
	if err == nil {
		err = s.follow(p[:n])
	}
	if err != nil {
		s.err = err
		s.release()
		return 0, err
	}
	return n, nil
}

func (s *stream) read(p []byte) (int, error) {
	if len(s.in) == 0 && len(p) >= readBytes {
		return s.fill(p)
	}
	if len(s.in) == 0 {
		if _, err := s.fill(nil); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.in)
	if s.in = s.in[n:]; len(s.in) == 0 {
		s.release()
	}
	return n, nil
}

// follow keeps count of the frames. Only a complete frame is a sign of life.
func (s *stream) follow(p []byte) error {
	done, err := s.frames.advance(p)
	if done.frames > 0 {
		s.c.seen.Store(s.c.server.wheel.tick.Load())
		s.c.flusher.tally.framesIn.Add(uint64(done.frames))
	}
	if done.whole && s.c.wholeBy.Load() != 0 {
		s.c.wholeBy.Store(0)
	}
	return err
}

// willWait is called before reading waits. The time of a message starts at the
// first wait inside it, so that messages which arrive whole cost nothing.
func (s *stream) willWait() {
	if !s.frames.atMessage() && s.c.wholeBy.Load() == 0 {
		s.c.server.wheel.awaitWhole(s.c)
	}
}

// fill waits for bytes and puts them into direct, or else into a buffer.
func (s *stream) fill(direct []byte) (int, error) {
	if s.c.raw == nil {
		return s.fillBlocking(direct)
	}
	s.direct = direct
	err := s.c.raw.Read(s.try)
	s.direct = nil
	if err != nil {
		return 0, err
	}
	if s.idle {
		s.leave()
	}
	s.yield(s.n)
	return s.n, s.err
}

// tryRead is called by the runtime's poller until it returns true: while the
// peer is silent no buffer is held.
func (s *stream) tryRead(fd uintptr) bool {
	if s.empty && s.canPark() { // the poller finds out what has come since
		return s.ranDry()
	}
	p := s.target()
	for {
		n, err := unix.Read(int(fd), p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return s.ranDry()
		}
		s.empty = 0 < n && n < len(p)
		s.arrived(n, err)
		return true
	}
}

// ranDry reports whether the goroutine may leave now that the socket is empty.
func (s *stream) ranDry() bool {
	s.release()
	s.willWait()
	s.empty, s.idle = false, s.canPark()
	return s.idle
}

func (s *stream) fillBlocking(direct []byte) (int, error) {
	s.willWait()
	s.direct = direct
	n, err := s.Conn.Read(s.target())
	if n > 0 {
		err = nil // it comes again
	}
	s.arrived(n, err)
	s.direct = nil
	return s.n, s.err
}

// arrived takes note of what a read returned.
func (s *stream) arrived(n int, err error) {
	if n <= 0 && err == nil {
		err = io.EOF
	}
	s.n, s.err = max(n, 0), err
	s.c.flusher.tally.bytesIn.Add(uint64(s.n))
	if s.direct == nil && err == nil {
		s.in = s.buffer[:n]
	}
}

func (s *stream) target() []byte {
	if s.direct != nil {
		return s.direct
	}
	if s.buffer == nil {
		s.buffer = readBuffers.Get().(*[readBytes]byte)
	}
	return s.buffer[:]
}

func (s *stream) release() {
	if s.buffer != nil {
		readBuffers.Put(s.buffer)
	}
	s.buffer, s.in = nil, nil
}

// Write takes gws's frames. There is only one that it writes of itself: the
// close frame, with which it answers or ends a connection. Its code is kept
// for Conn.closing, which knows better what to write. Anything else goes the
// way of all frames.
func (s *stream) Write(p []byte) (int, error) {
	switch {
	case !s.upgraded:
		return s.Conn.Write(p)
	case len(p) >= 2 && p[0] == final|opClose:
		if len(p) >= 4 {
			s.closeCode = uint16(p[2])<<8 | uint16(p[3])
		}
	default:
		s.c.Send(append([]byte(nil), p...))
	}
	return len(p), nil
}

// Close is called by gws right after its close frame, which has not left yet.
func (s *stream) Close() error {
	if s.upgraded {
		return nil
	}
	return s.Conn.Close()
}
