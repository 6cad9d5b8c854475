package socket

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lxzan/gws"
)

func TestHandshakeIsChecked(t *testing.T) {
	good := map[string][]string{
		"Connection":            {"keep-alive, Upgrade"},
		"Upgrade":               {"WebSocket"},
		"Sec-WebSocket-Version": {"13"},
		"Sec-WebSocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	served := []string{"klatch.v1.json", "klatch.v1.cbor"}
	for _, test := range []struct {
		name     string
		change   map[string][]string
		served   []string
		origin   func(*http.Request, string) bool
		status   int
		protocol string
	}{
		{name: "good", status: 101},
		{name: "connection in two lines", change: map[string][]string{"Connection": {"keep-alive", "upgrade"}}, status: 101},
		{name: "plain request", change: map[string][]string{"Connection": nil, "Upgrade": nil}, status: 426},
		{name: "old version", change: map[string][]string{"Sec-WebSocket-Version": {"8"}}, status: 426},
		{name: "no key", change: map[string][]string{"Sec-WebSocket-Key": nil}, status: 400},
		{name: "short key", change: map[string][]string{"Sec-WebSocket-Key": {"c2hvcnQ="}}, status: 400},
		{name: "own origin", change: map[string][]string{"Origin": {"https://chat.example"}}, status: 101},
		{name: "other origin", change: map[string][]string{"Origin": {"https://evil.example"}}, status: 403},
		{name: "null origin", change: map[string][]string{"Origin": {"null"}}, status: 403},
		{name: "origin let in", change: map[string][]string{"Origin": {"https://evil.example"}}, status: 101,
			origin: func(_ *http.Request, o string) bool { return o == "https://evil.example" }},
		{name: "origin kept out", change: map[string][]string{"Origin": {"https://chat.example"}}, status: 403,
			origin: func(*http.Request, string) bool { return false }},
		{name: "no subprotocol asked for", served: served, status: 101},
		{name: "subprotocol", served: served, change: map[string][]string{"Sec-WebSocket-Protocol": {"klatch.v1.cbor"}}, status: 101, protocol: "klatch.v1.cbor"},
		{name: "the server's preference", served: served, change: map[string][]string{"Sec-WebSocket-Protocol": {"other, klatch.v1.cbor", "klatch.v1.json"}}, status: 101, protocol: "klatch.v1.json"},
		{name: "unknown subprotocol", served: served, change: map[string][]string{"Sec-WebSocket-Protocol": {"other"}}, status: 400},
		{name: "wish ignored", change: map[string][]string{"Sec-WebSocket-Protocol": {"other"}}, status: 101},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, Config{}, func() Accept {
				return Accept{Handler: newRecorder(), Subprotocols: test.served, Origin: test.origin}
			})
			r, err := http.NewRequest(http.MethodGet, "http://"+w.addr, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "chat.example"
			for _, headers := range []map[string][]string{good, test.change} {
				for name, values := range headers {
					r.Header[http.CanonicalHeaderKey(name)] = values
				}
			}
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != test.status {
				t.Fatalf("status %s, want %d", response.Status, test.status)
			}
			if test.status != http.StatusSwitchingProtocols {
				return
			}
			if got := response.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
				t.Errorf("accept key %q", got)
			}
			c := receive(t, w.accepted, "Accept")
			if got := response.Header.Get("Sec-WebSocket-Protocol"); got != test.protocol || c.Subprotocol() != test.protocol {
				t.Errorf("subprotocol %q and %q, want %q", got, c.Subprotocol(), test.protocol)
			}
			if !strings.HasPrefix(c.RemoteAddr(), "127.0.0.1:") {
				t.Errorf("address %q", c.RemoteAddr())
			}
		})
	}
}

