package socketio

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lxzan/gws"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait: a test that needs it has failed.
const patience = 30 * time.Second

// house is a server and its address.
type house struct {
	*Server
	t   testing.TB
	url string // ws://...
}

func open(t testing.TB, c Config) *house {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return &house{s, t, "ws" + strings.TrimPrefix(web.URL, "http")}
}

// old lets clients of Socket.IO v2 in.
func old(c Config) Config {
	c.Config = engineio.Config{AllowEIO3: true}
	return c
}

// peer is a bare client: it sends and sees Engine.IO packets. Pings are answered
// and not shown, unless mute.
type peer struct {
	gws.BuiltinEventHandler
	t     testing.TB
	conn  *gws.Conn
	mute  bool
	deaf  atomic.Bool // reads no more until heal closes
	heal  chan struct{}
	sees  chan string // binary messages as "binary:..."
	close chan struct{}
	once  sync.Once
}

// dial opens a session, in version 4 unless the query says otherwise. The
// handshake has been read when it returns.
func (h *house) dial(query ...string) *peer {
	h.t.Helper()
	p := h.dialMute(query...)
	p.mute = false
	return p
}

func (h *house) dialMute(query ...string) *peer {
	h.t.Helper()
	p := &peer{t: h.t, mute: true, sees: make(chan string, 4096), close: make(chan struct{}), heal: make(chan struct{})}
	url := h.url + "/socket.io/?transport=websocket&" + strings.Join(append(query, "EIO=4"), "&")
	conn, answer, err := gws.NewClient(p, &gws.ClientOption{Addr: url, RequestHeader: http.Header{"X-Test": {"yes"}}, ReadMaxPayloadSize: 4 << 20})
	if err != nil {
		h.t.Fatalf("dial: %v (%v)", err, answer)
	}
	p.conn = conn
	go conn.ReadLoop()
	h.t.Cleanup(func() {
		close(p.heal)
		_ = conn.NetConn().Close()
		p.closed()
	})
	p.wants("0{")
	return p
}

// OnMessage implements gws.Event.
func (p *peer) OnMessage(c *gws.Conn, m *gws.Message) {
	text := m.Data.String()
	if m.Opcode == gws.OpcodeBinary {
		text = "binary:" + text
	}
	_ = m.Close()
	if p.deaf.Load() {
		<-p.heal
	}
	if text == "2" && !p.mute {
		_ = c.WriteString("3")
		return
	}
	select {
	case p.sees <- text:
	case <-p.close:
	}
}

// OnClose implements gws.Event.
func (p *peer) OnClose(*gws.Conn, error) { p.once.Do(func() { close(p.close) }) }

func (p *peer) send(packets ...string) {
	p.t.Helper()
	for _, text := range packets {
		if err := p.conn.WriteString(text); err != nil {
			p.t.Fatalf("send %.60q: %v", text, err)
		}
	}
}

func (p *peer) sendBinary(data string) {
	p.t.Helper()
	if err := p.conn.WriteMessage(gws.OpcodeBinary, []byte(data)); err != nil {
		p.t.Fatal(err)
	}
}

// next is the next packet that is no ping.
func (p *peer) next() string {
	p.t.Helper()
	for {
		select {
		case text := <-p.sees:
			if text != "2" {
				return text
			}
		case <-p.close:
			select {
			case text := <-p.sees:
				if text != "2" {
					return text
				}
			default:
				p.t.Fatal("the connection was closed")
			}
		case <-time.After(patience):
			p.t.Fatal("nothing came")
		}
	}
}

// wants fails unless the next packet begins so. It returns the rest.
func (p *peer) wants(prefix string) string {
	p.t.Helper()
	got := p.next()
	rest, ok := strings.CutPrefix(got, prefix)
	if !ok {
		p.t.Fatalf("got %.200q, want %.200q...", got, prefix)
	}
	return rest
}

// is fails unless the next packets are these.
func (p *peer) is(packets ...string) {
	p.t.Helper()
	for _, want := range packets {
		if got := p.next(); got != want {
			p.t.Fatalf("got %.200q, want %.200q", got, want)
		}
	}
}

// closed waits for the end, whatever comes before it.
func (p *peer) closed() {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case <-p.close:
			return
		case <-p.sees:
		case <-timeout:
			p.t.Error("the connection was not closed")
			return
		}
	}
}

// join connects to a namespace, and returns the socket's id.
func (p *peer) join(namespace string) (sid string) {
	p.t.Helper()
	begin := "40"
	if namespace != "/" {
		begin += namespace + ","
	}
	p.send(begin)
	var answer struct{ Sid string }
	if err := json.Unmarshal([]byte(p.wants(begin)), &answer); err != nil || answer.Sid == "" {
		p.t.Fatalf("the answer to CONNECT has no sid: %v", err)
	}
	return answer.Sid
}

// await waits for something another goroutine will say.
func await[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}
