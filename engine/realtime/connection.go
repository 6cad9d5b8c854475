package realtime

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
)

var (
	_ engine.TimedConn = (*connection)(nil)
	_ engine.Located   = (*connection)(nil)
)

// link is what a connection speaks over: the transport, and its way of answers.
type link interface {
	engine.Conn

	// tell sends the answer to a frame: one of the structs of protocol.go. ref is
	// the frame's, and nil where its sender expects none.
	tell(ref *int64, answer any)

	// value reads the data of a signal that is being handled: nil, bool, int64,
	// float64, string, []byte, []any and map[string]any, so that every format
	// can write it.
	value(raw rawData) (any, error)
}

// connection is one client, whatever its protocol, and the Conn of its session.
type connection struct {
	// Fixed when it is made.
	handler *Handler
	address netip.Addr
	name    string // in the log: see sessionName

	// Set before the first frame is handled, read by those who come after it.
	link link
	wire engine.Wire

	// Owned by the goroutine that reads frames.
	refused int           // frames over the rate in a row
	posts   chan struct{} // one place for each post on its way; made by the first

	// Set before opening.ready closes.
	who     *engine.Identity // nil: the hello has failed
	entered engine.ID        // the user as whose it is counted in handler.users

	opening atomic.Pointer[opening]        // nil once Connect has returned
	session atomic.Pointer[engine.Session] // nil until then, and when it failed
}

// admitted waits until ready has been queued, so that no answer overtakes it. Until
// the session is live nobody ends it for a revocation or a ban, so those are asked for (I9).
func (c *connection) admitted() bool {
	o := c.opening.Load()
	if o == nil {
		return c.who != nil
	}
	<-o.ready
	return c.who != nil && !c.handler.engine.Refuses(c.who)
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
		c.link.tell(f.Ref, answer)
	}
}

// overRate refuses a frame, and in the end the client who sends on regardless.
func (c *connection) overRate(ref *int64, wait error) {
	c.fail(ref, wait)
	if c.refused++; c.refused >= refusals {
		c.link.Close(engine.CloseRateLimited, "too many frames over the rate")
	}
}

// expired ends the connection of a token whose time is over.
func (c *connection) expired(over engine.Conn, who *engine.Identity) bool {
	if who.Expires.IsZero() || c.handler.config.Now().Before(who.Expires) {
		return false
	}
	over.Close(engine.CloseReplaced, "the token has expired")
	return true
}

// beat is called at every heartbeat.
func (c *connection) beat(over engine.Conn) {
	if s := c.session.Load(); s != nil && !c.expired(over, s.Identity()) {
		s.Checkpoint()
	}
}

// end is called when the connection has ended, after its last frame; why is for the log.
func (c *connection) end(why ...any) {
	if o := c.opening.Load(); o != nil {
		o.abandon(c.handler.gate)
	}
	if s := c.session.Load(); s != nil {
		s.Close()
	}
	if !c.entered.IsZero() {
		c.handler.users.leave(c.entered)
	}
	c.handler.config.Logger.Debug("session ended", append([]any{"session", c.name, "user", c.userText()}, why...)...)
}

// Send implements engine.Conn. The first frame of a session is ready.
func (c *connection) Send(frame []byte) {
	c.link.Send(frame)
	if o := c.opening.Load(); o != nil {
		o.readyOnce.Do(func() {
			if o.reset != nil {
				c.link.Send(c.wire.Encode(o.reset))
			}
			close(o.ready)
		})
	}
}

// SendTimed implements engine.TimedConn. Not every link can tell when a frame is
// written. Ready has been sent by now: only a session that is live is told of events.
func (c *connection) SendTimed(frame []byte, written func()) {
	if link, ok := c.link.(engine.TimedConn); ok {
		link.SendTimed(frame, written)
		return
	}
	c.Send(frame)
}

// Drained implements engine.Conn.
func (c *connection) Drained(ctx context.Context) error { return c.link.Drained(ctx) }

// Address implements engine.Located.
func (c *connection) Address() netip.Addr { return c.address }

// Close implements engine.Conn.
func (c *connection) Close(code engine.CloseCode, reason string) { c.link.Close(code, reason) }

func (c *connection) userText() string {
	if c.who == nil {
		return ""
	}
	return c.who.User.String()
}
