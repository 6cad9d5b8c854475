package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// These are the points of the Engine.IO protocol's test suite, version 4.

func checkHandshake(t *testing.T, text string, upgrades ...string) {
	t.Helper()
	var fields map[string]any
	var o opening
	if err := errors.Join(json.Unmarshal([]byte(text[1:]), &fields), json.Unmarshal([]byte(text[1:]), &o)); err != nil || text[0] != '0' {
		t.Fatalf("%s: %v", text, err)
	}
	if keys := slices.Sorted(maps.Keys(fields)); !slices.Equal(keys, []string{"maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"}) {
		t.Errorf("fields %v", keys)
	}
	if o.SID == "" || o.Upgrades == nil || !slices.Equal(o.Upgrades, upgrades) || o.PingInterval != 300 || o.PingTimeout != 200 || o.MaxPayload != 1e6 {
		t.Errorf("%+v", o)
	}
}

func TestHandshake(t *testing.T) {
	w := newWorld(t, on{sockets: quick()})
	status, text := w.do("GET", "EIO=4&transport=polling", "")
	if status != 200 {
		t.Fatal(status)
	}
	checkHandshake(t, text, "websocket")
	checkHandshake(t, w.dial("EIO=4&transport=websocket").next())
}

func TestHandshakeErrors(t *testing.T) {
	w := newWorld(t, on{})
	w.expectFailure("GET", "transport=polling", unsupportedProtocol)
	w.expectFailure("GET", "EIO=abc&transport=polling", unsupportedProtocol)
	w.expectFailure("GET", "EIO=3&transport=polling", unsupportedProtocol)
	w.expectFailure("GET", "EIO=4", unknownTransport)
	w.expectFailure("GET", "EIO=4&transport=abc", unknownTransport)
	w.expectFailure("GET", "EIO=4&transport=webtransport", unknownTransport)
	w.expectFailure("POST", "EIO=4&transport=polling", badHandshakeMethod)
	w.expectFailure("PUT", "EIO=4&transport=polling", badHandshakeMethod)
	w.expectFailure("GET", "EIO=4&transport=websocket", badRequest)
	w.expectFailure("GET", "EIO=4&transport=polling&sid=abc", unknownSID)
	w.expectFailure("POST", "EIO=4&transport=polling&sid=abc", unknownSID)
	for _, query := range []string{"transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc",
		"EIO=4&transport=polling", "EIO=4&transport=websocket&sid=abc"} {
		if _, status := w.tryDial(query); status != http.StatusBadRequest {
			t.Errorf("WebSocket with %s: status %d", query, status)
		}
	}
	if w.Sessions() != 0 {
		t.Error("a refused client has a session")
	}
}

func TestErrorsInASession(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.AllowEIO3 = true }})
	m, session := w.polling()
	w.expectFailure("GET", strings.Replace(session, "EIO=4", "EIO=3", 1), badRequest)
	w.expectFailure("GET", strings.Replace(session, "EIO=4&", "", 1), badRequest)
	w.expectFailure("GET", strings.Replace(session, "polling", "websocket", 1), badRequest)
	w.expectFailure("PUT", session, badRequest)
	w.post(session, "4still here")
	w.poll(session, "4still here")
	if m.Transport() != "polling" || m.Protocol() != 4 || m.Queued() != 0 {
		t.Errorf("%s, protocol %d, %d bytes", m.Transport(), m.Protocol(), m.Queued())
	}
}

func TestPollingMessages(t *testing.T) {
	w := newWorld(t, on{})
	_, session := w.polling()
	for _, payload := range []string{"4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4", "4€ 😀", "4a\nb\x1eb"} {
		w.post(session, payload)
		w.poll(session, payload)
	}
}

func TestPollWaits(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	answer := w.waitingPoll(m, session)
	w.post(session, "4hello")
	if got := receive(t, answer, "the poll"); got != "4hello" {
		t.Errorf("got %q", got)
	}
}

func TestMalformedPostCloses(t *testing.T) {
	for _, payload := range []string{"abc", "", "4ok\x1e", "\x1e4ok", "7", "4\xff", "b$$$$", "4a\x1e\x1e4b"} {
		w := newWorld(t, on{})
		m, session := w.polling()
		status, _ := w.do("POST", session, payload)
		if status != http.StatusBadRequest {
			t.Errorf("%q: status %d", payload, status)
		}
		m.expectEnd(ReasonParseError)
		w.expectFailure("GET", session, unknownSID)
	}
}

