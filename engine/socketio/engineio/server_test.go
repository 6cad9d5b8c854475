package engineio

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine/socket"
)

func TestClose(t *testing.T) {
	w := newWorld(t, on{})
	idle, idleSession := w.polling()
	waiting, waitingSession := w.polling()
	answer := w.waitingPoll(waiting, waitingSession)
	ws, c := w.webSocket()
	probed, probedSession := w.polling()
	probing := w.probe(probedSession)
	ws.Send(messageFrame(false, "last"))
	closed := make(chan error, 1)
	go func() { closed <- w.Close(t.Context()) }()
	if got := receive(t, answer, "the poll"); got != "1" {
		t.Errorf("the poll got %q", got)
	}
	c.expect("4last")
	c.expectClose()
	probing.expectClose()
	if err := receive(t, closed, "Close"); err != nil {
		t.Error(err)
	}
	for _, m := range []*made{idle, waiting, ws, probed} {
		m.expectEnd(ReasonShuttingDown)
	}
	w.expectFailure("GET", idleSession, unknownSID)
	if status, _ := w.do("GET", "EIO=4&transport=polling", ""); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
}

// A session that is being made while the server closes ends with it.
func TestCloseWhileASessionIsMade(t *testing.T) {
	inside, leave := make(chan struct{}, 2), make(chan struct{})
	w := newWorld(t, on{handler: func(*Session, *echo) { inside <- struct{}{}; <-leave }})
	answers := make(chan int, 2)
	go func() {
		r, _ := http.NewRequest("GET", w.url+"/?EIO=4&transport=polling", nil)
		status, _, _, _ := w.send(r)
		answers <- status
	}()
	go func() {
		_, status, _ := w.connect("EIO=4&transport=websocket")
		answers <- status
	}()
	receive(t, inside, "Accept")
	receive(t, inside, "Accept")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close of a server that is not done: %v", err)
	}
	close(leave)
	for range 2 {
		receive(t, answers, "an answer")
		receive(t, w.made, "a session").expectEnd(ReasonShuttingDown)
	}
	if err := w.Close(t.Context()); err != nil || w.Sessions() != 0 {
		t.Errorf("%d sessions, %v", w.Sessions(), err)
	}
}

// A frame that is none ends a session wherever it is to go.
func TestV3MalformedFrameEndsTheSession(t *testing.T) {
	w := newWorld3(t, on{})
	ws, c := w.webSocket3()
	ws.Send([]byte("4 is no frame"))
	c.expectClose()
	ws.expectEnd(ReasonTransportError)
}

func TestPanicsStayInTheirSession(t *testing.T) {
	w := newWorld(t, on{sockets: lively(patience), handler: func(s *Session, e *echo) {
		switch s.Request().Query.Get("panic") {
		case "message":
			e.onMessage = func(*Session, bool, []byte) { panic("as told") }
		case "beat":
			e.onBeat = func(*Session) { panic("as told") }
		}
	}})
	for _, where := range []string{"message", "beat"} {
		_, text := w.do("GET", "EIO=4&transport=polling&panic="+where, "")
		m := receive(t, w.made, text)
		session := "EIO=4&transport=polling&sid=" + m.ID()
		ws := w.dial("EIO=4&transport=websocket&panic=" + where)
		m2 := receive(t, w.made, "a session")
		ws.next()
		if where == "beat" {
			w.poll(session, "2")
			ws.expect("2")
			continue
		}
		if status, _ := w.do("POST", session, "4die"); status != 400 {
			t.Errorf("status %d", status)
		}
		m.expectEnd(ReasonTransportError)
		ws.text("4die")
		ws.expectClose()
		m2.expectEnd(ReasonTransportError)
	}
}

// A handler may end its session, and send to it, from wherever it is called.
func TestHandlersMayDoAnything(t *testing.T) {
	for when, sockets := range map[string]socket.Config{"accept": {}, "message": {}, "beat": lively(patience)} {
		t.Run(when, func(t *testing.T) { handlerCloses(t, when, sockets) })
	}
}

