package realtime

import (
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

var (
	_ socket.Handler = (*webSocket)(nil)
	_ link           = (*webSocketLink)(nil)
)

// webSocket is one client of klatch's own protocol: a socket's handler.
type webSocket struct {
	connection
	release func()

	// Owned by the goroutine that calls Message.
	format  wire      // of the subprotocol; set by the first Message
	begun   bool      // hello has come
	checked time.Time // of the last checkpoint asked for here
}

// webSocketLink is a socket, with frames in one format.
type webSocketLink struct {
	*socket.Conn
	wire
}

func (l *webSocketLink) tell(_ *int64, answer any) { l.Send(l.Encode(answer)) }

func newWebSocket(h *Handler, r *http.Request, release func()) *webSocket {
	offered := h.offeredToken(r)
	c := &webSocket{connection: connection{handler: h, address: addressOf(r.RemoteAddr), name: sessionName(r.Header)}, release: release}
	c.opening.Store(newOpening(offered))
	return c
}

// Message implements socket.Handler.
func (c *webSocket) Message(conn *socket.Conn, binary bool, data []byte) {
	if c.link == nil {
		c.format = wireOf(conn)
		c.link, c.wire = &webSocketLink{conn, c.format}, c.format
	}
	if binary != c.format.binary() {
		c.violate(nil, "the subprotocol sends text for JSON and binary for CBOR")
		return
	}
	f := &frame{}
	err := c.format.decode(data, f)
	switch {
	case !c.begun:
		c.begin(f, err)
	case c.admitted() && !c.expired(conn, c.who):
		c.handle(f, err)
		c.checkpoint()
	}
}

// begin takes the first frame, which must be hello.
func (c *webSocket) begin(f *frame, err error) {
	c.begun = true
	c.checked = c.handler.config.Now()
	switch {
	case err != nil:
		c.fail(f.Ref, err)
		c.link.Close(engine.CloseProtocolError, "the first frame was no hello")
		return
	case f.Type != typeHello:
		c.violate(f.Ref, "the first frame must be hello")
		return
	}
	c.enter(f, c.handler.config.Sockets)
}

// checkpoint gives busy clients theirs: the socket's heartbeat is for silent ones.
func (c *webSocket) checkpoint() {
	now := c.handler.config.Now()
	if now.Sub(c.checked) < c.handler.config.CheckpointEvery {
		return
	}
	if s := c.session.Load(); s != nil {
		c.checked = now
		s.Checkpoint()
	}
}

// LogName is what socket.Server calls the connection in the log.
func (c *webSocket) LogName() string { return c.name }

// Beat implements socket.Handler.
func (c *webSocket) Beat(conn *socket.Conn) { c.beat(conn) }

// Closed implements socket.Handler.
func (c *webSocket) Closed(_ *socket.Conn, code engine.CloseCode, err error) {
	c.end("code", code, "err", err)
	c.release()
}
