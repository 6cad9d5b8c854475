package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
)

// unparked has tests and benchmarks run as on systems that have no poller.
var unparked = flag.Bool("unparked", false, "keep a goroutine for each connection")

func TestMain(m *testing.M) { goleak.VerifyTestMain(bothWays{m}) }

// bothWays runs the tests with parked connections and with a goroutine for each.
type bothWays struct{ *testing.M }

func (b bothWays) Run() int {
	if code := b.M.Run(); code != 0 || *unparked || special() {
		return code
	}
	*unparked = true
	return b.M.Run()
}

// special reports whether this is not a plain run of the tests.
func special() bool {
	for _, name := range []string{"bench", "fuzz", "list"} {
		if flag.Lookup("test."+name).Value.String() != "" {
			return true
		}
	}
	return flag.Lookup("test.fuzzworker").Value.String() == "true"
}

const patience = 30 * time.Second

// recorder is a Handler that keeps what it is told.
type recorder struct {
	onMessage func(c *Conn, binary bool, data []byte)
	onBeat    func(c *Conn)

	mu       sync.Mutex
	messages []string
	closed   []ending
	arrived  chan struct{} // one for each message
	ended    chan struct{}
}

func newRecorder() *recorder {
	return &recorder{arrived: make(chan struct{}, 10_000), ended: make(chan struct{})}
}

func (r *recorder) Message(c *Conn, binary bool, data []byte) {
	r.mu.Lock()
	if len(r.closed) > 0 {
		r.mu.Unlock()
		panic("Message after Closed")
	}
	r.messages = append(r.messages, string(data))
	onMessage := r.onMessage
	r.mu.Unlock()
	if onMessage != nil {
		onMessage(c, binary, data)
	}
	r.arrived <- struct{}{}
}

func (r *recorder) on(message func(c *Conn, binary bool, data []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onMessage = message
}

func (r *recorder) Beat(c *Conn) {
	if r.onBeat != nil {
		r.onBeat(c)
	}
}

func (r *recorder) Closed(_ *Conn, code engine.CloseCode, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = append(r.closed, ending{code, err})
	if len(r.closed) == 1 {
		close(r.ended)
	}
}

func (r *recorder) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// end waits for Closed and Done and returns what Closed was told, once.
func (r *recorder) end(t testing.TB, c *Conn) ending {
	t.Helper()
	receive(t, r.ended, "Handler.Closed")
	receive(t, c.Done(), "Done")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.closed) != 1 {
		t.Fatalf("Closed called %d times", len(r.closed))
	}
	return r.closed[0]
}

func receive[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		return v
	}
}

// eventually is for what has no channel to wait for.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// world is a Server behind a real listener.
type world struct {
	*Server
	addr     string
	accepted chan *Conn
	accept   func() Accept
}

func newWorld(t testing.TB, config Config, accept func() Accept) *world {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.unparked = config.unparked || *unparked
	w := &world{Server: NewServer(config), accepted: make(chan *Conn, 10_000), accept: accept}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	web := &http.Server{Handler: w}
	var serving sync.WaitGroup
	serving.Go(func() { _ = web.Serve(l) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = web.Close()
		serving.Wait()
		if err := w.Server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if c, err := w.Server.Accept(rw, r, w.accept()); err == nil {
		w.accepted <- c
	}
}

// one makes a world for connections that share a recorder, and connects once.
func one(t testing.TB, config Config) (*world, *Conn, *client, *recorder) {
	t.Helper()
	r := newRecorder()
	w := newWorld(t, config, func() Accept { return Accept{Handler: r} })
	c, p := w.connect(t)
	return w, c, p, r
}

func (w *world) connect(t testing.TB) (*Conn, *client) {
	t.Helper()
	p := dial(t, w.addr)
	return receive(t, w.accepted, "Accept"), p
}

// client is a peer that can misbehave: it writes what it is told to.
type client struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

const handshake = "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

func dial(t testing.TB, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return handshakeOn(t, conn, "")
}

func handshakeOn(t testing.TB, conn net.Conn, first string) *client {
	t.Helper()
	p := &client{t: t, Conn: conn, r: bufio.NewReader(conn)}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	p.write([]byte(handshake + "\r\n" + first))
	response, err := http.ReadResponse(p.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %s", response.Status)
	}
	return p
}

func (p *client) write(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// masked makes a frame of a client from one of a server.
func masked(frame []byte) []byte {
	header := 2
	switch frame[1] {
	case 126:
		header = 4
	case 127:
		header = 10
	}
	out := append([]byte(nil), frame[:header]...)
	out[1] |= 0x80
	key := [4]byte{1, 2, 3, 4}
	out = append(out, key[:]...)
	for i, b := range frame[header:] {
		out = append(out, b^key[i%4])
	}
	return out
}

func (p *client) send(text string) { p.t.Helper(); p.write(masked(TextFrame([]byte(text)))) }

// next reads one frame of the server.
func (p *client) next() (opcode byte, payload []byte, err error) {
	return readFrame(p.r)
}

func readFrame(r io.Reader) (opcode byte, payload []byte, err error) {
	var h [8]byte
	if _, err = io.ReadFull(r, h[:2]); err != nil {
		return 0, nil, err
	}
	opcode = h[0] & 0xf
	if h[0]&0xf0 != final || h[1]&0x80 != 0 {
		return 0, nil, errors.New("not a whole unmasked frame")
	}
	n := uint64(h[1])
	switch n {
	case 126:
		_, err = io.ReadFull(r, h[:2])
		n = uint64(binary.BigEndian.Uint16(h[:]))
	case 127:
		_, err = io.ReadFull(r, h[:8])
		n = binary.BigEndian.Uint64(h[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return opcode, payload, err
}

func (p *client) expect(opcode byte, payload string) {
	p.t.Helper()
	o, b, err := p.next()
	if err != nil || o != opcode || string(b) != payload {
		p.t.Fatalf("got opcode %d %.60q, %v; want %d %.60q", o, b, err, opcode, payload)
	}
}

func (p *client) expectClose(code engine.CloseCode) string {
	p.t.Helper()
	for {
		o, b, err := p.next()
		if err != nil {
			p.t.Fatalf("no close frame: %v", err)
		}
		if o != opClose {
			continue
		}
		if code == CloseNoStatus && len(b) == 0 {
			return ""
		}
		if len(b) < 2 || engine.CloseCode(binary.BigEndian.Uint16(b)) != code {
			p.t.Fatalf("closed with %q, want %d", b, code)
		}
		return string(b[2:])
	}
}

func (p *client) expectEnd() {
	p.t.Helper()
	if n, err := io.Copy(io.Discard, p.r); n != 0 || errors.Is(err, context.DeadlineExceeded) ||
		err != nil && strings.Contains(err.Error(), "timeout") {
		p.t.Fatalf("%d bytes after the end, %v", n, err)
	}
}

func (p *client) reset() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	_ = p.Conn.Close()
}
