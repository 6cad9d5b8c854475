//go:build linux

package socket

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// parking makes a world whose first connection is parked.
func parking(t *testing.T, config Config) (*world, *Conn, *client, *recorder) {
	t.Helper()
	if *unparked {
		t.Skip("nothing parks")
	}
	w, c, p, r := one(t, config)
	isParked(t, c)
	return w, c, p, r
}

func isParked(t testing.TB, c *Conn) {
	t.Helper()
	eventually(t, "the connection is parked", c.parked.Load)
}

func TestIdleConnectionsHoldNothing(t *testing.T) {
	const conns = 2000
	w, first, _, r := parking(t, Config{})
	before := runtime.NumGoroutine()
	all := []*Conn{first}
	for range conns - 1 {
		bareClient(t, w.addr)
		all = append(all, receive(t, w.accepted, "Accept"))
	}
	eventually(t, "all are parked", func() bool { return w.Stats().Parked == conns })
	eventually(t, "only some readers are left", func() bool { return runtime.NumGoroutine() < before+idleReaders+10 })
	t.Logf("%d goroutines for 1 connection, %d for %d", before, runtime.NumGoroutine(), conns)
	for _, c := range all {
		if !c.parked.CompareAndSwap(true, false) { // the stream is ours now
			t.Fatal("not parked")
		}
		if c.stream.buffer != nil || c.stream.in != nil {
			t.Error("a parked connection holds a read buffer")
		}
		c.parked.Store(true)
	}
	if len(r.got()) > 0 {
		t.Error("messages from nobody")
	}
}

func TestWakesForEveryMessage(t *testing.T) {
	_, c, p, r := parking(t, Config{})
	r.on(func(c *Conn, _ bool, data []byte) { c.Send(TextFrame(data)) })
	for i := range 200 {
		p.send(fmt.Sprint(i))
		p.expect(opText, fmt.Sprint(i))
		if i%4 == 0 {
			isParked(t, c)
		}
	}
}

// A fragmented message survives that its connection is parked between the
// frames; inside a frame a goroutine waits.
func TestParksBetweenFragmentsOnly(t *testing.T) {
	_, c, p, r := parking(t, Config{})
	first := masked(newFrame(opText, []byte("hello ")))
	first[0] &^= final
	for _, b := range [][]byte{first, masked(newFrame(opPing, nil))} {
		p.write(b[:3])
		eventually(t, "half a frame is read", func() bool { return !c.parked.Load() })
		time.Sleep(5 * time.Millisecond) // nothing reports that nothing happens
		if c.parked.Load() {
			t.Fatal("parked inside a frame")
		}
		p.write(b[3:])
		isParked(t, c)
	}
	p.expect(opPong, "")
	p.write(masked(newFrame(0, []byte("world"))))
	receive(t, r.arrived, "the message")
	if got := r.got()[0]; got != "hello world" {
		t.Errorf("got %q", got)
	}
}

// Whatever ends a parked connection, Closed is called once.
func TestEndsWhileParked(t *testing.T) {
	beats := Config{HeartbeatInterval: 40 * time.Millisecond, HeartbeatTimeout: 40 * time.Millisecond}
	for _, test := range []struct {
		name   string
		config Config
		end    func(w *world, c *Conn, p *client)
		code   engine.CloseCode
	}{
		{"reset", Config{}, func(_ *world, _ *Conn, p *client) { p.reset() }, CloseAbnormal},
		{"closed", Config{}, func(_ *world, _ *Conn, p *client) { _ = p.Conn.Close() }, CloseAbnormal},
		{"half-close", Config{}, func(_ *world, _ *Conn, p *client) { _ = p.Conn.(*net.TCPConn).CloseWrite() }, CloseAbnormal},
		{"close frame", Config{}, func(_ *world, _ *Conn, p *client) { p.write(masked(closeFrame(1000, ""))) }, 1000},
		{"violation", Config{}, func(_ *world, _ *Conn, p *client) {
			p.write(TextFrame([]byte("unmasked")))
			p.expectClose(closeProtocolError)
			_ = p.Conn.Close()
		}, closeProtocolError},
		{"heartbeat", beats, func(*world, *Conn, *client) {}, CloseAbnormal},
		{"Close, answered", Config{}, func(_ *world, c *Conn, p *client) {
			c.Close(engine.CloseReplaced, "")
			p.expectClose(engine.CloseReplaced)
			p.write(masked(closeFrame(engine.CloseReplaced, "")))
		}, engine.CloseReplaced},
		{"Close, unanswered", Config{CloseTimeout: 40 * time.Millisecond},
			func(_ *world, c *Conn, _ *client) { c.Close(engine.CloseReplaced, "") }, engine.CloseReplaced},
		{"CloseAll", Config{CloseTimeout: 40 * time.Millisecond},
			func(w *world, _ *Conn, _ *client) { w.CloseAll(engine.CloseLeaving, "") }, engine.CloseLeaving},
		{"Server.Close", Config{CloseTimeout: 40 * time.Millisecond},
			func(w *world, _ *Conn, _ *client) { _ = w.Server.Close(t.Context()) }, engine.CloseLeaving},
		{"abort", Config{}, func(_ *world, c *Conn, _ *client) { c.abort(&ending{code: CloseAbnormal, err: ErrClosed}) }, CloseAbnormal},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, c, p, r := parking(t, test.config)
			test.end(w, c, p)
			if e := r.end(t, c); e.code != test.code {
				t.Errorf("closed with %v", e)
			}
			if c.parked.Load() {
				t.Error("parked after the end")
			}
		})
	}
}

