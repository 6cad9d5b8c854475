package engineio

import (
	"errors"

	"github.com/klatch-chat/klatch/engine/socket"
)

// packetType is the first byte of a text packet.
type packetType byte

// The packet types of Engine.IO, v3 and v4.
const (
	typeOpen    packetType = '0'
	typeClose   packetType = '1'
	typePing    packetType = '2'
	typePong    packetType = '3'
	typeMessage packetType = '4'
	typeUpgrade packetType = '5'
	typeNoop    packetType = '6'
)

// probe is the data of the ping and pong on a WebSocket that may be upgraded to.
const probe = "probe"

var errPacket = errors.New("not an Engine.IO packet")

// The packets without data, as frames.
var (
	closeFrame = frameOf(typeClose, "")
	pingFrame  = frameOf(typePing, "")
	pongFrame  = frameOf(typePong, "")
	noopFrame  = frameOf(typeNoop, "")
	probeFrame = frameOf(typePong, probe)
)

// packet is one packet; data is the sender's.
type packet struct {
	kind   packetType
	binary bool
	data   []byte
}

func frameOf(kind packetType, data string) []byte {
	return socket.TextFrame(append([]byte{byte(kind)}, data...))
}

// parseText reads a text packet that is not base64.
func parseText(text []byte) (packet, error) {
	if len(text) == 0 || text[0] < byte(typeOpen) || text[0] > byte(typeNoop) {
		return packet{}, errPacket
	}
	return packet{kind: packetType(text[0]), data: text[1:]}, nil
}

// parseMessage reads what came in one WebSocket message.
func parseMessage(protocol int, isBinary bool, data []byte) (packet, error) {
	switch {
	case !isBinary && len(data) > 0 && data[0] == 'b':
		return parseBase64(protocol, data[1:])
	case !isBinary:
		return parseText(data)
	case protocol == 4:
		return packet{kind: typeMessage, binary: true, data: data}, nil
	case len(data) == 0 || data[0] != byte(typeMessage-'0'):
		return packet{}, errPacket
	}
	return packet{kind: typeMessage, binary: true, data: data[1:]}, nil
}
