package engineio

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// I6: sessions that are made and never polled end by themselves, and there are
// never more than MaxSessions.
func TestI6SessionsThatNobodyPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1000
		ended, released := atomic.Int32{}, atomic.Int32{}
		sockets := socket.NewServer(socket.Config{ReadLimit: 1e6})
		srv, err := New(Config{
			Sockets: sockets, MaxSessions: most,
			Accept: func(*Session) (Handler, error) { return counter{&ended}, nil },
			Admit: func(*http.Request) (func(), *engine.Error) {
				return func() { released.Add(1) }, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		get := func() int {
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling", nil))
			return w.Code
		}
		for range most {
			if status := get(); status != 200 {
				t.Fatal(status)
			}
		}
		if status := get(); status != http.StatusServiceUnavailable {
			t.Errorf("one more: status %d", status)
		}
		time.Sleep(45*time.Second - time.Millisecond)
		synctest.Wait()
		if n := srv.Sessions(); n != most {
			t.Errorf("%d sessions before the timeout", n)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if srv.Sessions() != 0 || len(srv.sessions) != 0 || ended.Load() != most || released.Load() != most+1 {
			t.Errorf("%d sessions, %d ended, %d released", srv.Sessions(), ended.Load(), released.Load())
		}
		if status := get(); status != 200 {
			t.Errorf("after the flood: status %d", status)
		}
		if err := errors.Join(srv.Close(t.Context()), sockets.Close(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

type counter struct{ ended *atomic.Int32 }

func (counter) Message(*Session, bool, []byte) {}
func (counter) Beat(*Session)                  {}
func (c counter) Closed(*Session, Reason)      { c.ended.Add(1) }

// I6: who does not poll loses the session, and the sender notices nothing.
func TestI6ClientThatDoesNotPoll(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.QueueBytes = 10_000 }})
	m, session := w.polling()
	m.Send(messageFrame(false, strings.Repeat("x", 20_000))) // an empty queue takes any
	w.poll(session, "4"+strings.Repeat("x", 20_000))
	for range 10_000/(100+frameOverhead) + 1 {
		m.Send(messageFrame(false, strings.Repeat("x", 100)))
	}
	m.expectEnd(ReasonTooSlow)
	if err := m.Drained(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Drained: %v", err)
	}
	w.expectFailure("GET", session, unknownSID)
}

func TestDrained(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.QueueBytes = 10_000 }})
	m, session := w.polling()
	m.Send(messageFrame(false, strings.Repeat("x", 6000)))
	if m.Queued() < 6000 {
		t.Errorf("%d bytes are queued", m.Queued())
	}
	over, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrNoProgress)
	if err := m.Drained(over); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Drained: %v", err)
	}
	drained := make(chan error, 1)
	go func() { drained <- m.Drained(t.Context()) }()
	eventually(t, "Drained waits", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.drained != nil })
	_, _ = w.do("GET", session, "")
	if err := receive(t, drained, "Drained"); err != nil {
		t.Error(err)
	}
	w.upgrade(m, session)
	if err := m.Drained(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestI6HugeBodies(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.MaxPayload = 1000 }})
	m, session := w.polling()
	status, _ := w.do("POST", session, "4"+strings.Repeat("x", 1000))
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
	r, _ := http.NewRequest("POST", w.url+"/?"+session, io.MultiReader(strings.NewReader("4"), strings.NewReader(strings.Repeat("x", 1000))))
	if status, _, _, err := w.send(r); err != nil || status != http.StatusRequestEntityTooLarge {
		t.Errorf("in chunks: status %d, %v", status, err)
	}
	w.post(session, "4"+strings.Repeat("x", 999))
	w.poll(session, "4"+strings.Repeat("x", 999))
	ws, c := w.webSocket()
	c.text("4" + strings.Repeat("x", 1000))
	c.expectClose()
	ws.expectEnd(ReasonTransportError)
	if m.over.Load() {
		t.Error("the session has ended")
	}
}

