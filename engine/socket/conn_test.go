package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

func TestEcho(t *testing.T) {
	w, c, p, r := one(t, Config{})
	r.on(func(c *Conn, binary bool, data []byte) {
		if binary {
			c.Send(BinaryFrame(data))
		} else {
			c.Send(TextFrame(data))
		}
	})
	for _, n := range []int{0, 1, 125, 126, 4000, 4096, 5000, 65535, 65536} {
		s := strings.Repeat("x", n)
		p.send(s)
		p.expect(opText, s)
		p.write(masked(BinaryFrame([]byte(s))))
		p.expect(opBinary, s)
	}
	p.write(masked(newFrame(opPing, []byte("are you there"))))
	p.expect(opPong, "are you there")
	eventually(t, "all is counted", func() bool {
		s := w.Stats()
		return s.Open == 1 && s.Accepted == 1 && s.FramesIn == 19 && s.FramesOut == 19 && s.QueueBytes == 0
	})
	p.write(masked(closeFrame(1000, "bye")))
	p.expectClose(1000)
	p.expectEnd()
	if e := r.end(t, c); e.code != 1000 || e.err != nil {
		t.Errorf("closed with %v", e)
	}
}

func TestFragmentsAndSplitFrames(t *testing.T) {
	_, _, p, r := one(t, Config{})
	first := masked(newFrame(opText, []byte("hello ")))
	first[0] &^= final
	last := masked(newFrame(0, []byte("world")))
	for _, b := range slices.Concat(first, masked(newFrame(opPing, nil)), last) {
		p.write([]byte{b})
	}
	p.expect(opPong, "")
	receive(t, r.arrived, "the message")
	if got := r.got()[0]; got != "hello world" {
		t.Errorf("got %q", got)
	}
}

// What a client sends together with its handshake is not lost.
func TestEarlyFrames(t *testing.T) {
	r := newRecorder()
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: r} })
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for i := range 100 {
		first = append(first, masked(TextFrame(fmt.Append(nil, i)))...)
	}
	handshakeOn(t, conn, string(first))
	for i := range 100 {
		receive(t, r.arrived, "a message")
		if got := r.got()[i]; got != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
}

// Every sender's frames arrive in its order, and frames shared by connections
// are not changed.
func TestOrderOfManySenders(t *testing.T) {
	const senders, each = 16, 500
	_, c, p, _ := one(t, Config{})
	frames := make([][][]byte, senders)
	var sending sync.WaitGroup
	for s := range senders {
		for i := range each {
			frames[s] = append(frames[s], TextFrame(fmt.Appendf(nil, "%d %d %s", s, i, strings.Repeat("x", i))))
		}
		sending.Go(func() {
			for _, f := range frames[s] {
				if err := c.Drained(context.Background()); err != nil {
					t.Error(err)
				}
				c.Send(f)
			}
		})
	}
	next := make([]int, senders)
	for range senders * each {
		_, b, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		var s, i int
		if _, err := fmt.Sscan(string(b), &s, &i); err != nil || next[s] != i {
			t.Fatalf("sender %d: frame %d, want %d (%v)", s, i, next[s], err)
		}
		next[s]++
	}
	sending.Wait()
	for s := range senders {
		for i, f := range frames[s] {
			if string(f) != string(TextFrame(fmt.Appendf(nil, "%d %d %s", s, i, strings.Repeat("x", i)))) {
				t.Fatalf("frame %d of sender %d has changed", i, s)
			}
		}
	}
}

func TestCloseFlushesTheQueueFirst(t *testing.T) {
	_, c, p, r := one(t, Config{CloseTimeout: patience})
	for i := range 1000 {
		c.Send(TextFrame(fmt.Append(nil, i)))
	}
	c.Close(engine.CloseReplaced, "replaced")
	c.Close(engine.CloseLeaving, "too late")
	c.Send(TextFrame([]byte("too late")))
	for i := range 1000 {
		p.expect(opText, fmt.Sprint(i))
	}
	if reason := p.expectClose(engine.CloseReplaced); reason != "replaced" {
		t.Errorf("reason %q", reason)
	}
	p.send("sent before the close frame was seen")
	p.write(masked(closeFrame(engine.CloseReplaced, "")))
	p.expectEnd()
	if e := r.end(t, c); e.code != engine.CloseReplaced || e.err != nil {
		t.Errorf("closed with %v", e)
	}
	if got := r.got(); len(got) > 0 {
		t.Errorf("Message after Close: %q", got)
	}
	c.Close(engine.CloseNormal, "")
	c.Send(TextFrame(nil))
	if err := c.Drained(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Drained after the end: %v", err)
	}
	if c.Queued() != 0 {
		t.Errorf("%d bytes queued after the end", c.Queued())
	}
}

func TestCloseDoesNotWaitForeverForAnAnswer(t *testing.T) {
	_, c, p, r := one(t, Config{})
	c.Close(engine.CloseLeaving, "")
	p.expectClose(engine.CloseLeaving)
	p.expectEnd()
	if e := r.end(t, c); e.code != engine.CloseLeaving || e.err != nil {
		t.Errorf("closed with %v", e)
	}
}

