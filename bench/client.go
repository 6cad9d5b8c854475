package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Client is one connection of the load. It can be opened again after its end.
type Client struct {
	// Static.
	Index int
	Room  int // the number of its room

	// Owned by the loop; for the Protocol.
	State  any
	Cursor []byte // the last one the server gave, where it gives any

	fleet *fleet
	loop  *loop
	base  string // address of its node

	// Owned by the loop.
	phase   phase
	ready   bool   // gets its room's messages
	paused  bool   // reads nothing
	narrow  bool   // the kernel is to hold little for it
	rest    []byte // the beginning of what has not come whole
	pieces  []byte // of a message in several frames
	code    uint16 // close code that the server gave
	refusal refusal
	order   *sequence
	lastID  [idLength]byte
	heads   [][idLength]byte // the last id of each node's senders

	mu         sync.Mutex // the connection, shared with the pacer
	fd         int        // -1: none
	generation int32      // of fd, so that a late event meets nobody
	out        []byte     // what the socket has not taken yet
	armed      bool       // waiting for the socket to take it

	number uint32 // of the next post; owned by the pacer
}

type phase uint8

const (
	closed phase = iota
	connecting
	handshaking
	open
)

// refusal is a handshake that was answered with something else than 101.
type refusal struct {
	status int
	after  time.Duration // Retry-After
}

// codeNone stands for an end without a close frame (RFC 6455, section 7.1.5).
const codeNone = 1006

// RoomName is the name of the client's room.
func (c *Client) RoomName() string { return "bench-" + strconv.Itoa(c.Room) }

// Name is the name of the client's user.
func (c *Client) Name() string { return "bench-user-" + strconv.Itoa(c.Index) }

// Send sends one message. The payload is copied. It returns false when the
// client is not connected, or takes nothing.
func (c *Client) Send(binary bool, payload []byte) bool {
	op := byte(opText)
	if binary {
		op = opBinary
	}
	return c.send(op, payload)
}

// Ready says that the client gets its room's messages from now on.
func (c *Client) Ready() {
	if !c.ready {
		c.ready = true
		c.fleet.wentLive(c)
	}
}

// Failed says that the server reported an error.
func (c *Client) Failed(text string) { c.loop.tally.fail(c, text) }

// Answered says that what was asked for with ref has come. A ref is the time for
// which the request was intended.
func (c *Client) Answered(ref int64) {
	c.loop.tally.answered.Add(1)
	c.loop.tally.latency(c.fleet.since(), ref)
}

// Delivered takes one message: its body, and the server's sortable id where it has one.
func (c *Client) Delivered(body, id []byte) {
	m, ok := readMark(body)
	t := &c.loop.tally
	switch {
	case !ok:
		t.foreign++
		return
	case c.ready:
		t.latency(c.fleet.since(), m.nanos)
	}
	c.check(m, id)
}

// check finds what came twice or in the wrong order. A room's senders are
// numbered, and so are the messages of each of them.
func (c *Client) check(m mark, id []byte) {
	t := &c.loop.tally
	if c.order == nil {
		c.order = newSequence(c.fleet.sendersPerRoom())
		c.heads = make([][idLength]byte, max(1, len(c.fleet.cfg.URLs)))
	}
	i := m.sender / c.fleet.cfg.Rooms
	if m.sender%c.fleet.cfg.Rooms != c.Room || i < 0 || i >= len(c.order.next) {
		t.foreign++
		return
	}
	switch c.order.take(i, m.number) {
	case again:
		t.doubled++
		return
	case late:
		t.delivered.Add(1)
		t.disordered++
		return
	}
	t.delivered.Add(1)
	if len(id) == len(c.lastID) {
		if !c.rises(nodeOf(m.sender, c.fleet.cfg.Rooms, len(c.heads)), id) {
			t.disordered++
		}
		copy(c.lastID[:], id)
	}
}

// rises reports whether a node's id is above those that it gave before. The ids
// of two nodes may come in any order: they meet only where the messages do.
func (c *Client) rises(node int, id []byte) bool {
	head := c.heads[node][:]
	before := bytes.Compare(id, head)
	copy(head, id)
	return before > 0
}

// handshake is the request that opens the WebSocket.
func (c *Client) handshake() ([]byte, error) {
	path, header, err := c.fleet.cfg.Protocol.Request(c)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	host := strings.TrimPrefix(c.base, "http://")
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", path, host)
	if err := header.Write(&b); err != nil {
		return nil, err
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// handshaken takes the answer to it off p. It is not done while the answer is not whole.
func (c *Client) handshaken(p []byte) (rest []byte, done bool, err error) {
	head, rest, done := bytes.Cut(p, []byte("\r\n\r\n"))
	if !done {
		return p, false, nil
	}
	line, lines, _ := strings.Cut(string(head), "\r\n")
	f := strings.Fields(line)
	if len(f) < 2 {
		return nil, true, errFrame
	}
	status, _ := strconv.Atoi(f[1])
	if status != http.StatusSwitchingProtocols {
		c.refusal = refusal{status, retryAfter(lines)}
		return nil, true, fmt.Errorf("the server answered the handshake with %s", strings.Join(f[1:], " "))
	}
	return rest, true, nil
}

func retryAfter(header string) time.Duration {
	for line := range strings.SplitSeq(header, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Retry-After") {
			seconds, _ := strconv.Atoi(strings.TrimSpace(value))
			return time.Duration(seconds) * time.Second
		}
	}
	return 0
}

// consume takes what has come and returns how much of it was whole.
func (c *Client) consume(p []byte) (taken int, err error) {
	rest := p
	if c.phase == handshaking {
		var done bool
		if rest, done, err = c.handshaken(p); err != nil || !done {
			return 0, err
		}
		c.phase = open
		c.fleet.cfg.Protocol.Opened(c)
	}
	for {
		f, after, need, err := nextFrame(rest)
		if err != nil || need > 0 {
			return len(p) - len(rest), err
		}
		rest = after
		if err := c.take(f); err != nil {
			return len(p) - len(rest), err
		}
	}
}

func (c *Client) take(f frame) error {
	switch {
	case f.op == opPing:
		c.send(opPong, f.payload)
	case f.op == opPong:
	case f.op == opClose:
		c.code = 1005
		if len(f.payload) >= 2 {
			c.code = uint16(f.payload[0])<<8 | uint16(f.payload[1])
		}
		c.send(opClose, f.payload)
		return errClosed
	case f.op == opContinuation:
		c.pieces = append(c.pieces, f.payload...)
		if f.final {
			c.fleet.cfg.Protocol.Message(c, c.pieces)
			c.pieces = c.pieces[:0]
		}
	case !f.final:
		c.pieces = append(c.pieces[:0], f.payload...)
	default:
		c.fleet.cfg.Protocol.Message(c, f.payload)
	}
	return nil
}
