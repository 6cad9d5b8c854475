package client

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"
)

// link is one connection, from its handshake to its end.
type link struct {
	// Fixed by connect.
	client *Client
	conn   *gws.Conn
	sent   string // the cursor in its hello
	born   time.Time

	heard atomic.Int64 // nanoseconds from born to the last frame
	watch watch

	over bool // guarded by Client.mu

	// Owned by the reading goroutine.
	pendingCursor string // of a ready that did not resume, until reset says so
	refusal       *Error // the last error that answered no call
	end           *CloseError
}

var _ gws.Event = (*link)(nil)

// run says hello and reads until the end.
func (l *link) run() *CloseError {
	c := l.client
	l.watch.start(l, watchLimits{ping: never, dead: c.cfg.HandshakeTimeout})
	defer l.watch.stop()
	hello := request{Type: "hello", Token: c.cfg.Token, Cursor: l.sent}
	if payload, err := c.codec.marshal(&hello); err == nil {
		l.write(payload)
	}
	l.conn.ReadLoop()
	return l.end
}

// write sends a frame; where it fails the connection ends.
func (l *link) write(payload []byte) { _ = l.conn.WriteMessage(l.client.codec.opcode, payload) }

// leaveTimeout bounds how long a close frame may wait for a full socket.
const leaveTimeout = time.Second

// leave closes the connection from our side.
func (l *link) leave() {
	_ = l.conn.NetConn().SetWriteDeadline(time.Now().Add(leaveTimeout))
	_ = l.conn.WriteClose(1000, nil)
}

// cut closes the descriptor: gws's own close would wait for the socket.
func (l *link) cut() { _ = l.conn.NetConn().Close() }

// OnOpen implements gws.Event.
func (l *link) OnOpen(*gws.Conn) {}

// OnPing implements gws.Event.
func (l *link) OnPing(_ *gws.Conn, payload []byte) {
	l.hear()
	_ = l.conn.WritePong(payload)
}

// OnPong implements gws.Event.
func (l *link) OnPong(*gws.Conn, []byte) { l.hear() }

// OnMessage implements gws.Event.
func (l *link) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	l.hear()
	if err := l.receive(m.Bytes()); err != nil {
		_ = l.conn.WriteClose(closeProtocolError, []byte("unreadable frame"))
	}
}

// OnClose implements gws.Event.
func (l *link) OnClose(_ *gws.Conn, err error) {
	l.end = &CloseError{Code: closeAbnormal, Err: err}
	var closed *gws.CloseError
	if errors.As(err, &closed) {
		l.end = &CloseError{Code: int(closed.Code), Reason: string(closed.Reason)}
		if l.refusal != nil {
			l.end.Err = l.refusal
		}
	} else if l.watch.dead.Load() {
		l.end.Err = errSilent
	}
}

func (l *link) hear() { l.heard.Store(int64(time.Since(l.born))) }

func (l *link) silence() time.Duration { return time.Since(l.born) - time.Duration(l.heard.Load()) }
