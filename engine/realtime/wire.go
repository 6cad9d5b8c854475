package realtime

import (
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// wire is a format of the WebSocket protocol: of notices and answers to the client, of frames from it.
// Values are comparable, because the engine tells wires apart by them.
type wire interface {
	engine.Wire
	binary() bool // which kind of WebSocket message carries it

	// decode reads a client's frame. f.Ref is set also where another field is
	// at fault. Errors are *engine.Error.
	decode(data []byte, f *frame) error

	// value is link's.
	value(raw rawData) (any, error)
}

// The wires. A room with clients of several has its notices encoded once for each.
var (
	wireJSON         wire = jsonWire{}
	wireCBOR         wire = cborWire{}
	wireDeflatedJSON wire = jsonWire{deflated: true}
	wireDeflatedCBOR wire = cborWire{deflated: true}
)

// wireOf returns the wire of a connection.
func wireOf(c *socket.Conn) wire {
	switch cbor := c.Subprotocol() == SubprotocolCBOR; {
	case cbor && c.Compressed():
		return wireDeflatedCBOR
	case cbor:
		return wireCBOR
	case c.Compressed():
		return wireDeflatedJSON
	default:
		return wireJSON
	}
}

// unwritable stands for a notice that a format cannot write. No notice of the
// engine's is one; a signal's data made by another protocol could be.
var unwritable = &errorFrame{Type: typeError, Code: engine.CodeInternal, Message: "a notice could not be written in this format"}

func malformed(err error) error {
	return &engine.Error{Code: engine.CodeInvalidJSON, Message: "a frame is one object in the format of the subprotocol", Err: err}
}

func invalid(field, code, message string) error {
	return &engine.Error{Code: engine.CodeInvalidField, Message: message, Fields: []engine.FieldError{{Field: field, Code: code}}}
}

func wrongType(field string) error { return invalid(field, "malformed", field+" has the wrong type") }

func badData() error {
	return invalid("data", "malformed", "data must be plain values, not nested too deep, with text as keys")
}
