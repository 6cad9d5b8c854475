package socketio

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

var _ engineio.Handler = (*connection)(nil)

// connection is one Engine.IO session, and the sockets that share it.
type connection struct {
	// Fixed when it is made.
	server  *Server
	session *engineio.Session
	old     bool // a client of Socket.IO v2

	// Owned by the goroutine that calls Message.
	decoder decoder
	packet  Packet // the one that is being received

	cause    atomic.Pointer[string] // why we ended it, if we did
	refusals atomic.Int64           // of CONNECT

	mu      sync.Mutex
	sockets []*Socket   // few; one that the server took out stays until the client knows
	idle    *time.Timer // ends a connection without namespaces
	over    bool
	box     *mailbox // made for the first socket with listeners
}

func newConnection(server *Server, session *engineio.Session) *connection {
	c := &connection{server: server, session: session, old: session.Protocol() == 3}
	c.decoder = decoder{maxAttachments: server.config.MaxAttachments, maxBytes: server.config.MaxPayload, maxDepth: server.config.MaxDepth}
	c.idle = time.AfterFunc(server.config.ConnectTimeout, c.expire)
	return c
}

// Message implements engineio.Handler.
func (c *connection) Message(_ *engineio.Session, binary bool, data []byte) {
	if c.cause.Load() != nil {
		return
	}
	p, attachments, complete, err := c.decoder.add(binary, data)
	if err != nil {
		c.server.config.Logger.Debug("socketio: a packet is malformed", "session", c.session.Request().Name(), "err", err)
		c.end(ReasonParseError, engine.CloseProtocolError, err.Error())
		return
	}
	switch {
	case complete:
		c.route(&p, attachments)
	case !binary && !c.takesFrom(p.namespace):
		c.unexpected() // before any attachment is kept for a client that nobody has let in
	}
}

// takesFrom reports whether a client may send packets for a namespace.
func (c *connection) takesFrom(namespace []byte) bool {
	s := c.socket(namespace)
	return s != nil && !s.isConnecting()
}

func (c *connection) unexpected() {
	c.end(ReasonForcedClose, engine.CloseProtocolError, "a packet for a namespace that is not connected")
}

// route hands a packet to the socket of its namespace.
func (c *connection) route(p *parsed, attachments [][]byte) {
	query := []byte(nil)
	if c.old {
		p.namespace, query = cutQuery(p.namespace)
	}
	s := c.socket(p.namespace)
	switch {
	case p.kind == TypeConnect && (s == nil || s.status.Load() == statusClosed):
		c.connect(string(p.namespace), c.authOf(p, query))
	case s == nil || s.isConnecting() || p.kind == TypeConnect || p.kind == TypeConnectError:
		c.unexpected()
	default:
		s.handle(p, attachments)
	}
}

// handle takes a packet for a socket that was connected at some time.
func (s *Socket) handle(p *parsed, attachments [][]byte) {
	switch p.kind {
	case TypeDisconnect:
		s.end(ReasonClientDisconnect)
		s.conn.forget(s)
	case TypeAck, TypeBinaryAck:
		s.acks.answer(p.id, func() *Args { return copyArgs(elements(p.data), attachments) })
	default:
		c := s.conn
		c.packet = Packet{Type: p.kind, Namespace: s.namespace.name, ID: p.id, Data: p.data, Attachments: attachments}
		s.receive(&c.packet)
		c.packet = Packet{}
	}
}

// end closes the session. The first reason given is what the sockets are told.
func (c *connection) end(reason string, code engine.CloseCode, text string) {
	c.cause.CompareAndSwap(nil, &reason)
	c.session.Close(code, text)
}

// Beat implements engineio.Handler.
func (c *connection) Beat(*engineio.Session) {
	for _, s := range c.all() {
		if s.Connected() {
			s.receiver.Beat(s)
		}
	}
}

// Closed implements engineio.Handler.
func (c *connection) Closed(_ *engineio.Session, reason engineio.Reason) {
	c.mu.Lock()
	c.over = true
	c.idle.Stop()
	sockets := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	why := reasonOf(reason)
	if cause := c.cause.Load(); cause != nil {
		why = *cause
	}
	for _, s := range sockets {
		s.end(why)
	}
}

// mailbox is where the listeners of the connection's sockets get their work.
func (c *connection) mailbox() *mailbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.box == nil {
		c.box = newMailbox(c.server.config.MaxPayload, c.server.config.ListenTimeout, c.server.work, c.crash)
	}
	return c.box
}

// crash ends the connection of a listener that panicked.
func (c *connection) crash(cause any) {
	c.server.config.Logger.Error("socketio: a listener panicked", "session", c.session.Request().Name(), "panic", cause, "stack", stack())
	c.end(ReasonPanic, closeInternalError, "internal error")
}