func TestRefusalsAreTheCallersToAnswer(t *testing.T) {
	s := NewServer(Config{})
	defer s.Close(context.Background())
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/ws", nil)
	_, err := s.Accept(w, r, Accept{Handler: newRecorder(), Refuse: func(w http.ResponseWriter, _ *http.Request, refusal *Refusal) {
		w.WriteHeader(http.StatusTeapot)
	}})
	if err == nil || w.Code != http.StatusTeapot || s.Stats().Refused != 1 {
		t.Errorf("%v, status %d, stats %+v", err, w.Code, s.Stats())
	}
}

// A response writer without a connection of its own, as HTTP/2's.
func TestHijackIsImpossible(t *testing.T) {
	s := NewServer(Config{})
	defer s.Close(context.Background())
	w := httptest.NewRecorder()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accept(w, r, Accept{Handler: newRecorder()}); err == nil || w.Code != http.StatusHTTPVersionNotSupported {
		t.Errorf("%v, status %d", err, w.Code)
	}
}

// RFC 6455, section 4.2.1: the request is HTTP/1.1 or higher.
func TestHTTP10IsRefused(t *testing.T) {
	s := NewServer(Config{})
	defer s.Close(context.Background())
	w := httptest.NewRecorder()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Replace(handshake, "HTTP/1.1", "HTTP/1.0", 1) + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if _, refusal := check(r, Accept{}); refusal == nil || refusal.Status != http.StatusHTTPVersionNotSupported {
		t.Errorf("refusal %v", refusal)
	}
	if _, err := s.Accept(w, r, Accept{Handler: newRecorder()}); err == nil || w.Code != http.StatusHTTPVersionNotSupported {
		t.Errorf("%v, status %d", err, w.Code)
	}
}

func TestAcceptAfterClose(t *testing.T) {
	s := NewServer(Config{})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accept(w, r, Accept{Handler: newRecorder()}); err == nil || w.Code != http.StatusServiceUnavailable {
		t.Errorf("%v, status %d", err, w.Code)
	}
}

func TestTLS(t *testing.T) {
	r := newRecorder()
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: r} })
	r.on(func(c *Conn, _ bool, data []byte) { c.Send(TextFrame(data)) })
	web := httptest.NewTLSServer(w)
	defer web.Close()
	conn, err := tls.Dial("tcp", web.Listener.Addr().String(), web.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	p := handshakeOn(t, conn, "")
	c := receive(t, w.accepted, "Accept")
	for _, n := range []int{1, 5_000, 60_000} {
		s := strings.Repeat("x", n)
		p.send(s)
		p.expect(opText, s)
	}
	for range 1000 {
		c.Send(TextFrame([]byte("many")))
	}
	for range 1000 {
		p.expect(opText, "many")
	}
	c.Close(1000, "")
	p.expectClose(1000)
	p.write(masked(closeFrame(1000, "")))
	p.expectEnd()
	if e := r.end(t, c); e.code != 1000 || e.err != nil {
		t.Errorf("closed with %v", e)
	}
}

// The client library that the rest of klatch uses.
func TestGWSClient(t *testing.T) {
	r := newRecorder()
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: r, Subprotocols: []string{"a"}} })
	r.on(func(c *Conn, _ bool, data []byte) { c.Send(TextFrame(data)) })
	got := make(chan string, 1)
	conn, _, err := gws.NewClient(echoed{got: got}, &gws.ClientOption{
		Addr: "ws://" + w.addr, RequestHeader: http.Header{"Sec-WebSocket-Protocol": {"a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { conn.ReadLoop(); close(done) }()
	if err := conn.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, got, "the echo"); s != "hello" {
		t.Errorf("got %q", s)
	}
	receive(t, w.accepted, "Accept").Close(4009, "x")
	receive(t, done, "the client's end")
}

type echoed struct {
	gws.BuiltinEventHandler
	got chan string
}

func (e echoed) OnMessage(_ *gws.Conn, m *gws.Message) { e.got <- string(m.Bytes()) }

// pipeWriter is a response writer whose connection is one end of a net.Pipe.
type pipeWriter struct {
	http.ResponseWriter
	conn net.Conn
}

func (w pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
