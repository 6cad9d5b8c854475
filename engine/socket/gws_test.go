package socket

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// What this package relies on in gws, pinned on gws alone, so that an update
// that changes it fails here and not in somebody's chat.

// script is a net.Conn that gives gws prepared bytes and keeps what it writes.
type script struct {
	in    []byte
	err   error // after in
	out   bytes.Buffer
	calls []string
	read  func()
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		if s.read != nil {
			s.read()
		}
		return 0, s.err
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.calls = append(s.calls, "write")
	return s.out.Write(p)
}

func (s *script) Close() error { s.calls = append(s.calls, "close"); return nil }

func (s *script) SetDeadline(time.Time) error      { s.calls = append(s.calls, "deadline"); return nil }
func (s *script) SetReadDeadline(time.Time) error  { panic("not expected") }
func (s *script) SetWriteDeadline(time.Time) error { panic("not expected") }
func (s *script) LocalAddr() net.Addr              { return nil }
func (s *script) RemoteAddr() net.Addr             { return nil }

type log struct {
	events []string
	closed error
}

func (l *log) OnOpen(*gws.Conn)                { l.events = append(l.events, "open") }
func (l *log) OnPing(_ *gws.Conn, data []byte) { l.events = append(l.events, "ping "+string(data)) }
func (l *log) OnPong(_ *gws.Conn, data []byte) { l.events = append(l.events, "pong "+string(data)) }
func (l *log) OnClose(_ *gws.Conn, err error) {
	l.events = append(l.events, "close "+err.Error())
	l.closed = err
}
func (l *log) OnMessage(_ *gws.Conn, m *gws.Message) {
	l.events = append(l.events, "message "+string(m.Bytes()))
	m.Close()
}

func openGWS(t *testing.T, s *script, l *log) *gws.Conn {
	t.Helper()
	return openGWSWith(t, s, l, gws.ServerOption{}, "")
}

func openGWSWith(t *testing.T, s *script, l *log, option gws.ServerOption, headers string) *gws.Conn {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + headers + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	option.CheckUtf8Enabled, option.NewSession = true, func() gws.SessionStorage { return nil }
	u := gws.NewUpgrader(l, &option)
	g, err := u.UpgradeFromConn(s, bufio.NewReaderSize(s, 16), r)
	if err != nil {
		t.Fatal(err)
	}
	if g.NetConn() != net.Conn(s) {
		t.Fatal("NetConn is not what gws was given")
	}
	return g
}

func TestGWSCallsInOrderAndWritesThroughOurConn(t *testing.T) {
	reset := errors.New("our own error")
	s := &script{err: reset, in: slices.Concat(
		masked(TextFrame([]byte("1"))), masked(newFrame(opPing, []byte("2"))),
		masked(newFrame(opPong, []byte("3"))), masked(BinaryFrame([]byte("4"))))}
	l := &log{}
	g := openGWS(t, s, l)
	if got := fmt.Sprint(s.calls); got != "[deadline write deadline]" {
		t.Errorf("handshake: %s", got)
	}
	if !strings.HasSuffix(s.out.String(), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") {
		t.Errorf("handshake: %q", s.out.String())
	}
	s.calls = nil
	s.out.Reset()
	g.ReadLoop()
	if got := fmt.Sprint(l.events); got != "[open message 1 ping 2 pong 3 message 4 close our own error]" {
		t.Errorf("events: %s", got)
	}
	// One write, of a close frame, then Close: all that gws does of itself.
	if got := fmt.Sprint(s.calls); got != "[write close]" {
		t.Errorf("calls: %s", got)
	}
	if o, _, err := readFrame(&s.out); o != opClose || err != nil {
		t.Errorf("wrote opcode %d, %v", o, err)
	}
}

// Parking leaves ReadLoop between two frames and later starts ReadLoop
// again: gws calls OnOpen again, keeps its state, and closes nothing.
func TestGWSReadLoopCanBeLeftAndStartedAgain(t *testing.T) {
	part := masked(newFrame(opText, []byte("1 ")))
	part[0] &^= final
	s := &script{in: part, read: func() { panic(errLeft) }}
	l := &log{}
	g := openGWS(t, s, l)
	s.calls = nil
	leaveReadLoop(t, g)
	s.in, s.read, s.err = masked(newFrame(0, []byte("2"))), nil, io.EOF
	g.ReadLoop()
	if got := fmt.Sprint(l.events); got != "[open open message 1 2 close EOF]" {
		t.Errorf("events: %s", got)
	}
}

// leaveReadLoop runs ReadLoop until Read panics, and finds the panic unchanged.
func leaveReadLoop(t *testing.T, g *gws.Conn) {
	t.Helper()
	defer func() {
		if p := recover(); p != errLeft {
			t.Errorf("ReadLoop was left with %v", p)
		}
	}()
	g.ReadLoop()
}

