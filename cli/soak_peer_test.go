package cli_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine/client"
)

// peer is an attacker's end of one connection. It knows HTTP and WebSocket well
// enough to hear what the server says, and keeps no rule in what it says itself.
type peer struct {
	a        *attacker
	conn     *net.TCPConn
	in       *bufio.Reader
	format   client.Format
	offer    string      // of extensions
	stop     func() bool // of the watch on the attacker's context
	hears    bool        // a goroutine reads
	deflates bool        // the server has accepted it
	pong     []byte      // its answer to pings: the attacker's random numbers are not its own

	deaf, slow, mute atomic.Bool   // reads nothing; reads a byte now and then; answers no ping
	heed             chan struct{} // closes when it reads again

	answers chan answer   // to what it said
	over    chan struct{} // closes when the server has ended the connection
	end     string        // how; before over closes
	refused atomic.Value  // string: the code of the last error frame, or the last status
}

// answer is what of a server's frame is of interest here.
type answer struct {
	Type   string `json:"type"`
	Ref    int64  `json:"ref"`
	Code   string `json:"code"`
	Cursor string `json:"cursor"`
	ID     string `json:"id"`
}

const (
	peerPatience  = 10 * time.Second // for what comes at once
	writePatience = 5 * time.Second  // for a server that does not read
	stillOpen     = "still open"
)

// The first byte of a frame (RFC 6455, section 5.2).
const (
	final        = 0x80
	opContinue   = 0x0
	opText       = 0x1
	opBinary     = 0x2
	opClose      = 0x8
	opPing       = 0x9
	opPong       = 0xA
	maskedLength = 0x80
)

func (a *attacker) dial(narrowly bool) (*peer, error) {
	dial := (&net.Dialer{}).DialContext
	if narrowly {
		dial = narrow
	}
	conn, err := dial(a.ctx, "tcp", a.s.addr)
	if err != nil {
		return nil, missed("connect: %s", how(err))
	}
	p := &peer{
		a: a, conn: conn.(*net.TCPConn), heed: make(chan struct{}),
		answers: make(chan answer, 64), over: make(chan struct{}),
	}
	p.in, p.pong = bufio.NewReader(p), p.frame(final|opPong, nil)
	p.stop = context.AfterFunc(a.ctx, func() { _ = conn.Close() })
	a.peers = append(a.peers, p)
	return p, nil
}

// connect dials, and hears HTTP.
func (a *attacker) connect() (*peer, error) {
	p, err := a.dial(false)
	if err != nil {
		return nil, err
	}
	p.hear(p.hearHTTP)
	return p, nil
}

// upgraded is a connection after the handshake.
func (a *attacker) upgraded(narrowly bool) (*peer, error) {
	p, err := a.dial(narrowly)
	if err != nil {
		return nil, err
	}
	return p, p.upgrade()
}

// upgrade makes the handshake, and then hears frames.
func (p *peer) upgrade() error {
	p.format = pick(p.a, client.JSON, client.CBOR)
	p.write(p.handshake())
	if err := p.switched(); err != nil {
		return err
	}
	p.hear(p.hearFrames)
	return nil
}

