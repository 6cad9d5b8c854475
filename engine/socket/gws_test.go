package socket

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"
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

type log struct{ events []string }

func (l *log) OnOpen(*gws.Conn)                { l.events = append(l.events, "open") }
func (l *log) OnClose(_ *gws.Conn, err error)  { l.events = append(l.events, "close "+err.Error()) }
func (l *log) OnPing(_ *gws.Conn, data []byte) { l.events = append(l.events, "ping "+string(data)) }
func (l *log) OnPong(_ *gws.Conn, data []byte) { l.events = append(l.events, "pong "+string(data)) }
func (l *log) OnMessage(_ *gws.Conn, m *gws.Message) {
	l.events = append(l.events, "message "+string(m.Bytes()))
	m.Close()
}

func openGWS(t *testing.T, s *script, l *log) *gws.Conn {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	u := gws.NewUpgrader(l, &gws.ServerOption{CheckUtf8Enabled: true, NewSession: func() gws.SessionStorage { return nil }})
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

// Parking ends the goroutine between two frames and later starts ReadLoop
// again: gws calls OnOpen again, keeps its state, and closes nothing.
func TestGWSReadLoopCanBeLeftAndStartedAgain(t *testing.T) {
	part := masked(newFrame(opText, []byte("1 ")))
	part[0] &^= final
	s := &script{in: part, read: runtime.Goexit}
	l := &log{}
	g := openGWS(t, s, l)
	s.calls = nil
	left := make(chan struct{})
	go func() {
		defer close(left)
		g.ReadLoop()
	}()
	<-left
	s.in, s.read, s.err = masked(newFrame(0, []byte("2"))), nil, io.EOF
	g.ReadLoop()
	if got := fmt.Sprint(l.events); got != "[open open message 1 2 close EOF]" {
		t.Errorf("events: %s", got)
	}
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