func handlerCloses(t *testing.T, when string, sockets socket.Config) {
	w := newWorld(t, on{sockets: sockets, handler: func(s *Session, e *echo) {
		s.Send(messageFrame(false, "welcome"))
		switch when {
		case "accept":
			s.Close(4009, "")
		case "message":
			e.onMessage = func(s *Session, _ bool, _ []byte) { s.Close(4009, "") }
		case "beat":
			e.onBeat = func(s *Session) { s.Close(4009, "") }
		}
	}})
	_, text := w.do("GET", "EIO=4&transport=polling", "")
	m := receive(t, w.made, "a session")
	session := "EIO=4&transport=polling&sid=" + m.ID()
	if _, rest, _ := strings.Cut(text, "\x1e"); rest != "4welcome" && rest != "4welcome\x1e1" {
		t.Errorf("the handshake is followed by %q", rest)
	}
	c := w.dial("EIO=4&transport=websocket")
	ws := receive(t, w.made, "a session")
	c.next()
	c.expect("4welcome")
	switch when {
	case "message":
		w.post(session, "4x\x1e4never told")
		w.poll(session, "1")
		c.text("4x")
		c.text("4never told")
	case "beat":
		w.poll(session, "1")
	}
	m.expectEnd(ReasonForcedClose)
	c.expectClose()
	ws.expectEnd(ReasonForcedClose)
}

// A poll outlives what the HTTP server allows a request, and its connection is
// as good as before.
func TestPollOutlivesTheServersDeadlines(t *testing.T) {
	const deadline = 300 * time.Millisecond
	w := newWorld(t, on{web: func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = deadline, deadline }})
	m, session := w.polling()
	for range 2 {
		answer := w.waitingPoll(m, session)
		timer := time.NewTimer(2 * deadline)
		select {
		case got := <-answer:
			t.Fatalf("the poll got %q", got)
		case <-timer.C:
		}
		w.post(session, "4hello")
		if got := receive(t, answer, "the poll"); got != "4hello" {
			t.Errorf("the poll got %q", got)
		}
	}
}

func TestRequestIsKept(t *testing.T) {
	w := newWorld(t, on{})
	begun := time.Now()
	status, _ := w.do("GET", "EIO=4&transport=polling&room=x", "", "Cookie", "a=b", "X-Test", "yes")
	m := receive(t, w.made, "a session")
	r := m.Request()
	if status != 200 || r.Header.Get("X-Test") != "yes" || r.Cookie("a") != "b" || r.Cookie("c") != "" || r.Query.Get("room") != "x" ||
		!strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") || r.Time.Before(begun) || r.Secure || !strings.HasSuffix(r.URL, "room=x") ||
		"http://"+r.Host != w.url {
		t.Errorf("%d %+v", status, r)
	}
}

func TestConfigIsChecked(t *testing.T) {
	sockets := socket.NewServer(socket.Config{})
	defer sockets.Close(t.Context())
	accept := func(*Session) (Handler, error) { return nil, nil }
	for _, c := range []Config{
		{},
		{Sockets: sockets},
		{Accept: accept},
		{Sockets: sockets, Accept: accept}, // its ReadLimit is 64 KiB
		{Sockets: sockets, Accept: accept, MaxPayload: 1000, PingInterval: time.Second},
		{Sockets: sockets, Accept: accept, MaxPayload: 1000, MaxSessions: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	if _, err := New(Config{Sockets: sockets, Accept: accept, MaxPayload: 1000}); err != nil {
		t.Error(err)
	}
}

func TestCORS(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) {
		c.Origin = func(r *http.Request) (string, bool) {
			if o := r.Header.Get("Origin"); o == "https://app.example" {
				return o, true
			}
			return "", false
		}
	}})
	ask := func(method, query, origin string) http.Header {
		t.Helper()
		r, _ := http.NewRequest(method, w.url+"/?"+query, nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Headers", "x-mine")
		_, header, _, err := w.send(r)
		if err != nil {
			t.Fatal(err)
		}
		return header
	}
	for _, query := range []string{"EIO=4&transport=polling", "EIO=4&transport=polling&sid=unknown", "transport=nonsense"} {
		h := ask("GET", query, "https://app.example")
		if h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
			t.Errorf("%s: %v", query, h)
		}
		if h := ask("GET", query, "https://evil.example"); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
			t.Errorf("%s of another: %v", query, h)
		}
	}
	h := ask("OPTIONS", "EIO=4&transport=polling&sid=x", "https://app.example")
	if h.Get("Access-Control-Allow-Methods") != "GET, POST" || h.Get("Access-Control-Allow-Headers") != "x-mine" {
		t.Errorf("preflight: %v", h)
	}
	if h := ask("OPTIONS", "", "https://evil.example"); h.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("preflight of another: %v", h)
	}
}

func TestWebSocketOrigin(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) {
		c.Origin = func(*http.Request) (string, bool) { return "https://app.example", true }
	}})
	for origin, want := range map[string]int{"https://app.example": 101, w.url: 101, "https://evil.example": 403, "null": 403} {
		if _, status := w.tryDial("EIO=4&transport=websocket", "Origin: "+origin); status != want {
			t.Errorf("from %s: status %d", origin, status)
		}
	}
	eventually(t, "the refused have no session", func() bool { return w.Sessions() == 2 })
}