// I6: a body that drips is cut off.
func TestI6SlowBody(t *testing.T) {
	w := newWorld(t, on{sockets: socket.Config{HeartbeatTimeout: 100 * time.Millisecond}})
	m, session := w.polling()
	address, _ := url.Parse(w.url)
	conn, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST /?%s HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4", session)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && answer.StatusCode != 400 {
		t.Errorf("status %d", answer.StatusCode)
	}
	m.expectEnd(ReasonTransportError)
}

// I6: idle sessions on WebSockets hold no goroutine.
func TestI6IdleWebSocketsAreParked(t *testing.T) {
	const sessions = 200
	w := newWorld(t, on{})
	w.webSocket()
	w.polling()
	before := runtime.NumGoroutine()
	for range sessions / 2 {
		w.webSocket()
		m, session := w.polling()
		w.upgrade(m, session)
	}
	w.http.CloseIdleConnections()
	eventually(t, "all are parked", func() bool { return w.config.Sockets.Stats().Parked == sessions+1 })
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() < before+60 })
	t.Logf("%d goroutines for 2 sessions, %d for %d", before, runtime.NumGoroutine(), sessions+2)
}

// I9: a sid that was never given, or has expired, or is another node's.
func TestI9Sids(t *testing.T) {
	var forwarded []string
	w := newWorld(t, on{config: func(c *Config) {
		c.Node = "n1"
		c.Forward = func(w http.ResponseWriter, r *http.Request, node string) bool {
			forwarded = append(forwarded, node)
			if node == "gone" {
				return false
			}
			w.WriteHeader(http.StatusTeapot)
			return true
		}
	}})
	m, session := w.polling()
	if !strings.HasPrefix(m.ID(), "n1.") || len(m.ID()) != len("n1.")+20 {
		t.Errorf("sid %q", m.ID())
	}
	random := strings.TrimPrefix(m.ID(), "n1.")
	for _, sid := range []string{random, "n1." + strings.Repeat("A", 20), "n1.", ".", "." + random, m.ID() + "x", "n1." + strings.ToUpper(random), "gone." + random} {
		w.expectFailure("GET", "EIO=4&transport=polling&sid="+sid, unknownSID)
	}
	for _, query := range []string{"EIO=4&transport=polling&sid=n2." + random, "EIO=4&transport=websocket&sid=n2." + random} {
		if status, _ := w.do("GET", query, ""); status != http.StatusTeapot {
			t.Errorf("another node's: status %d", status)
		}
	}
	if fmt.Sprint(forwarded) != "[gone n2 n2]" {
		t.Errorf("forwarded to %v", forwarded)
	}
	m.End(ReasonForcedClose)
	w.poll(session, "1")
	w.expectFailure("GET", session, unknownSID)
}

func TestRefusals(t *testing.T) {
	var refusal *engine.Error
	held := atomic.Int32{}
	w := newWorld(t, on{config: func(c *Config) {
		made := c.Accept
		c.Accept = func(s *Session) (Handler, error) {
			switch s.Request().Query.Get("accept") {
			case "no":
				return nil, errors.New("not you")
			case "panic":
				panic("as told")
			}
			return made(s)
		}
		c.Admit = func(*http.Request) (func(), *engine.Error) {
			if refusal != nil {
				return nil, refusal
			}
			held.Add(1)
			return func() { held.Add(-1) }, nil
		}
	}})
	check := func(query string, status int, message string) {
		t.Helper()
		text, _ := json.Marshal(failure{4, message})
		w.expect("GET", "EIO=4&transport=polling"+query, "", status, string(text))
		if _, got := w.tryDial("EIO=4&transport=websocket" + query); got != status {
			t.Errorf("WebSocket: status %d", got)
		}
		if w.Sessions() != 0 || held.Load() != 0 {
			t.Errorf("%d sessions, %d admitted", w.Sessions(), held.Load())
		}
	}
	check("&accept=no", 403, "not you")
	check("&accept=panic", 403, "Forbidden")
	refusal = &engine.Error{Code: engine.CodeRateLimited, Message: "slowly", RetryAfter: time.Second}
	check("", 429, "slowly")
	refusal = engine.ErrUnavailable
	check("", 503, engine.ErrUnavailable.Message)
}