// switched reads the answer to a handshake.
func (p *peer) switched() error {
	_ = p.conn.SetReadDeadline(time.Now().Add(peerPatience))
	defer p.conn.SetReadDeadline(time.Time{})
	resp, err := http.ReadResponse(p.in, nil)
	switch {
	case err != nil:
		return missed("handshake: %s", how(err))
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return missed("handshake: HTTP %d", resp.StatusCode)
	}
	p.deflates = strings.HasPrefix(resp.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
	return nil
}

func (p *peer) handshake() []byte {
	offer := ""
	if p.offer != "" {
		offer = "Sec-WebSocket-Extensions: " + p.offer + "\r\n"
	}
	return fmt.Appendf(nil, "GET /api/v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
		p.a.s.addr, base64.StdEncoding.EncodeToString(p.a.noise(16)), p.format, offer)
}

// session is a connection after ready.
func (a *attacker) session(narrowly bool) (*peer, error) {
	p, err := a.upgraded(narrowly)
	if err != nil {
		return nil, err
	}
	return p, p.hello(a.token(), "")
}

func (p *peer) hello(token, cursor string) error {
	p.say(fields{"type": "hello", "token": token, "cursor": cursor})
	return p.await("ready")
}

// await waits for an answer of a type.
func (p *peer) await(kind string) error {
	late := time.After(peerPatience)
	for {
		select {
		case r := <-p.answers:
			if r.Type == kind {
				return nil
			}
			if r.Type == "error" {
				return missed("%s: error %s", kind, r.Code)
			}
		case <-p.over:
			return missed("%s: %s", kind, p.end)
		case <-late:
			return missed("%s: too late", kind)
		case <-p.a.ctx.Done():
			return p.a.ctx.Err()
		}
	}
}

type fields = map[string]any

// marshal writes a frame's payload in the connection's format.
func (p *peer) marshal(f fields) []byte {
	marshal := json.Marshal
	if p.format == client.CBOR {
		marshal = cbor.Marshal
	}
	b, err := marshal(f)
	if err != nil {
		panic(err) // of our own making
	}
	return b
}

// data is the first byte of a message in the connection's format.
func (p *peer) data() byte {
	if p.format == client.CBOR {
		return final | opBinary
	}
	return final | opText
}

// say sends a proper frame of the protocol.
func (p *peer) say(f fields) bool { return p.write(p.frame(p.data(), p.marshal(f))) }

// frame is a whole, masked frame.
func (p *peer) frame(first byte, payload []byte) []byte {
	b := header(first, maskedLength, uint64(len(payload)))
	key := p.a.noise(4)
	b = append(b, key...)
	for i, c := range payload {
		b = append(b, c^key[i%4])
	}
	return b
}

// header is a frame's header, with the shortest length, before the masking key.
func header(first, masked byte, length uint64) []byte {
	switch {
	case length < 126:
		return []byte{first, masked | byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first, masked | 126}, uint16(length))
	}
	return binary.BigEndian.AppendUint64([]byte{first, masked | 127}, length)
}

// write is false where the server takes no more.
func (p *peer) write(b []byte) bool {
	_ = p.conn.SetWriteDeadline(time.Now().Add(writePatience))
	_, err := p.conn.Write(b)
	return err == nil
}

// drip writes a byte every so often until it is done, the time is over or the
// server ends it.
func (p *peer) drip(b []byte, every, limit time.Duration) string {
	deadline := time.Now().Add(limit)
	for i := range b {
		if !p.write(b[i : i+1]) {
			return p.ending(peerPatience)
		}
		if !p.still(every) || time.Now().After(deadline) {
			break
		}
	}
	return p.left(0)
}

// still waits, and is false where the connection ends meanwhile.
func (p *peer) still(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.over:
	case <-p.a.ctx.Done():
	}
	return false
}

// ending is how the server ends the connection, if it does in time.
func (p *peer) ending(patience time.Duration) string {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-p.over:
		return p.end
	case <-p.a.ctx.Done():
		return cutShort
	case <-t.C:
		if code := p.code(); code != "" {
			return stillOpen + " after " + code
		}
		return stillOpen
	}
}

// must is ending for what the server has to end.
func (p *peer) must() (string, error) { return p.ending(peerPatience), nil }

// left is ending for what the client may well end.
func (p *peer) left(patience time.Duration) string {
	if p.still(patience + time.Millisecond) {
		if code := p.code(); code != "" {
			return "left after " + code
		}
		return "left"
	}
	if p.a.ctx.Err() != nil {
		return cutShort
	}
	return p.end
}

// answered is what the server has to say to the last frame. A frame that cannot
// be refused follows it, so that there is something to wait for.
func (p *peer) answered() string {
	p.say(fields{"type": "ping", "ref": 4711})
	t := time.NewTimer(peerPatience)
	defer t.Stop()
	said := ""
	for {
		select {
		case r := <-p.answers:
			if r.Ref == 4711 {
				return strings.TrimSpace("answered " + said)
			}
			said = r.Type
			if r.Code != "" {
				said = r.Code
			}
		case <-p.over:
			return p.end
		case <-p.a.ctx.Done():
			return cutShort
		case <-t.C:
			return stillOpen
		}
	}
}

