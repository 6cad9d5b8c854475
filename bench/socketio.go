package bench

import "bytes"

// Socket.IO's protocol, version 5, on Engine.IO's, version 4, over WebSocket from
// the start (https://socket.io/docs/v4/socket-io-protocol and
// https://socket.io/docs/v4/engine-io-protocol). A packet is a WebSocket message;
// its first digit is Engine.IO's type, and a message's second is Socket.IO's.
//
//	server                       client
//	0{"sid":...}                              the transport is open
//	                             40{auth}     join the default namespace
//	40{"sid":...}                             joined
//	                             42["post",...]
//	42["message",{...}]
//	                             427["post",...]
//	437[...]                                  the acknowledgement of 7
//	2                            3            heartbeat

// SocketIOPath is what a client's handshake asks for.
const SocketIOPath = "/socket.io/?EIO=4&transport=websocket"

// SocketIOPong answers a ping.
var SocketIOPong = []byte("3")

// SocketIOPacket is what a server may send, as far as a load needs it.
type SocketIOPacket int

const (
	SocketIOOther SocketIOPacket = iota
	SocketIOOpen
	SocketIOPing
	SocketIOConnect
	SocketIOEvent
	SocketIOAck
)

// ReadSocketIO tells packets of the default namespace apart, and returns what
// follows the types: JSON, and before an acknowledgement's its id.
func ReadSocketIO(data []byte) (SocketIOPacket, []byte) {
	switch {
	case bytes.HasPrefix(data, []byte("42")):
		return SocketIOEvent, data[2:]
	case bytes.HasPrefix(data, []byte("43")):
		return SocketIOAck, data[2:]
	case bytes.HasPrefix(data, []byte("40")):
		return SocketIOConnect, data[2:]
	case bytes.HasPrefix(data, []byte("0")):
		return SocketIOOpen, data[1:]
	case bytes.Equal(data, []byte("2")):
		return SocketIOPing, nil
	}
	return SocketIOOther, data
}