func TestReasonIsCut(t *testing.T) {
	for _, test := range []struct{ reason, want string }{
		{"", ""},
		{strings.Repeat("x", 123), strings.Repeat("x", 123)},
		{strings.Repeat("x", 124), strings.Repeat("x", 123)},
		{strings.Repeat("é", 100), strings.Repeat("é", 61)},
		{"good\xffbad", "good"},
		{strings.Repeat("x", 122) + "\xff", strings.Repeat("x", 122)},
		{"\ufffd stays", "\ufffd stays"},
	} {
		if got := cutReason(test.reason); got != test.want {
			t.Errorf("%q cut to %q", test.reason, got)
		}
	}
}

// Many closes at once, from either side, are one.
func TestCloseOnce(t *testing.T) {
	for range 50 {
		_, c, p, r := one(t, Config{})
		var closing sync.WaitGroup
		for i := range 4 {
			closing.Go(func() { c.Close(engine.CloseCode(4000+i), "") })
			closing.Go(func() { c.Send(TextFrame([]byte("x"))) })
		}
		closing.Go(func() { p.write(masked(closeFrame(1000, ""))) })
		closing.Wait()
		_, _ = io.Copy(io.Discard, p.r)
		r.end(t, c)
	}
}

func TestPeerVanishes(t *testing.T) {
	full := func(c *Conn) {
		for range 15 {
			c.Send(TextFrame(make([]byte, 60<<10)))
		}
	}
	for _, test := range []struct {
		name  string
		state func(c *Conn, p *client)
	}{
		{"idle", func(*Conn, *client) {}},
		{"after a message", func(_ *Conn, p *client) { p.send("x") }},
		{"inside a header", func(_ *Conn, p *client) { p.write([]byte{0x81}) }},
		{"inside a payload", func(_ *Conn, p *client) { p.write(masked(TextFrame([]byte("12345")))[:8]) }},
		{"inside a fragmented message", func(_ *Conn, p *client) { p.write(masked([]byte{opText, 1, 'x'})) }},
		{"while its queue is full", func(c *Conn, _ *client) { full(c) }},
		{"while closing", func(c *Conn, _ *client) { c.Close(1000, "") }},
		{"while closing with a full queue", func(c *Conn, _ *client) { full(c); c.Close(1000, "") }},
		{"after its close frame", func(_ *Conn, p *client) { p.write(masked(closeFrame(1000, ""))) }},
		{"after a violation", func(_ *Conn, p *client) { p.write([]byte{0xff, 0xff}) }},
	} {
		for how, vanish := range map[string]func(p *client){
			"reset":      (*client).reset,
			"closed":     func(p *client) { _ = p.Conn.Close() },
			"half-close": func(p *client) { _ = p.Conn.(*net.TCPConn).CloseWrite() },
		} {
			t.Run(test.name+"/"+how, func(t *testing.T) {
				_, c, p, r := one(t, Config{})
				test.state(c, p)
				vanish(p)
				r.end(t, c)
				if c.Queued() != 0 {
					t.Errorf("%d bytes queued after the end", c.Queued())
				}
			})
		}
	}
}

func TestAbruptEndIsReported(t *testing.T) {
	_, c, p, r := one(t, Config{})
	p.reset()
	if e := r.end(t, c); e.code != CloseAbnormal || e.err == nil {
		t.Errorf("closed with %v", e)
	}
}

func TestHandlerPanicsCloseTheirConnectionOnly(t *testing.T) {
	recorders := []*recorder{newRecorder(), newRecorder()}
	next := make(chan *recorder, 2)
	next <- recorders[0]
	next <- recorders[1]
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: <-next} })
	c, p := w.connect(t)
	_, other := w.connect(t)
	dieOrEcho := func(c *Conn, binary bool, data []byte) {
		if string(data) == "die" {
			panic("as told")
		}
		c.Send(TextFrame(data))
	}
	r := recorders[0]
	r.on(dieOrEcho)
	recorders[1].on(dieOrEcho)
	p.send("die")
	p.expectClose(closeInternalError)
	_ = p.Close()
	if e := r.end(t, c); e.code != closeInternalError || !errors.Is(e.err, ErrPanic) {
		t.Errorf("closed with %v", e)
	}
	other.send("live")
	other.expect(opText, "live")
}

func TestDrained(t *testing.T) {
	_, c, p, _ := one(t, Config{QueueBytes: 64 << 20})
	if err := c.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	frame := TextFrame(make([]byte, 64<<10))
	for c.Queued() < 60<<20 {
		c.Send(frame)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("given up")
	cancel(reason)
	if err := c.Drained(ctx); !errors.Is(err, reason) {
		t.Fatalf("Drained with a full queue: %v", err)
	}
	waiting := make(chan error, 3)
	for range cap(waiting) {
		go func() { waiting <- c.Drained(context.Background()) }()
	}
	go func() { _, _ = io.Copy(io.Discard, p.r) }()
	for range cap(waiting) {
		if err := receive(t, waiting, "Drained"); err != nil {
			t.Error(err)
		}
	}
}

func TestDrainedEndsWithTheConnection(t *testing.T) {
	_, c, p, r := one(t, Config{QueueBytes: 64 << 20})
	frame := TextFrame(make([]byte, 64<<10))
	for c.Queued() < 60<<20 {
		c.Send(frame)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- c.Drained(context.Background()) }()
	p.reset()
	if err := receive(t, waiting, "Drained"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	r.end(t, c)
}

// A frame larger than the bound may be sent where nothing else waits.
func TestFrameLargerThanTheBound(t *testing.T) {
	_, c, p, _ := one(t, Config{QueueBytes: 1 << 10})
	big := strings.Repeat("x", 3<<20)
	c.Send(TextFrame([]byte(big)))
	p.expect(opText, big)
}