func (p *peer) code() string {
	code, _ := p.refused.Load().(string)
	return code
}

// reset ends the connection without a word, and takes back what has not been read.
func (p *peer) reset() (string, error) {
	_ = p.conn.SetLinger(0)
	_ = p.conn.Close()
	return "reset by the client", nil
}

// close may be called after reset. It waits for who hears.
func (p *peer) close() {
	p.stop()
	_ = p.conn.Close()
	p.listen()
	if p.hears {
		<-p.over
	}
}

// Read is what the peer hears with.
func (p *peer) Read(b []byte) (int, error) {
	if p.deaf.Load() {
		select {
		case <-p.heed:
		case <-p.a.ctx.Done():
			return 0, p.a.ctx.Err()
		}
	}
	if p.slow.Load() {
		b = b[:1]
		if !p.a.pause(2 * time.Millisecond) {
			return 0, p.a.ctx.Err()
		}
	}
	return p.conn.Read(b)
}

// listen ends deafness.
func (p *peer) listen() {
	if p.deaf.CompareAndSwap(true, false) {
		close(p.heed)
	}
}

// hear reads until the end, in a goroutine.
func (p *peer) hear(next func() error) {
	p.hears = true
	go p.hearAll(next)
}

func (p *peer) hearAll(next func() error) {
	defer close(p.over)
	err := next()
	for err == nil {
		err = next()
	}
	p.end = how(err)
	if code := p.code(); code != "" && !errors.As(err, new(closeCode)) {
		p.end = code + ", " + p.end
	}
}

// closeCode is the end of a connection by a close frame.
type closeCode uint16

func (c closeCode) Error() string { return fmt.Sprintf("close %d", uint16(c)) }

// hearFrames reads one frame of the server.
func (p *peer) hearFrames() error {
	first, payload, err := p.readFrame()
	if err != nil {
		return err
	}
	switch first & 0xf {
	case opClose:
		if len(payload) < 2 {
			return closeCode(1005)
		}
		return closeCode(binary.BigEndian.Uint16(payload))
	case opPing:
		if !p.mute.Load() {
			p.write(p.pong)
		}
	case opText, opBinary:
		p.heard(payload)
	}
	return nil
}

func (p *peer) readFrame() (first byte, payload []byte, err error) {
	var h [8]byte
	if _, err := io.ReadFull(p.in, h[:2]); err != nil {
		return 0, nil, err
	}
	first, length := h[0], uint64(h[1])
	switch length {
	case 126:
		_, err = io.ReadFull(p.in, h[:2])
		length = uint64(binary.BigEndian.Uint16(h[:2]))
	case 127:
		_, err = io.ReadFull(p.in, h[:8])
		length = binary.BigEndian.Uint64(h[:8])
	}
	if err != nil {
		return 0, nil, err
	}
	if length > 64<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes from the server", length)
	}
	payload = make([]byte, length)
	if _, err = io.ReadFull(p.in, payload); err == nil && first&deflated != 0 {
		payload, err = inflate(payload)
	}
	return first, payload, err
}

// heard passes on what answers; the rest is talk.
func (p *peer) heard(payload []byte) {
	var r answer
	if p.format == client.CBOR {
		_ = cbor.Unmarshal(payload, &r)
	} else {
		_ = json.Unmarshal(payload, &r)
	}
	switch r.Type {
	case "error":
		p.refused.Store(r.Code)
	case "ready", "ack", "pong", "reset":
	default:
		return
	}
	select {
	case p.answers <- r:
	default: // nobody asked
	}
}

// hearHTTP reads one response.
func (p *peer) hearHTTP() error {
	if _, err := p.in.Peek(1); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		return err
	}
	p.refused.Store(fmt.Sprintf("HTTP %d", resp.StatusCode))
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return err
}

// how names an error without what differs each time.
func how(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "end"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return cutShort
	}
	return err.Error()
}
