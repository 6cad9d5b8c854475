package realtime

import (
	"encoding/json"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio"
)

var _ socketio.Receiver = (*caller)(nil)

// caller is one client of Socket.IO. It has been let in before there is a caller.
type caller struct {
	connection
	line   line // the connection's link
	server *SocketIO
}

// Opened implements socketio.Receiver.
func (c *caller) Opened(*socketio.Socket) { c.enter(c.opening.Load().hello, c.server.sockets) }

// Packet implements socketio.Receiver.
func (c *caller) Packet(_ *socketio.Socket, p *socketio.Packet) {
	c.line.attachments = p.Attachments
	defer func() { c.line.attachments = nil }()
	f := &frame{}
	err := c.decode(p, f)
	// What comes from a client that has been sent away is not done (I9): it may be on its way for a while.
	if c.admitted() && !c.line.closed.Load() && !c.expired(&c.line, c.who) {
		c.handle(f, err)
	}
}

// decode makes of an event the frame whose type is its name.
func (c *caller) decode(p *socketio.Packet, f *frame) error {
	err := c.decodeFields(p, f)
	if f.Ref = nil; p.ID != socketio.NoID {
		id := p.ID // p is gone when a post is answered
		f.Ref = &id
	}
	return err
}

func (c *caller) decodeFields(p *socketio.Packet, f *frame) error {
	size := len(p.Data)
	for _, a := range p.Attachments {
		size += len(a)
	}
	if size > c.handler.config.Sockets.Config().ReadLimit {
		return &engine.Error{Code: engine.CodeTooLarge, Message: "the event is larger than a frame may be"}
	}
	name, args, err := p.Split()
	if err != nil {
		return malformed(err)
	}
	if name == typeHello {
		return invalid("type", "unknown", "what hello says stands in auth: it is no event")
	}
	if len(args) > 0 {
		err = decodeObject(args[0], f)
	}
	f.Type = name
	return err
}

func decodeObject(fields json.RawMessage, f *frame) error {
	if !isObject(fields) {
		return malformed(nil)
	}
	return jsonWire{}.decode(fields, f)
}

// Beat implements socketio.Receiver.
func (c *caller) Beat(*socketio.Socket) { c.beat(&c.line) }

// Closed implements socketio.Receiver.
func (c *caller) Closed(_ *socketio.Socket, reason string) { c.end("reason", reason) }