func TestBinaryPostCloses(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	if status, _ := w.do("POST", session, "\x01\x02", "Content-Type", "application/octet-stream"); status != 400 {
		t.Errorf("status %d", status)
	}
	m.expectEnd(ReasonTransportError)
}

func TestDuplicatePollsClose(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	first := w.waitingPoll(m, session)
	w.expectFailure("GET", session+"&t=burst", badRequest)
	if got := receive(t, first, "the first poll"); got != "1" {
		t.Errorf("the first poll got %q", got)
	}
	m.expectEnd(ReasonTransportError)
	w.expectFailure("GET", session, unknownSID)
}

func TestDuplicatePostsClose(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	w := newWorld(t, on{handler: func(_ *Session, e *echo) {
		e.onMessage = func(*Session, bool, []byte) { close(entered); <-leave }
	}})
	m, session := w.polling()
	first := make(chan string, 1)
	go func() {
		r, _ := http.NewRequest("POST", w.url+"/engine.io/?"+session, strings.NewReader("4a\x1e4never told"))
		_, _, text, _ := w.send(r)
		first <- text
	}()
	receive(t, entered, "the first POST")
	w.expectFailure("POST", session, badRequest)
	select {
	case <-m.ended:
		t.Error("Closed while Message runs")
	default:
	}
	close(leave)
	receive(t, first, "the first POST's answer")
	m.expectEnd(ReasonTransportError)
}

func TestCancelledPollCloses(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", w.url+"/engine.io/?"+session, nil)
	gone := make(chan error, 1)
	go func() { _, _, _, err := w.send(r); gone <- err }()
	eventually(t, "the poll waits", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.poll != nil })
	cancel()
	receive(t, gone, "the poll's end")
	m.expectEnd(ReasonTransportError)
	w.expectFailure("GET", session, unknownSID)
}

func TestWebSocketMessages(t *testing.T) {
	w := newWorld(t, on{})
	m, c := w.webSocket()
	c.text("4hello")
	c.expect("4hello")
	c.binary("\x01\x02\x03\x04")
	c.expect("binary:\x01\x02\x03\x04")
	big := strings.Repeat("x", 999_999)
	c.text("4" + big)
	c.expect("4" + big)
	if m.Transport() != "websocket" {
		t.Error(m.Transport())
	}
}

func TestMalformedWebSocketMessageCloses(t *testing.T) {
	for _, text := range []string{"abc", "", "7", "b$"} {
		w := newWorld(t, on{})
		m, c := w.webSocket()
		c.text(text)
		c.expectClose()
		m.expectEnd(ReasonParseError)
	}
}

func TestPollingHeartbeat(t *testing.T) {
	w := newWorld(t, on{sockets: lively(patience)})
	m, session := w.polling()
	for range 3 {
		w.poll(session, "2")
		w.post(session, "3")
	}
	if m.pulses.Load() < 3 {
		t.Errorf("%d beats", m.pulses.Load())
	}
}

func TestWebSocketHeartbeat(t *testing.T) {
	w := newWorld(t, on{sockets: lively(patience)})
	m, c := w.webSocket()
	for range 3 {
		c.expect("2")
		c.text("3")
	}
	if m.pulses.Load() < 3 {
		t.Errorf("%d beats", m.pulses.Load())
	}
}

// A client ends itself without pings, however much else it gets.
func TestBusyWebSocketIsPinged(t *testing.T) {
	w := newWorld(t, on{sockets: lively(patience)})
	_, c := w.webSocket()
	for pings := 0; pings < 3; {
		c.text("4busy")
		if got := c.next(); got == "2" {
			pings++
		} else if got != "4busy" {
			t.Fatal(got)
		}
	}
}

func TestPingTimeout(t *testing.T) {
	w := newWorld(t, on{sockets: quick()})
	polling, session := w.polling()
	ws, c := w.webSocket()
	polling.expectEnd(ReasonPingTimeout)
	w.expectFailure("GET", session, unknownSID)
	ws.expectEnd(ReasonPingTimeout)
	c.expectClose()
	if w.Sessions() != 0 {
		t.Errorf("%d sessions are left", w.Sessions())
	}
}

// A client that polls, but answers no ping.
func TestIgnoredPings(t *testing.T) {
	w := newWorld(t, on{sockets: lively(time.Second)})
	m, session := w.polling()
	w.poll(session, "2")
	w.poll(session, "1") // waits until the timeout is over
	m.expectEnd(ReasonPingTimeout)
}

