package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lxzan/gws"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// script is a server that does what a test tells it: the ends of connections
// that matter here cannot be had from a real one at a given moment.
type script struct {
	gws.BuiltinEventHandler
	t     *testing.T
	http  *httptest.Server
	peers chan *peer
}

// peer is one connection to the script.
type peer struct {
	t      *testing.T
	conn   *gws.Conn
	frames chan map[string]any
	closed chan struct{}
}

func newScript(t *testing.T) *script {
	s := &script{t: t, peers: make(chan *peer, 100)}
	upgrader := gws.NewUpgrader(s, &gws.ServerOption{SubProtocols: []string{string(JSON)}})
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		p := &peer{t, conn, make(chan map[string]any, 1000), make(chan struct{})}
		conn.Session().Store("peer", p)
		s.peers <- p
		conn.ReadLoop()
	}))
	t.Cleanup(s.http.Close)
	return s
}

func peerOf(c *gws.Conn) *peer {
	p, _ := c.Session().Load("peer")
	return p.(*peer)
}

func (s *script) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	var f map[string]any
	if err := json.Unmarshal(m.Bytes(), &f); err != nil {
		s.t.Error(err)
	}
	peerOf(c).frames <- f
}

func (s *script) OnClose(c *gws.Conn, _ error) { close(peerOf(c).closed) }

func (s *script) next() *peer {
	s.t.Helper()
	select {
	case p := <-s.peers:
		return p
	case <-time.After(patience):
		s.t.Fatal("no connection came")
		return nil
	}
}

func (p *peer) next(kind string) map[string]any {
	p.t.Helper()
	select {
	case f := <-p.frames:
		if f["type"] != kind {
			p.t.Fatalf("%v is no %s", f, kind)
		}
		return f
	case <-time.After(patience):
		p.t.Fatalf("%s did not come", kind)
		return nil
	}
}

func (p *peer) say(f string) { _ = p.conn.WriteString(f) }

const scriptReady = `{"type":"ready","user":{"id":"u"},"rooms":[],"cursor":"c1","resumed":true,"heartbeat":{"interval_ms":25000,"timeout_ms":20000}}`

// greet takes hello and answers ready.
func (p *peer) greet() map[string]any {
	p.t.Helper()
	hello := p.next("hello")
	p.say(scriptReady)
	return hello
}

// open dials, answers by greet and returns both sides.
func (s *script) open(change ...func(*Config)) (*Client, *peer) {
	s.t.Helper()
	cfg := Config{URL: s.http.URL, Token: "t", Backoff: Backoff{Min: time.Millisecond, Max: time.Millisecond}}
	for _, f := range change {
		f(&cfg)
	}
	type result struct {
		c   *Client
		err error
	}
	dialled := make(chan result, 1)
	go func() {
		c, err := Dial(testContext(s.t), cfg)
		dialled <- result{c, err}
	}()
	p := s.next()
	p.greet()
	r := <-dialled
	if r.err != nil {
		s.t.Fatal(r.err)
	}
	s.t.Cleanup(func() { _ = r.c.Close() })
	return r.c, p
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
