package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/klatch-chat/klatch/engine/socket"
)

// The protocol, Socket.IO v5. A packet is one Engine.IO message:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
//
// with the namespace left out where it is "/". What follows the type is:
//
//	0 CONNECT        {auth} from the client; {"sid":..., "pid":...} from the server
//	1 DISCONNECT
//	2 EVENT          ["name", args...], with an id if an ACK is wanted
//	3 ACK            [args...], with the EVENT's id
//	4 CONNECT_ERROR  {"message":..., "data":...}, from the server only
//	5 BINARY_EVENT   as EVENT, with {"_placeholder":true,"num":i} where the
//	6 BINARY_ACK     i-th of the binary messages that follow belongs; likewise
//
// Socket.IO v2 clients (Engine.IO v3) speak its fourth version: the server
// connects them to "/" unasked, CONNECT carries no JSON either way, its auth is
// a query after the namespace ("0/chat?token=x,"), and type 4 carries any value.

// Type is the type of a packet.
type Type byte

// The types of packets, as their first character says.
const (
	TypeConnect      Type = '0'
	TypeDisconnect   Type = '1'
	TypeEvent        Type = '2'
	TypeAck          Type = '3'
	TypeConnectError Type = '4'
	TypeBinaryEvent  Type = '5'
	TypeBinaryAck    Type = '6'
)

// message is the Engine.IO packet that Socket.IO packets travel in.
const message = '4'

// maxID is the largest ack id: what JavaScript still counts exactly.
const maxID = 1<<53 - 1

// NoID is the ID of a packet that wants no ACK.
const NoID = -1

// Packet is one decoded packet.
type Packet struct {
	Type        Type
	Namespace   string
	ID          int64    // NoID for none
	Data        []byte   // JSON, checked; an array for EVENT and ACK
	Attachments [][]byte // of the binary types
}

// Split takes the array of an EVENT apart. The arguments are parts of p.Data.
func (p *Packet) Split() (name string, args []json.RawMessage, err error) {
	args = elements(p.Data)
	if len(args) == 0 {
		return "", nil, errors.New("the packet has no event name")
	}
	if name, err = eventName(args[0]); err != nil {
		return "", nil, err
	}
	return name, args[1:], nil
}

// parsed is a packet's text, taken apart. Its slices are the text's.
type parsed struct {
	kind        Type
	attachments int
	namespace   []byte
	id          int64
	data        []byte
}

var mainNamespace = []byte("/")

// parse reads the text of a packet and checks its form, not its JSON.
func parse(text []byte) (p parsed, err error) {
	p = parsed{namespace: mainNamespace, id: NoID}
	if len(text) == 0 || text[0] < byte(TypeConnect) || text[0] > byte(TypeBinaryAck) {
		return p, errors.New("unknown packet type")
	}
	p.kind, text = Type(text[0]), text[1:]
	if p.binary() {
		count, rest, found := bytes.Cut(text, []byte{'-'})
		if p.attachments, err = strconv.Atoi(string(count)); !found || err != nil || p.attachments < 1 {
			return p, errors.New("illegal attachment count")
		}
		text = rest
	}
	if len(text) > 0 && text[0] == '/' {
		p.namespace, text, _ = bytes.Cut(text, []byte{','})
	}
	digits := 0
	for digits < len(text) && '0' <= text[digits] && text[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		if p.id, err = strconv.ParseInt(string(text[:digits]), 10, 64); err != nil || p.id > maxID {
			return p, errors.New("illegal ack id")
		}
	}
	p.data = text[digits:]
	return p, nil
}

func (p *parsed) binary() bool { return p.kind == TypeBinaryEvent || p.kind == TypeBinaryAck }

// What the JSON of a checked packet may be, and how deep.
var jsonAsInJavaScript = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// check looks at the JSON as far as the type says what it must be.
func (p *parsed) check(maxDepth int) error {
	if p.data = trim(p.data); len(p.data) > 0 {
		if depth(p.data) > maxDepth {
			return errors.New("the payload is nested too deeply")
		}
		if !jsontext.Value(p.data).IsValid(jsonAsInJavaScript...) {
			return errors.New("the payload is no JSON")
		}
	}
	switch p.kind {
	case TypeConnect:
		return p.want(len(p.data) == 0 || p.data[0] == '{')
	case TypeDisconnect:
		return p.want(len(p.data) == 0)
	case TypeConnectError:
		return p.want(len(p.data) > 0 && (p.data[0] == '{' || p.data[0] == '"'))
	case TypeAck, TypeBinaryAck:
		return p.want(p.id != NoID && len(p.data) > 0 && p.data[0] == '[')
	default:
		return p.checkEvent()
	}
}

func (p *parsed) want(valid bool) error {
	if !valid {
		return fmt.Errorf("invalid payload of a packet of type %c", p.kind)
	}
	return nil
}

func (p *parsed) checkEvent() error {
	if len(p.data) == 0 || p.data[0] != '[' {
		return p.want(false)
	}
	name, err := eventName(firstElement(p.data))
	if err != nil {
		return err
	}
	if reserved(name) {
		return fmt.Errorf("%w: %q", ErrReserved, name)
	}
	return nil
}

// eventName reads a name: a string or, as in the reference, a number.
func eventName(value []byte) (string, error) {
	if len(value) == 0 {
		return "", errors.New("the event has no name")
	}
	switch c := value[0]; {
	case c == '"':
		name, err := jsontext.AppendUnquote(nil, value)
		if err != nil && len(name) == 0 {
			return "", fmt.Errorf("read event name: %w", err)
		}
		return string(name), nil
	case c == '-' || '0' <= c && c <= '9':
		return string(value), nil
	default:
		return "", errors.New("the event's name is no string")
	}
}

// reserved names mean something to the libraries at both ends.
func reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// EventFrame returns the frame of an EVENT, or of a BINARY_EVENT where there are
// attachments. array is its JSON, with the placeholders; id may be NoID.
func EventFrame(namespace string, id int64, array []byte, attachments [][]byte) []byte {
	return frame(TypeEvent, TypeBinaryEvent, namespace, id, array, attachments)
}

// AckFrame is EventFrame for an ACK or a BINARY_ACK.
func AckFrame(namespace string, id int64, array []byte, attachments [][]byte) []byte {
	return frame(TypeAck, TypeBinaryAck, namespace, id, array, attachments)
}

// plainFrame is the frame of a packet that can have no attachments.
func plainFrame(kind Type, namespace string, data []byte) []byte {
	return frame(kind, kind, namespace, NoID, data, nil)
}

// scratch holds a packet's text until it is copied into its frame.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled keeps a huge packet's buffer from staying in a pool.
const maxPooled = 64 << 10

func frame(kind, binaryKind Type, namespace string, id int64, data []byte, attachments [][]byte) []byte {
	buffer := scratch.Get().(*[]byte)
	text := append((*buffer)[:0], message, byte(kind))
	if len(attachments) > 0 {
		text[1] = byte(binaryKind)
		text = append(strconv.AppendInt(text, int64(len(attachments)), 10), '-')
	}
	if namespace != "/" && namespace != "" {
		text = append(append(text, namespace...), ',')
	}
	if id != NoID {
		text = strconv.AppendInt(text, id, 10)
	}
	text = append(text, data...)
	out := socket.TextFrame(text)
	for _, a := range attachments {
		out = append(out, socket.BinaryFrame(a)...)
	}
	if *buffer = text; cap(text) <= maxPooled {
		scratch.Put(buffer)
	}
	return out
}