func TestPingFromTheClientIsAnError(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	_, _ = w.do("POST", session, "2")
	m.expectEnd(ReasonTransportError)
	ws, c := w.webSocket()
	c.text("2")
	c.expectClose()
	ws.expectEnd(ReasonTransportError)
}

func TestClientCloses(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	answer := w.waitingPoll(m, session)
	w.post(session, "1")
	if got := receive(t, answer, "the poll"); got != "6" {
		t.Errorf("the poll got %q", got)
	}
	m.expectEnd(ReasonTransportClose)
	w.expectFailure("GET", session, unknownSID)

	ws, c := w.webSocket()
	c.text("1")
	c.expectClose()
	ws.expectEnd(ReasonTransportClose)

	ws, c = w.webSocket()
	c.write([]byte{0x88, 2, 0x03, 0xe8})
	c.expectClose()
	ws.expectEnd(ReasonTransportClose)

	ws, c = w.webSocket()
	_ = c.conn.Close()
	ws.expectEnd(ReasonTransportClose)
}

func TestServerCloses(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	m.Send(messageFrame(false, "last"))
	m.Close(4009, "replaced")
	m.Send(messageFrame(false, "too late"))
	w.post(session, "4ignored")
	w.poll(session, "4last")
	w.poll(session, "1")
	m.expectEnd(ReasonForcedClose)
	w.expectFailure("GET", session, unknownSID)

	m, session = w.polling()
	answer := w.waitingPoll(m, session)
	m.End("my own reason")
	if got := receive(t, answer, "the poll"); got != "1" {
		t.Errorf("the poll got %q", got)
	}
	m.expectEnd("my own reason")

	ws, c := w.webSocket()
	ws.Send(messageFrame(false, "last"))
	ws.Close(4009, "replaced")
	c.expect("4last")
	c.expect("close:replaced")
	c.write([]byte{0x88, 0})
	ws.expectEnd(ReasonForcedClose)
}

// A poll that waits takes what was queued at the last moment; the close packet
// is for the one after it, in both versions of the protocol.
func TestServerClosesWhileAPollWaits(t *testing.T) {
	w := newWorld3(t, on{})
	m, session := w.polling()
	closesInTwoPolls(w, m, session, "4last", "1")
	m, session = w.polling3()
	closesInTwoPolls(w, m, session, "5:4last", "1:1")
}

func closesInTwoPolls(w *world, m *made, session, last, end string) {
	w.t.Helper()
	answer := w.waitingPoll(m, session)
	m.Send(messageFrame(false, "last"))
	m.Close(4009, "replaced")
	if got := receive(w.t, answer, "the poll"); got != last {
		w.t.Errorf("the poll that waited got %q", got)
	}
	if m.over.Load() {
		w.t.Error("the handler was told the end before the client was")
	}
	w.poll(session, end)
	m.expectEnd(ReasonForcedClose)
	w.expectFailure("GET", session, unknownSID)
}

// A client that takes its last packets and no more is not waited for either.
func TestServerClosesWithoutASecondPoll(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.CloseTimeout = 100 * time.Millisecond }})
	m, session := w.polling()
	answer := w.waitingPoll(m, session)
	m.Send(messageFrame(false, "last"))
	m.Close(0, "")
	receive(t, answer, "the poll")
	m.expectEnd(ReasonForcedClose)
}

// A client that never comes for its last packets is not waited for for ever.
func TestServerClosesWithoutAPoll(t *testing.T) {
	w := newWorld(t, on{config: func(c *Config) { c.CloseTimeout = 1 }})
	m, _ := w.polling()
	m.Close(0, "")
	m.expectEnd(ReasonForcedClose)
}

func TestAttachmentsFollowTheirText(t *testing.T) {
	w := newWorld(t, on{})
	frames := slices.Concat(messageFrame(false, "51-[]"), messageFrame(true, "\x01\x02\x03"), messageFrame(false, "next"))
	m, session := w.polling()
	m.Send(frames)
	w.poll(session, "451-[]\x1ebAQID\x1e4next")
	ws, c := w.webSocket()
	ws.Send(frames)
	c.expect("451-[]")
	c.expect("binary:\x01\x02\x03")
	c.expect("4next")
}

func TestMalformedFrameEndsTheSession(t *testing.T) {
	w := newWorld(t, on{})
	m, session := w.polling()
	m.Send([]byte("4 is no frame"))
	if status, _ := w.do("GET", session, ""); status != 400 {
		t.Errorf("status %d", status)
	}
	m.expectEnd(ReasonTransportError)
}
