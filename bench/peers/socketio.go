package main

import (
	"fmt"
	"net/http"

	"github.com/klatch-chat/klatch/bench"
)

// socketIO is the protocol of server.mjs, over Socket.IO (bench.ReadSocketIO). A
// client tells its user and room with CONNECT and posts texts.
type socketIO struct {
	ordered bool // its ids say in which order a room's messages are
}

func (socketIO) Name() string { return "socket.io v5" }

// Request implements bench.Protocol.
func (socketIO) Request(*bench.Client) (string, http.Header, error) {
	return bench.SocketIOPath, nil, nil
}

// Opened implements bench.Protocol. The server speaks first.
func (socketIO) Opened(*bench.Client) {}

// Message implements bench.Protocol.
func (p socketIO) Message(c *bench.Client, data []byte) {
	switch packet, _ := bench.ReadSocketIO(data); packet {
	case bench.SocketIOEvent:
		body, id, ok := parseMessage(data)
		switch {
		case !ok:
			c.Failed(string(data))
		case p.ordered:
			c.Delivered(body, id)
		default:
			c.Delivered(body, nil)
		}
	case bench.SocketIOOpen:
		c.Send(false, fmt.Appendf(nil, `40{"user":"%s","room":"%s"}`, wide(c.Name()), wide(c.RoomName())))
	case bench.SocketIOConnect:
		c.Ready() // the server has joined us to the room in the same turn
	case bench.SocketIOPing:
		c.Send(false, bench.SocketIOPong)
	default:
		c.Failed(string(data))
	}
}

// Post implements bench.Protocol.
func (socketIO) Post(c *bench.Client, body []byte) bool {
	p := append(make([]byte, 0, len(body)+16), `42["post","`...)
	return c.Send(false, append(append(p, body...), `"]`...))
}