// When Read is called, gws has taken all it was given before.
func TestGWSReadsOnlyWhenItHasNothing(t *testing.T) {
	s := &script{err: io.EOF}
	for i := range 50 {
		s.in = append(s.in, masked(TextFrame(bytes.Repeat([]byte{'x'}, i*10)))...)
	}
	l := &log{}
	s.read = func() {
		if len(l.events) != 51 {
			t.Errorf("%d events", len(l.events))
		}
		s.read = nil
	}
	openGWS(t, s, l).ReadLoop()
}

// Why boundary.advance looks at the length's highest bit: remove the check
// when this test fails.
func TestGWSPanicsOnANegativeLength(t *testing.T) {
	s := &script{err: io.EOF, in: []byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}}
	g := openGWS(t, s, &log{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	g.ReadLoop()
}

// Should gws ever write something of its own, it cannot overtake the outbox.
func TestGWSWritesGoThroughTheOutbox(t *testing.T) {
	_, c, p, _ := one(t, Config{})
	for i := range 100 {
		c.Send(TextFrame(fmt.Append(nil, i)))
		if err := c.gws.WriteString(fmt.Sprint("gws ", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		p.expect(opText, fmt.Sprint(i))
		p.expect(opText, fmt.Sprint("gws ", i))
	}
}

func openDeflatingGWS(t *testing.T, s *script, l *log) *gws.Conn {
	t.Helper()
	option := gws.ServerOption{PermessageDeflate: gwsDeflate(), ReadMaxPayloadSize: 1000}
	return openGWSWith(t, s, l, option, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
}

// What gws answers, and why it is not given the client's own offers: it takes
// any, and does not answer what would have to be answered.
func TestGWSAnswersDeflate(t *testing.T) {
	for headers, answered := range map[string]bool{
		"": false,
		"Sec-WebSocket-Extensions: permessage-deflate\r\n":                                true,
		"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n":     true,
		"Sec-WebSocket-Extensions: not-permessage-deflate\r\n":                            true,
		"Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n": false,
	} {
		s := &script{}
		openGWSWith(t, s, &log{}, gws.ServerOption{PermessageDeflate: gwsDeflate()}, headers)
		const answer = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
		if strings.Contains(s.out.String(), answer) != answered || strings.Contains(s.out.String(), "Extensions") != answered {
			t.Errorf("to %q: %q", headers, s.out.String())
		}
	}
}

// Why boundary looks at the reserved bits.
func TestGWSLooksAtNoReservedBitsWhenItInflates(t *testing.T) {
	s := &script{err: io.EOF, in: slices.Concat(
		withFirst(final|opText|0x20, masked(TextFrame([]byte("1")))),
		withFirst(final|opPing|deflated, masked(newFrame(opPing, []byte("2")))))}
	l := &log{}
	openDeflatingGWS(t, s, l).ReadLoop()
	if got := fmt.Sprint(l.events); got != "[open message 1 ping 2 close EOF]" {
		t.Errorf("events: %s", got)
	}
}

// Why there is inflateCode.
func TestGWSBlamesItselfForWhatDoesNotInflate(t *testing.T) {
	for name, test := range map[string]struct {
		payload []byte
		code    engine.CloseCode
	}{
		"garbage":            {[]byte{0xff, 0xff, 0xff}, closeInvalidPayload},
		"cut short":          {deflate(t, bytes.Repeat([]byte("cut short "), 20))[:9], closeInvalidPayload},
		"at the limit":       {deflate(t, make([]byte, 1000)), 0},
		"one past the limit": {deflate(t, make([]byte, 1001)), closeTooLarge},
		"a bomb":             {deflate(t, make([]byte, 500_000)), closeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{err: io.EOF, in: masked(newFrame(opText|deflated, test.payload))}
			l := &log{}
			g := openDeflatingGWS(t, s, l)
			s.out.Reset()
			g.ReadLoop()
			_, closed, err := readFrame(&s.out)
			if err != nil {
				t.Fatal(err)
			}
			code := engine.CloseCode(binary.BigEndian.Uint16(closed))
			if test.code == 0 {
				if code == closeInternalError || len(l.events) != 3 {
					t.Errorf("code %d, events %.100q", code, l.events)
				}
				return
			}
			if code != closeInternalError || inflateCode(l.closed) != test.code || len(l.events) != 2 {
				t.Errorf("code %d, error %v of %T, events %.100q", code, l.closed, l.closed, l.events)
			}
		})
	}
}

// Parking between the frames of a compressed message.
func TestGWSCompressedMessageCanBeLeftAndContinued(t *testing.T) {
	payload := deflate(t, []byte("left and continued"))
	first := masked(newFrame(opText|deflated, payload[:5]))
	first[0] &^= final
	s := &script{in: first, read: func() { panic(errLeft) }}
	l := &log{}
	g := openDeflatingGWS(t, s, l)
	leaveReadLoop(t, g)
	s.in, s.read, s.err = masked(newFrame(0, payload[5:])), nil, io.EOF
	g.ReadLoop()
	if got := fmt.Sprint(l.events); got != "[open open message left and continued close EOF]" {
		t.Errorf("events: %s", got)
	}
}
