package engineio

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// The heartbeat of the protocol's own test suite.
const (
	quickInterval = 300 * time.Millisecond
	quickTimeout  = 200 * time.Millisecond
)

// echo is a Handler that sends every message back, and looks whether the
// Handler's promises are kept.
type echo struct {
	t         testing.TB
	onMessage func(s *Session, isBinary bool, data []byte)
	onBeat    func(s *Session)
	inside    atomic.Int32
	pulses    atomic.Int32
	over      atomic.Bool
	reason    Reason
	ended     chan struct{}
}

func (e *echo) Message(s *Session, isBinary bool, data []byte) {
	if e.inside.Add(1) != 1 {
		e.t.Error("two calls of Message at once")
	}
	defer e.inside.Add(-1)
	if e.over.Load() {
		e.t.Error("Message after Closed")
	}
	if e.onMessage != nil {
		e.onMessage(s, isBinary, data)
		return
	}
	s.Send(messageFrame(isBinary, string(data)))
}

func (e *echo) Beat(s *Session) {
	if e.over.Load() {
		e.t.Error("Beat after Closed")
	}
	e.pulses.Add(1)
	if e.onBeat != nil {
		e.onBeat(s)
	}
}

func (e *echo) Closed(_ *Session, reason Reason) {
	if e.inside.Load() != 0 {
		e.t.Error("Closed during Message")
	}
	if e.over.Swap(true) {
		e.t.Error("Closed twice")
		return
	}
	e.reason = reason
	close(e.ended)
}

func (e *echo) expectEnd(want Reason) {
	e.t.Helper()
	receive(e.t, e.ended, "Closed")
	if e.reason != want {
		e.t.Errorf("the session ended with %q, want %q", e.reason, want)
	}
}

func messageFrame(isBinary bool, data string) []byte {
	if isBinary {
		return socket.BinaryFrame([]byte(data))
	}
	return socket.TextFrame([]byte("4" + data))
}

// world is a Server behind a real listener.
type world struct {
	t testing.TB
	*Server
	url  string
	http *http.Client
	made chan *made // sessions in the order of their handshakes
}

type made struct {
	*Session
	*echo
}

// on changes the configuration and the handlers of a world.
type on struct {
	config  func(*Config)
	sockets socket.Config
	handler func(*Session, *echo)
	web     func(*http.Server)
}

func newWorld(t testing.TB, o on) *world {
	t.Helper()
	w := &world{t: t, made: make(chan *made, 5000)}
	sockets := o.sockets
	sockets.ReadLimit = 1e6
	sockets.Logger = slog.New(slog.DiscardHandler)
	config := Config{Sockets: socket.NewServer(sockets), Logger: sockets.Logger, Accept: w.accept(o.handler)}
	if o.config != nil {
		o.config(&config)
	}
	var err error
	if w.Server, err = New(config); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(w.Server)
	if o.web != nil {
		o.web(web.Config)
	}
	web.Start()
	w.url = web.URL
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	w.http = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := errors.Join(w.Server.Close(ctx), config.Sockets.Close(ctx)); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
		web.CloseClientConnections()
		web.Close()
	})
	return w
}

// quick has the heartbeat of the protocol's test suite.
func quick() socket.Config {
	return socket.Config{HeartbeatInterval: quickInterval, HeartbeatTimeout: quickTimeout}
}

// lively beats as often, and is patient with a busy machine.
func lively(timeout time.Duration) socket.Config {
	return socket.Config{HeartbeatInterval: quickInterval, HeartbeatTimeout: timeout}
}

func (w *world) accept(handler func(*Session, *echo)) func(*Session) (Handler, error) {
	return func(s *Session) (Handler, error) {
		e := &echo{t: w.t, ended: make(chan struct{})}
		if handler != nil {
			handler(s, e)
		}
		w.made <- &made{s, e}
		return e, nil
	}
}

// do makes a request and returns its status and its answer.
func (w *world) do(method, query, body string, header ...string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.url+"/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	status, _, text, err := w.send(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, query, err)
	}
	return status, text
}

func (w *world) send(r *http.Request) (int, http.Header, string, error) {
	answer, err := w.http.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(text), err
}

func (w *world) expect(method, query, body string, status int, text string) {
	w.t.Helper()
	if s, got := w.do(method, query, body); s != status || got != text {
		w.t.Fatalf("%s %s: %d %.200q; want %d %q", method, query, s, got, status, text)
	}
}

func (w *world) expectFailure(method, query string, f failure) {
	w.t.Helper()
	text, _ := json.Marshal(f)
	w.expect(method, query, "", http.StatusBadRequest, string(text))
}

