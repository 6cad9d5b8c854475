package engineio

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These are the points of the protocol's test suite for version 3.

func newWorld3(t *testing.T, o on) *world {
	o.config = func(c *Config) { c.AllowEIO3 = true }
	return newWorld(t, o)
}

func (w *world) polling3() (*made, string) {
	w.t.Helper()
	status, text := w.do("GET", "EIO=3&transport=polling", "")
	if length, packet, _ := strings.Cut(text, ":"); status != 200 || length != strconv.Itoa(len(packet)) || packet[0] != '0' {
		w.t.Fatalf("handshake: %d %s", status, text)
	}
	m := receive(w.t, w.made, "a session")
	return m, "EIO=3&transport=polling&sid=" + m.ID()
}

func (w *world) webSocket3() (*made, *wsClient) {
	w.t.Helper()
	c := w.dial("EIO=3&transport=websocket")
	m := receive(w.t, w.made, "a session")
	if text := c.next(); !strings.HasPrefix(text, `0{"sid":"`+m.ID()) {
		w.t.Fatalf("the handshake is %q", text)
	}
	return m, c
}

func TestV3Handshake(t *testing.T) {
	w := newWorld3(t, on{sockets: quick()})
	_, text := w.do("GET", "EIO=3&transport=polling", "")
	_, packet, _ := strings.Cut(text, ":")
	checkHandshake(t, packet, "websocket")
	checkHandshake(t, w.dial("EIO=3&transport=websocket").next())
	w.expectFailure("GET", "transport=polling", unsupportedProtocol)
	w.expectFailure("GET", "EIO=abc&transport=polling", unsupportedProtocol)
	w.expectFailure("POST", "EIO=3&transport=polling", badHandshakeMethod)
}

func TestV3PollingMessages(t *testing.T) {
	w := newWorld3(t, on{})
	_, session := w.polling3()
	for _, payload := range []string{"6:4hello", "6:4test16:4test26:4test3", "6:4hello10:b4AQIDBA==", "5:4€ 😀", "3:4😀2:4a"} {
		w.post(session, payload)
		w.poll(session, payload)
	}
	status, text := w.do("POST", session, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04\x00\x04\xff4€", "Content-Type", "application/octet-stream")
	if status != 200 || text != "ok" {
		t.Fatal(status, text)
	}
	w.poll(session, "6:4hello10:b4AQIDBA==2:4€")
}

func TestV3MalformedPostCloses(t *testing.T) {
	for _, payload := range []string{"abc", "", "6:4hell", "x:4", ":4", "-1:4", "1:", "3:4a\xff", "2:4😀", "99999999999999999999:4", "1:7", "2:b5"} {
		w := newWorld3(t, on{})
		m, session := w.polling3()
		if status, _ := w.do("POST", session, payload); status != http.StatusBadRequest {
			t.Errorf("%q: status %d", payload, status)
		}
		m.expectEnd(ReasonParseError)
	}
}

func TestV3DuplicatePollsClose(t *testing.T) {
	w := newWorld3(t, on{})
	m, session := w.polling3()
	first := w.waitingPoll(m, session)
	w.expectFailure("GET", session, badRequest)
	if got := receive(t, first, "the first poll"); got != "1:1" {
		t.Errorf("the first poll got %q", got)
	}
}

func TestV3WebSocketMessages(t *testing.T) {
	w := newWorld3(t, on{})
	_, c := w.webSocket3()
	c.text("4hello")
	c.expect("4hello")
	c.binary("\x04\x01\x02\x03")
	c.expect("binary:\x04\x01\x02\x03")
	c.text("b4AQID")
	c.expect("binary:\x04\x01\x02\x03")
	c.binary("\x01\x02")
	c.expectClose()
}

// The client pings, and the server does not.
func TestV3Heartbeat(t *testing.T) {
	w := newWorld3(t, on{sockets: lively(time.Second)})
	m, session := w.polling3()
	for range 3 {
		w.post(session, "1:2")
		w.poll(session, "1:3")
	}
	w.poll(session, "1:1") // waits until the session ends
	m.expectEnd(ReasonPingTimeout)
	ws, c := w.webSocket3()
	for range 3 {
		c.text("2")
		c.expect("3")
	}
	c.expectClose()
	ws.expectEnd(ReasonPingTimeout)
	if m.pulses.Load() == 0 || ws.pulses.Load() == 0 {
		t.Errorf("%d and %d beats", m.pulses.Load(), ws.pulses.Load())
	}
}

func TestV3PongIsAnError(t *testing.T) {
	w := newWorld3(t, on{})
	m, session := w.polling3()
	_, _ = w.do("POST", session, "1:3")
	m.expectEnd(ReasonTransportError)
}

func TestV3Close(t *testing.T) {
	w := newWorld3(t, on{})
	m, session := w.polling3()
	answer := w.waitingPoll(m, session)
	w.post(session, "1:1")
	if got := receive(t, answer, "the poll"); got != "1:6" {
		t.Errorf("the poll got %q", got)
	}
	ws, c := w.webSocket3()
	c.text("1")
	c.expectClose()
	ws.expectEnd(ReasonTransportClose)
}

func TestV3Upgrade(t *testing.T) {
	w := newWorld3(t, on{})
	m, session := w.polling3()
	m.Send(messageFrame(true, "\x01"))
	c := w.probe(session)
	c.text("5")
	c.expect("binary:\x04\x01")
	c.text("4hello")
	c.expect("4hello")
	w.expectFailure("GET", session, badRequest)
	w.dial(strings.Replace(session, "polling", "websocket", 1)).expectClose()
}
