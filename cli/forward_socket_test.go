package cli

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// forwardedSocket is a client's end of a WebSocket.
type forwardedSocket struct {
	gws.BuiltinEventHandler
	t     *testing.T
	conn  *gws.Conn
	came  chan []byte
	ended chan error
}

func dialSocket(t *testing.T, url string) *forwardedSocket {
	t.Helper()
	s := &forwardedSocket{t: t, came: make(chan []byte, 16), ended: make(chan error, 1)}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{Addr: "ws" + strings.TrimPrefix(url, "http"), ReadMaxPayloadSize: 1 << 20, HandshakeTimeout: forwardTime})
	if err != nil {
		t.Fatal(err)
	}
	s.conn = conn
	go conn.ReadLoop()
	t.Cleanup(func() { conn.NetConn().Close() })
	return s
}

func (s *forwardedSocket) OnMessage(_ *gws.Conn, m *gws.Message) {
	s.came <- bytes.Clone(m.Bytes())
	m.Close()
}

func (s *forwardedSocket) OnClose(_ *gws.Conn, err error) { s.ended <- err }

func (s *forwardedSocket) wantEnd() error {
	s.t.Helper()
	return taken(s.t, s.ended)
}

func (s *forwardedSocket) wantEcho(kind gws.Opcode, payload []byte) {
	s.t.Helper()
	if err := s.conn.WriteMessage(kind, payload); err != nil {
		s.t.Fatal(err)
	}
	if got := taken(s.t, s.came); !bytes.Equal(got, payload) {
		s.t.Fatalf("%d bytes came back, not %d", len(got), len(payload))
	}
}

func TestForwardWebSocket(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	open := func() *forwardedSocket {
		s := dialSocket(t, first.url(owner, "socket"))
		owner.take("socket")
		for size := 1; size <= 1<<19; size <<= 3 {
			s.wantEcho(gws.OpcodeText, bytes.Repeat([]byte("x"), size))
			s.wantEcho(gws.OpcodeBinary, bytes.Repeat([]byte{0xff}, size))
		}
		return s
	}
	t.Run("client closes", func(t *testing.T) {
		s := open()
		s.conn.WriteClose(4321, []byte("enough"))
		if err := taken(t, owner.ended); !strings.HasPrefix(err.Error(), "4321:") {
			t.Error(err)
		}
		taken(t, owner.open)
	})
	t.Run("client dies", func(t *testing.T) {
		s := open()
		s.conn.NetConn().Close()
		if err := taken(t, owner.ended); !strings.HasPrefix(err.Error(), "1006:") {
			t.Error(err)
		}
		taken(t, owner.open)
	})
	t.Run("owner closes", func(t *testing.T) {
		s := open()
		taken(t, owner.open).Close(engine.CloseTooSlow, "too slow")
		if err := s.wantEnd(); !strings.Contains(err.Error(), "4008") {
			t.Error(err)
		}
		taken(t, owner.ended)
	})
	first.awaitTunnels(0)
	t.Run("owner dies", func(t *testing.T) {
		s := open()
		owner.die()
		s.wantEnd()
		taken(t, owner.ended)
	})
	first.awaitTunnels(0)
}

// A client that says and hears nothing more does not keep the tunnel of a
// WebSocket that its owner has ended.
func TestForwardedSilentClient(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	conn, err := net.Dial("tcp", first.public.net.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := newGet(t, first.url(owner, "socket"))
	for name, text := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
		r.Header.Set(name, text)
	}
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	owner.take("socket")
	first.awaitTunnels(1)
	taken(t, owner.open).Close(engine.CloseTooSlow, "too slow")
	first.awaitTunnels(0)
	if err := conn.SetReadDeadline(time.Now().Add(forwardTime)); err != nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(said, []byte("HTTP/1.1 101 ")) {
		t.Errorf("%q, %v", said, err)
	}
}

// An upgrade that its owner refuses is an ordinary answer.
func TestForwardRefusedUpgrade(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	r := newGet(t, places[0].url(places[1], "socket"))
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "7")
	if status, header, _ := exchange(t, r); status != http.StatusUpgradeRequired || header.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("answered %d %v", status, header)
	}
}
