package bench

import (
	"bytes"
	"net/http"
	"strconv"
)

// KlatchSocketIO is klatch's protocol over Socket.IO. The clients do what its
// libraries do: posts want acknowledgements, and who comes back brings the pid of
// the session before and as offset the last text of the last event.
func KlatchSocketIO(secret []byte) Protocol { return &klatchSocketIO{klatch{secret, ""}} }

type klatchSocketIO struct{ klatch }

// Name implements Protocol.
func (*klatchSocketIO) Name() string { return "klatch over Socket.IO" }

// Request implements Protocol. The token comes later, with CONNECT.
func (k *klatchSocketIO) Request(c *Client) (string, http.Header, error) {
	return SocketIOPath, nil, k.sign(c)
}

// Opened implements Protocol. The server speaks first.
func (*klatchSocketIO) Opened(*Client) {}

// Message implements Protocol.
func (k *klatchSocketIO) Message(c *Client, data []byte) {
	switch packet, rest := ReadSocketIO(data); packet {
	case SocketIOEvent:
		k.event(c, rest)
	case SocketIOAck:
		if bytes.Contains(upTo(rest, maxAckHead), []byte(`[{"ok":false`)) {
			c.Failed(string(data))
		}
	case SocketIOOpen:
		c.Send(false, connectPacket(c))
	case SocketIOConnect:
		c.State.(*account).pid = quoted(after(rest, `"pid":"`))
	case SocketIOPing:
		c.Send(false, SocketIOPong)
	default: // CONNECT_ERROR and DISCONNECT leave the transport open, with nobody on it
		c.Failed(string(data))
		c.send(opClose, nil)
	}
}

// maxAckHead is the longest id and the beginning of what follows it.
const maxAckHead = 32

// connectPacket is CONNECT.
func connectPacket(c *Client) []byte {
	a := c.State.(*account)
	p := append(append([]byte(`40{"token":"`), a.token...), '"')
	if len(c.Cursor) > 0 {
		p = append(append(append(p, `,"pid":"`...), a.pid...), '"')
		p = append(append(append(p, `,"offset":"`...), c.Cursor...), '"')
	}
	return append(p, '}')
}

// event takes the array of an event: its name, what it tells, and maybe an offset.
func (*klatchSocketIO) event(c *Client, array []byte) {
	kind, ok := bytes.CutPrefix(array, []byte(`["`))
	name, fields, cut := bytes.Cut(kind, []byte(`",`))
	if !ok || !cut {
		c.Failed(string(array))
		return
	}
	c.told(name, fields)
	if offset := lastText(array); offset != nil {
		c.keep(offset)
	}
}

// lastText is the last element of an array if that is a text without escapes, or nil.
func lastText(array []byte) []byte {
	p, ok := bytes.CutSuffix(array, []byte(`"]`))
	i := bytes.LastIndexByte(p, '"')
	if !ok || i < 1 || p[i-1] != ',' {
		return nil
	}
	return p[i+1:]
}

// Post implements Protocol. A client's acknowledgements have its posts' numbers.
func (*klatchSocketIO) Post(c *Client, body []byte) bool {
	p := strconv.AppendUint(append(make([]byte, 0, 80+len(body)), "42"...), uint64(c.number), 10)
	p = append(append(p, `["post",{"room":"`...), roomID(c)...)
	return c.Send(false, append(append(append(p, `","body":"`...), body...), `"}]`...))
}