func TestPanicAfterParking(t *testing.T) {
	_, c, p, r := parking(t, Config{})
	r.on(func(*Conn, bool, []byte) { panic("as told") })
	p.send("die")
	p.expectClose(closeInternalError)
	_ = p.Close()
	if e := r.end(t, c); e.code != closeInternalError {
		t.Errorf("closed with %v", e)
	}
}

// A connection that the poller does not take reads in a goroutine.
func TestPollerThatTakesNobody(t *testing.T) {
	w, c, p, r := parking(t, Config{})
	w.stopPoller()
	_, late := w.connect(t)
	late.send("late")
	receive(t, r.arrived, "the late one's message")
	_ = c.poller.arm(c, true) // its set is closed
	c.wake()
	p.send("early")
	receive(t, r.arrived, "the early one's message")
	if w.Stats().Parked != 0 {
		t.Error("parked without a poller")
	}
}

// Descriptors are reused at once by the next connection, while others close in
// every way: no message gets lost or to another connection.
func TestDescriptorReuse(t *testing.T) {
	w := newWorld(t, Config{CloseTimeout: 100 * time.Millisecond}, func() Accept { return Accept{Handler: newEcho()} })
	var busy, churn sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		p := dial(t, w.addr)
		busy.Go(func() { talk(t, p, i, stop) })
	}
	for i := range 8 {
		churn.Go(func() {
			for n := range 60 {
				comeAndGo(t, w.addr, fmt.Sprint(i, n))
			}
		})
	}
	churn.Wait()
	close(stop)
	busy.Wait()
	eventually(t, "only those that stayed are left", func() bool { return w.Stats().Open == 4 })
	if n := echoes.wrong.Load(); n > 0 {
		t.Errorf("Closed was not called exactly once %d times", n)
	}
}

func talk(t *testing.T, p *client, id int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		text := fmt.Sprint("busy ", id, n)
		if _, err := p.Write(masked(TextFrame([]byte(text)))); err != nil {
			t.Error(err)
			return
		}
		if _, b, err := p.next(); err != nil || string(b) != text {
			t.Errorf("got %q, %v; want %q", b, err, text)
			return
		}
	}
}

func comeAndGo(t *testing.T, addr, text string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = conn.Write(slices.Concat([]byte(handshake+"\r\n"), masked(TextFrame([]byte(text)))))
	var all []byte
	for buf := make([]byte, 1024); !bytes.HasSuffix(all, TextFrame([]byte(text))); {
		n, err := conn.Read(buf)
		if all = append(all, buf[:n]...); err != nil {
			t.Errorf("got %q, %v; want %q", all, err, text)
			return
		}
	}
	switch rand.IntN(3) {
	case 0:
		_ = conn.(*net.TCPConn).SetLinger(0)
	case 1:
		_, _ = conn.Write(masked(closeFrame(1000, "")))
		_, _ = io.Copy(io.Discard, conn)
	}
}

// A connection that always has more to read does not keep the others waiting:
// on one processor, a message that comes while it reads is handled before it
// has read much more than its turn.
func TestBusyDoesNotStarveQuiet(t *testing.T) {
	w, c, p, r := parking(t, Config{})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	quietConn, quietClient := w.connect(t)
	isParked(t, quietConn)
	ready, sent := make(chan struct{}), false
	var read atomic.Int64
	var waited int64
	done := make(chan struct{})
	const size, frames = 1000, 1000
	r.on(func(from *Conn, _ bool, data []byte) {
		switch {
		case from == quietConn:
			waited = read.Load()
			close(done)
		case !sent:
			<-ready // until the kernel holds a lot
			sent = true
			_, _ = quietClient.Write(masked(TextFrame([]byte("quiet"))))
		default:
			read.Add(int64(len(data)))
		}
	})
	flood := bytes.Repeat(masked(BinaryFrame(make([]byte, size))), frames)
	go func() {
		_ = p.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // what fits
		_, _ = p.Write(flood)
		close(ready)
	}()
	receive(t, done, "the quiet one's message")
	t.Logf("the busy one read %d bytes in between", waited)
	if waited > 2*turnBytes {
		t.Errorf("the busy one read %d bytes in between, its turn is %d", waited, turnBytes)
	}
	if c.poller.rounds.Load() == 0 {
		t.Error("no round was made")
	}
}