// polling begins a session by polling.
func (w *world) polling() (*made, string) {
	w.t.Helper()
	status, text := w.do("GET", "EIO=4&transport=polling", "")
	if status != 200 {
		w.t.Fatalf("handshake: %d %s", status, text)
	}
	m := receive(w.t, w.made, "a session")
	return m, "EIO=4&transport=polling&sid=" + m.ID()
}

func (w *world) post(session, body string) {
	w.t.Helper()
	w.expect("POST", session, body, 200, "ok")
}

func (w *world) poll(session, want string) {
	w.t.Helper()
	w.expect("GET", session, "", 200, want)
}

// waitingPoll makes a poll in the background, and returns when the session has it.
func (w *world) waitingPoll(m *made, session string) <-chan string {
	w.t.Helper()
	answers := make(chan string, 1)
	go func() {
		r, _ := http.NewRequest("GET", w.url+"/engine.io/?"+session, nil)
		_, _, text, err := w.send(r)
		if err != nil {
			text = err.Error()
		}
		answers <- text
	}()
	eventually(w.t, "the poll waits", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.poll != nil && !m.poll.woken
	})
	return answers
}

// webSocket begins a session on a WebSocket.
func (w *world) webSocket() (*made, *wsClient) {
	w.t.Helper()
	c := w.dial("EIO=4&transport=websocket")
	m := receive(w.t, w.made, "a session")
	if text := c.next(); !strings.HasPrefix(text, `0{"sid":"`+m.ID()) {
		w.t.Fatalf("the handshake is %q", text)
	}
	return m, c
}

func (w *world) dial(query string, header ...string) *wsClient {
	w.t.Helper()
	c, status := w.tryDial(query, header...)
	if status != http.StatusSwitchingProtocols {
		w.t.Fatalf("WebSocket handshake: status %d", status)
	}
	return c
}

func (w *world) tryDial(query string, header ...string) (*wsClient, int) {
	w.t.Helper()
	c, status, err := w.connect(query, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, status
}

func (w *world) connect(query string, header ...string) (*wsClient, int, error) {
	address, _ := url.Parse(w.url)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		return nil, 0, err
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	lines := []string{"GET /engine.io/?" + query + " HTTP/1.1", "Host: " + address.Host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	_, _ = io.WriteString(conn, strings.Join(append(lines, header...), "\r\n")+"\r\n\r\n")
	c := &wsClient{t: w.t, conn: conn, r: bufio.NewReader(conn)}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, 0, err
	}
	return c, answer.StatusCode, nil
}

// wsClient is a WebSocket client that does what it is told, and no more.
type wsClient struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func (c *wsClient) text(s string)   { c.t.Helper(); c.write(socket.TextFrame([]byte(s))) }
func (c *wsClient) binary(s string) { c.t.Helper(); c.write(socket.BinaryFrame([]byte(s))) }

func (c *wsClient) write(frame []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(masked(frame)); err != nil {
		c.t.Fatal(err)
	}
}

// masked turns a server's frame into a client's, with a mask of zeros.
func masked(frame []byte) []byte {
	header := 2
	switch frame[1] {
	case 126:
		header = 4
	case 127:
		header = 10
	}
	f := slices.Insert(slices.Clone(frame), header, 0, 0, 0, 0)
	f[1] |= 0x80
	return f
}

// read returns the next frame's opcode and payload.
func (c *wsClient) read() (byte, []byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(c.r, head[:2]); err != nil {
		return 0, nil, err
	}
	opcode, length := head[0]&0xf, uint64(head[1])
	switch length {
	case 126:
		_, _ = io.ReadFull(c.r, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, _ = io.ReadFull(c.r, head[:8])
		length = binary.BigEndian.Uint64(head[:8])
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(c.r, payload)
	return opcode, payload, err
}

// next returns a message: text as it is, a binary one after "binary:", a close after "close:".
func (c *wsClient) next() string {
	c.t.Helper()
	opcode, payload, err := c.read()
	switch {
	case err != nil:
		return "gone: " + err.Error()
	case opcode == 1:
		return string(payload)
	case opcode == 2:
		return "binary:" + string(payload)
	case opcode == 8 && len(payload) >= 2:
		return "close:" + string(payload[2:])
	case opcode == 8:
		return "close:"
	}
	return "control"
}

func (c *wsClient) expect(want string) {
	c.t.Helper()
	if got := c.next(); got != want {
		c.t.Fatalf("got %.200q, want %q", got, want)
	}
}

// expectClose skips pings.
func (c *wsClient) expectClose() {
	c.t.Helper()
	for {
		got := c.next()
		switch {
		case strings.HasPrefix(got, "close:"):
			c.write([]byte{0x88, 0})
			return
		case strings.HasPrefix(got, "gone: "):
			if strings.Contains(got, "timeout") {
				c.t.Fatal("the connection stays")
			}
			return
		case got != "2" && got != "control":
			c.t.Fatalf("got %q, want a close", got)
		}
	}
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
