package socket

import (
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// serve reads until the connection ends, sees its close through and reports
// it; or it reads until nothing is left to read, and a poller waits for more.
func (c *Conn) serve() {
	answered, parks := c.read()
	if parks {
		c.park()
		return
	}
	c.stream.release()
	<-c.box.whenFinished()
	if !answered {
		c.linger()
	}
	_ = c.conn.Close()
	c.abort(&ending{code: CloseAbnormal, err: net.ErrClosed})
	c.server.wheel.remove(c)
	c.report()
	c.server.forget(c) // not before: Server.Close waits until all have been told
	c.end()
}

// read runs gws until reading has ended, and begins the close where nobody
// has. It reports whether there is nothing to wait for from the peer; or that
// reading goes on when there is something to read.
func (c *Conn) read() (answered, parks bool) {
	switch err := c.call(c.gws.ReadLoop); err {
	case nil:
		return c.stream.ended, false
	case errLeft:
		return false, true
	default:
		c.shut(&ending{code: closeInternalError, err: err}, closeFrame(closeInternalError, ""), true)
		return false, false
	}
}

// call keeps a handler's panic to its connection.
func (c *Conn) call(f func()) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case errLeft:
			err = errLeft
		default:
			c.server.config.Logger.Error("websocket handler panicked", "session", nameOf(c.handler), "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	f()
	return nil
}

// named is a Handler that says what its connection is called in the log.
type named interface{ LogName() string }

func nameOf(h Handler) string {
	if n, ok := h.(named); ok {
		return n.LogName()
	}
	return ""
}

// readEnded begins the close that the reason for which gws stopped reading asks for.
func (c *Conn) readEnded(err error) {
	s := &c.stream
	code := engine.CloseCode(s.closeCode)
	peer, isClose := err.(*gws.CloseError)
	_, isViolation := s.err.(violation)
	switch {
	case isClose && !s.badClose():
		s.ended = true
		code = engine.CloseCode(peer.Code)
		if code == 0 {
			code = CloseNoStatus
		}
		c.shut(&ending{code: code}, closeFrame(code, ""), true)
	case s.err == nil && code == closeInternalError:
		code = inflateCode(err)
		c.shut(&ending{code: code, err: fmt.Errorf("inflate: %w", err)}, closeFrame(code, ""), true)
	case isViolation:
		code = closeProtocolError
		fallthrough
	case s.err == nil:
		c.shut(&ending{code: code, err: fmt.Errorf("protocol violation: %w", err)}, closeFrame(code, ""), true)
	default:
		s.ended = true
		c.abort(&ending{code: CloseAbnormal, err: fmt.Errorf("read: %w", s.err)})
	}
}

// badClose reports whether gws found fault with the peer's close frame. Where
// it does not it never answers with these codes.
func (s *stream) badClose() bool {
	code := engine.CloseCode(s.closeCode)
	return code == closeProtocolError || code == closeInvalidPayload
}

// shut begins an orderly close: the frame leaves last, and what of it all is
// not done within CloseTimeout is cut off by the wheel.
func (c *Conn) shut(e *ending, frame []byte, drop bool) bool {
	if !c.ending.CompareAndSwap(nil, e) {
		return false
	}
	c.server.wheel.cutOff(c)
	if c.box.close(frame, drop) == wake {
		c.flusher.add(c)
	}
	return true
}

// evict is shut for a peer that does not read.
func (c *Conn) evict(count *atomic.Uint64) {
	e := &ending{code: engine.CloseTooSlow, err: ErrTooSlow}
	if c.shut(e, closeFrame(e.code, "too slow"), true) {
		count.Add(1)
	}
}

// abort closes the descriptor at once, which ends every read and write of it.
func (c *Conn) abort(e *ending) {
	c.ending.CompareAndSwap(nil, e)
	if c.aborted.Swap(true) {
		return
	}
	conn := underTLS(c.conn)
	if unsent := c.box.kill(); unsent || e.err == ErrHeartbeat || e.err == ErrFrameTimeout {
		resetOnClose(conn)
	}
	_ = conn.Close()
	c.wake()
}

// resetOnClose has the kernel throw away what the peer has not taken, instead
// of keeping it for as long as TCP tries.
func resetOnClose(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// underTLS is the connection that can be closed without an alert, which could block.
func underTLS(conn net.Conn) net.Conn {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return conn
}

// linger reads on, and throws away, until the peer closes or the wheel cuts it
// off: closing a descriptor with unread bytes resets the connection, and the
// peer may then never see the close frame.
func (c *Conn) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, struct{ io.Reader }{c.conn})
}

func (c *Conn) report() {
	e := c.ending.Load()
	_ = c.call(func() { c.handler.Closed(c, e.code, e.err) })
}
