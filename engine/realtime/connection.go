package realtime

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

var (
	_ socket.Handler = (*connection)(nil)
	_ engine.Conn    = (*connection)(nil)
)

// connection is one client: a socket's handler, and the Conn of its session.
type connection struct {
	// Fixed when it is made.
	handler *Handler
	release func()

	// Set by the first Message, read by those who come after it.
	conn *socket.Conn
	wire wire

	// Owned by the goroutine that calls Message.
	begun   bool          // hello has come
	refused int           // frames over the rate in a row
	checked time.Time     // of the last checkpoint asked for here
	posts   chan struct{} // one place for each post on its way; made by the first

	// Set by the opening's goroutine before opening.ready closes.
	who     *engine.Identity // nil: the hello has failed
	entered engine.ID        // the user as whose it is counted in handler.users

	opening atomic.Pointer[opening]        // nil once Connect has returned
	session atomic.Pointer[engine.Session] // nil until then, and when it failed
}

func newConnection(h *Handler, offered string, release func()) *connection {
	c := &connection{handler: h, release: release}
	c.opening.Store(newOpening(offered))
	return c
}

// Message implements socket.Handler.
func (c *connection) Message(conn *socket.Conn, binary bool, data []byte) {
	if c.conn == nil {
		c.conn, c.wire = conn, wireOf(conn)
	}
	if binary != c.wire.binary() {
		c.violate(nil, "the subprotocol sends text for JSON and binary for CBOR")
		return
	}
	f := &frame{}
	err := c.wire.decode(data, f)
	switch {
	case !c.begun:
		c.begin(f, err)
	case c.admitted() && !c.expired(conn, c.who):
		c.handle(f, err)
		c.checkpoint()
	}
}

// admitted waits until ready has been queued, so that no answer overtakes it.
func (c *connection) admitted() bool {
	if o := c.opening.Load(); o != nil {
		<-o.ready
	}
	return c.who != nil
}

// handle answers one frame.
func (c *connection) handle(f *frame, err error) {
	if wait := c.handler.engine.Allow(c.who.User); wait != nil {
		c.overRate(f.Ref, wait)
		return
	}
	c.refused = 0
	var answer any
	if err == nil {
		answer, err = c.run(f)
	}
	switch {
	case err != nil:
		c.fail(f.Ref, err)
	case answer != nil:
		c.tell(answer)
	}
}

// overRate refuses a frame, and in the end the client who sends on regardless.
func (c *connection) overRate(ref *int64, wait error) {
	c.fail(ref, wait)
	if c.refused++; c.refused >= refusals {
		c.conn.Close(engine.CloseRateLimited, "too many frames over the rate")
	}
}

// tell sends an answer.
func (c *connection) tell(answer any) { c.conn.Send(c.wire.Encode(answer)) }

// checkpoint gives busy clients theirs: the socket's heartbeat is for silent ones.
func (c *connection) checkpoint() {
	now := c.handler.config.Now()
	if now.Sub(c.checked) < c.handler.config.CheckpointEvery {
		return
	}
	if s := c.session.Load(); s != nil {
		c.checked = now
		s.Checkpoint()
	}
}

// expired ends the connection of a token whose time is over.
func (c *connection) expired(conn *socket.Conn, who *engine.Identity) bool {
	if who.Expires.IsZero() || c.handler.config.Now().Before(who.Expires) {
		return false
	}
	conn.Close(engine.CloseReplaced, "the token has expired")
	return true
}

// Beat implements socket.Handler.
func (c *connection) Beat(conn *socket.Conn) {
	if s := c.session.Load(); s != nil && !c.expired(conn, s.Identity()) {
		s.Checkpoint()
	}
}

// Closed implements socket.Handler.
func (c *connection) Closed(*socket.Conn, engine.CloseCode, error) {
	if o := c.opening.Load(); o != nil {
		o.abandon(c.handler.gate)
	}
	if s := c.session.Load(); s != nil {
		s.Close()
	}
	if !c.entered.IsZero() {
		c.handler.users.leave(c.entered)
	}
	c.release()
}

// Send implements engine.Conn. The first frame of a session is ready.
func (c *connection) Send(frame []byte) {
	c.conn.Send(frame)
	if o := c.opening.Load(); o != nil {
		o.readyOnce.Do(func() { close(o.ready) })
	}
}

// Drained implements engine.Conn.
func (c *connection) Drained(ctx context.Context) error { return c.conn.Drained(ctx) }

// Close implements engine.Conn.
func (c *connection) Close(code engine.CloseCode, reason string) { c.conn.Close(code, reason) }

func (c *connection) userText() string {
	if c.who == nil {
		return ""
	}
	return c.who.User.String()
}
