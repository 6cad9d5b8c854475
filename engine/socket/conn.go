package socket

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

var _ engine.TimedConn = (*Conn)(nil)

// Why a connection ended, as Handler.Closed is told.
var (
	ErrTooSlow      = errors.New("the peer reads too slowly")
	ErrHeartbeat    = errors.New("heartbeat timeout: no sign of life from the peer")
	ErrFrameTimeout = errors.New("frame timeout: the peer began a message and did not finish it")
	ErrClosed       = errors.New("the connection is closed")
	ErrPanic        = errors.New("the handler panicked")
)

// Handler is told what happens on a connection. Its methods may be called
// before Accept has returned.
type Handler interface {
	// Message is called for each message in turn, never twice at once for one
	// connection; while it runs, nothing more is read. data is valid only during
	// the call. After Close no further call begins.
	Message(c *Conn, binary bool, data []byte)

	// Beat is called when nothing has come from the peer for an interval (the
	// last eighth of it is jitter): the place to send a checkpoint. The ping is
	// sent by this package, after it. With Conn.PingWith it is called once an
	// interval, whatever has come. Beat must not block: all connections share
	// the goroutine that calls it, and it may overlap any other call.
	Beat(c *Conn)

	// Closed is called exactly once, after the last Message, when the descriptor
	// is closed. code is that of the side which ended the connection first:
	// CloseNoStatus where its close frame named none, CloseAbnormal where there
	// was no close frame. err is nil after an orderly end.
	Closed(c *Conn, code engine.CloseCode, err error)
}

// Conn is one accepted connection. Its methods may be called at any time from
// any goroutine, handlers included; after the end they do nothing.
type Conn struct {
	// Static after Accept.
	server      *Server
	flusher     *flusher
	handler     Handler
	conn        net.Conn
	raw         syscall.RawConn // of conn's descriptor; nil where writing to it can only block
	gws         *gws.Conn
	id          uint64  // never used again
	poller      *poller // nil: the reading goroutine stays
	subprotocol string
	done        atomic.Pointer[chan struct{}] // made when asked for

	stream stream      // owned by the reading goroutine
	parked atomic.Bool // no goroutine reads; who turns it off starts one
	box    outbox      // has its own lock

	nextFlush *Conn // guarded by flusher.mu
	overdue   bool  // owned by the outbox's writer: a write timeout has passed

	ending  atomic.Pointer[ending] // the first cause wins
	aborted atomic.Bool
	closeBy atomic.Int64 // tick at which a closing connection is cut; 0: not closing
	seen    atomic.Int64 // tick of the last complete frame, or awaited
	wholeBy atomic.Int64 // tick by which the message that has begun must end; 0: none is waited for
	beat    wheelEntry   // guarded by wheel.mu
	pinged  int64        // tick of the last ping; owned by the wheel's goroutine
	steady  atomic.Pointer[[]byte]
}

// ending is what Handler.Closed is told.
type ending struct {
	code engine.CloseCode
	err  error
}

// Send queues a complete frame, as TextFrame and BinaryFrame make them. It
// never blocks and keeps no more than a reference; nobody may change the bytes.
// Past the queue's bound the frame is dropped, with all that waits, and the
// connection ends with engine.CloseTooSlow. A queue that holds nothing takes a
// frame of any size.
func (c *Conn) Send(frame []byte) {
	if len(frame) == 0 {
		return
	}
	c.pushed(c.box.push(frame))
}

// SendTimed implements engine.TimedConn: a frame is written when the kernel has it.
func (c *Conn) SendTimed(frame []byte, written func()) {
	if len(frame) == 0 {
		return
	}
	c.pushed(c.box.pushTimed(frame, written))
}

func (c *Conn) pushed(v verdict) {
	switch v {
	case wake:
		c.flusher.add(c)
	case overflow:
		c.evict(&c.flusher.tally.evictedFull)
	}
}

// Drained waits until at most half of the queue's bound is in use. It returns
// an error when ctx or the connection ends first.
func (c *Conn) Drained(ctx context.Context) error {
	select {
	case <-c.box.whenDrained():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if c.ending.Load() != nil {
		return ErrClosed
	}
	return nil
}

// Close sends what is queued, then a close frame, waits for the peer's answer
// and closes the descriptor, all within Config.CloseTimeout. It returns at
// once; only the first call counts. Of the reason as much is sent as fits: 123
// bytes of UTF-8. The code 0 means CloseNormal.
func (c *Conn) Close(code engine.CloseCode, reason string) {
	if code == 0 {
		code = engine.CloseNormal
	}
	c.shut(&ending{code: code}, closeFrame(code, reason), false)
}

// PingWith is for protocols with pings of their own: from now on frame is sent
// once an interval, whatever has come, instead of a WebSocket ping at silence.
// After it the peer has HeartbeatTimeout to send any complete frame. With an
// empty frame nothing is sent, and the peer has to send something of itself
// within interval and timeout. Nobody may change the bytes.
func (c *Conn) PingWith(frame []byte) {
	c.seen.Store(c.server.wheel.tick.Load())
	c.steady.Store(&frame)
}

// Subprotocol is the one chosen in the handshake, or empty.
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Compressed reports whether permessage-deflate was negotiated, so that Send
// may be given deflated frames. Others are as good.
func (c *Conn) Compressed() bool { return c.stream.frames.deflated }

// RemoteAddr is the address of the descriptor's other end, which may be a proxy.
func (c *Conn) RemoteAddr() string { return c.conn.RemoteAddr().String() }

// Queued is how much of Config.QueueBytes is in use.
func (c *Conn) Queued() int { return c.box.queuedBytes() }

// Done closes after Handler.Closed has returned.
func (c *Conn) Done() <-chan struct{} {
	done := make(chan struct{})
	if c.done.CompareAndSwap(nil, &done) {
		return done
	}
	return *c.done.Load()
}

// end closes Done's channel.
func (c *Conn) end() {
	if asked := c.done.Swap(&closedChan); asked != nil {
		close(*asked)
	}
}

func (c *Conn) pong(payload []byte) {
	if c.box.pushPong(payload) == wake {
		c.flusher.add(c)
	}
}

func (c *Conn) ping() {
	if c.box.pushPing() == wake {
		c.flusher.add(c)
	}
}
