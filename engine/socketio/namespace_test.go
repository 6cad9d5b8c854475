package socketio

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// I9: who is refused by a middleware is in no room, hears nothing and says nothing.
func TestMiddlewareRefuses(t *testing.T) {
	h := open(t, Config{})
	h.Use(func(s *Socket) error {
		var auth struct{ Token string }
		if err := json.Unmarshal(s.Handshake().Auth, &auth); err != nil {
			return err
		}
		s.SetData(auth.Token)
		return s.Join("guests")
	})
	h.Use(func(s *Socket) error {
		switch s.Data() {
		case "good":
			return nil
		case "odd":
			return &Error{Message: "unauthorized", Data: map[string]string{"content": "retry later"}}
		}
		return errors.New("no token")
	})
	heard := make(chan string, 4)
	h.OnConnection(func(s *Socket) { heard <- s.Data().(string) })
	p := h.dial()
	p.send(`40`)
	p.is(`44{"message":"no token"}`)
	p.send(`40{"token":"odd"}`)
	p.is(`44{"message":"unauthorized","data":{"content":"retry later"}}`)
	if n := len(h.To("guests").Sockets()) + len(h.Sockets()); n != 0 {
		t.Fatalf("%d sockets are there after refusals", n)
	}
	p.send(`40{"token":"good"}`)
	p.wants(`40{"sid":`)
	if who := await(t, heard); who != "good" {
		t.Fatalf("%q was let in", who)
	}
	if err := h.To("guests").Emit("hi"); err != nil {
		t.Fatal(err)
	}
	p.is(`42["hi"]`)
}

func TestHandshake(t *testing.T) {
	h := open(t, Config{})
	seen := make(chan *Handshake, 1)
	h.OnConnection(func(s *Socket) { seen <- s.Handshake() })
	p := h.dial("a=b")
	p.send(`40{"token":1}`)
	got := await(t, seen)
	if string(got.Auth) != `{"token":1}` || got.Query.Get("a") != "b" || got.Header.Get("X-Test") != "yes" ||
		!strings.HasPrefix(got.Address, "127.0.0.1:") || got.Time.IsZero() {
		t.Fatalf("the handshake is %+v", got)
	}
}

func TestNamespaceNames(t *testing.T) {
	h := open(t, Config{})
	if h.Of("chat") != h.Of("/chat") || h.Of("").Name() != "/" || h.Of("/") != h.Namespace {
		t.Error("a name has several namespaces")
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that cannot be sent was taken")
		}
	}()
	h.Of("a,b")
}

// The server takes a client out of one namespace; what the client has sent to it
// meanwhile is dropped, and the other namespaces go on.
func TestServerDisconnects(t *testing.T) {
	h := open(t, Config{})
	h.OnConnection(echoes)
	gone := make(chan string, 2)
	sockets := make(chan *Socket, 2)
	h.Of("/custom").OnConnection(func(s *Socket) {
		s.OnDisconnect(func(reason string) { gone <- reason })
		s.On("message", func(*Event) { t.Error("an event was heard after the disconnect") })
		sockets <- s
	})
	p := h.dial()
	p.join("/")
	p.is(`42["auth",{}]`)
	p.join("/custom")
	s := await(t, sockets)
	s.Disconnect(false)
	p.is(`41/custom,`)
	if reason := await(t, gone); reason != ReasonServerDisconnect {
		t.Fatalf("disconnected for %q", reason)
	}
	if err := s.Emit("late"); !errors.Is(err, ErrNotConnected) {
		t.Fatalf("Emit after the end: %v", err)
	}
	if err := s.Join("room"); !errors.Is(err, ErrNotConnected) {
		t.Fatalf("Join after the end: %v", err)
	}
	p.send(`42/custom,["message"]`, `42["message","still here"]`)
	p.is(`42["message-back","still here"]`)
	p.join("/custom")
	await(t, sockets).Disconnect(true)
	for range 2 {
		if got := p.next(); got != "41" && got != "41/custom," {
			t.Fatalf("got %q", got)
		}
	}
	p.closed()
}

func TestServerCloses(t *testing.T) {
	h := open(t, Config{})
	reasons := make(chan string, 1)
	h.OnConnection(func(s *Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) })
	p := h.dial()
	p.join("/")
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.closed()
	select {
	case reason := <-reasons:
		if reason != ReasonShuttingDown {
			t.Fatalf("disconnected for %q", reason)
		}
	default:
		t.Fatal("Close returned before the listeners")
	}
}

// A listener's panic ends its connection and no other.
func TestListenerPanics(t *testing.T) {
	h := open(t, Config{})
	reasons := make(chan string, 1)
	h.OnConnection(func(s *Socket) {
		echoes(s)
		s.OnDisconnect(func(reason string) { reasons <- reason })
		s.On("crash", func(*Event) { panic("crash") })
	})
	p, other := h.dial(), h.dial()
	for _, c := range []*peer{p, other} {
		c.join("/")
		c.is(`42["auth",{}]`)
	}
	p.send(`42["crash"]`)
	p.closed()
	if reason := await(t, reasons); reason != ReasonPanic {
		t.Fatalf("disconnected for %q", reason)
	}
	other.send(`42["message",1]`)
	other.is(`42["message-back",1]`)
}
