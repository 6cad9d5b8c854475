package main

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/klatch-chat/klatch/bench"
)

// socketIO is Socket.IO's protocol, version 5, on Engine.IO's, version 4, over
// WebSocket from the start (https://socket.io/docs/v4/socket-io-protocol and
// https://socket.io/docs/v4/engine-io-protocol). A packet is a WebSocket message;
// its first digit is Engine.IO's type, and a message's second is Socket.IO's.
//
//	server                       client
//	0{"sid":...}                              the transport is open
//	                             40{auth}     join the default namespace
//	40{"sid":...}                             joined
//	                             42["post",body]
//	42["message",{...}]
//	2                            3            heartbeat
type socketIO struct {
	ordered bool // its ids say in which order a room's messages are
}

func (socketIO) Name() string { return "socket.io v5" }

// Request implements bench.Protocol.
func (socketIO) Request(*bench.Client) (string, http.Header, error) {
	return "/socket.io/?EIO=4&transport=websocket", nil, nil
}

// Opened implements bench.Protocol. The server speaks first.
func (socketIO) Opened(*bench.Client) {}

// Message implements bench.Protocol.
func (p socketIO) Message(c *bench.Client, data []byte) {
	switch kind := packetOf(data); kind {
	case eventPacket:
		body, id, ok := parseMessage(data)
		switch {
		case !ok:
			c.Failed(string(data))
		case p.ordered:
			c.Delivered(body, id)
		default:
			c.Delivered(body, nil)
		}
	case openPacket:
		c.Send(false, fmt.Appendf(nil, `40{"user":"%s","room":"%s"}`, wide(c.Name()), wide(c.RoomName())))
	case connectPacket:
		c.Ready() // the server has joined us to the room in the same turn
	case pingPacket:
		c.Send(false, []byte("3"))
	default:
		c.Failed(string(data))
	}
}

// Post implements bench.Protocol.
func (socketIO) Post(c *bench.Client, body []byte) bool {
	p := append(make([]byte, 0, len(body)+16), `42["post","`...)
	return c.Send(false, append(append(p, body...), `"]`...))
}

type packet int

const (
	otherPacket packet = iota
	openPacket
	pingPacket
	connectPacket
	eventPacket
)

func packetOf(data []byte) packet {
	switch {
	case bytes.HasPrefix(data, []byte("42")):
		return eventPacket
	case bytes.HasPrefix(data, []byte("40")):
		return connectPacket
	case bytes.HasPrefix(data, []byte("0")):
		return openPacket
	case bytes.Equal(data, []byte("2")):
		return pingPacket
	}
	return otherPacket
}
