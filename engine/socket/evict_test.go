package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// I6: a reader that does not read is evicted with 4008; the others get
// everything, and what waits for it never passes the bound.
func TestI6SlowReaderIsEvictedAlone(t *testing.T) {
	const bound = 256 << 10
	w := newWorld(t, Config{QueueBytes: bound, WriteTimeout: patience}, func() Accept { return Accept{Handler: newRecorder()} })
	slow, p := w.connect(t)
	var readers []*Conn
	counts := make(chan int, 3)
	const frames = 5_000
	for range cap(counts) {
		c, p := w.connect(t)
		readers = append(readers, c)
		go func() {
			n := 0
			for ; n < frames; n++ {
				if _, _, err := p.next(); err != nil {
					break
				}
			}
			counts <- n
		}()
	}
	frame := TextFrame(make([]byte, 16<<10))
	for range frames {
		for _, c := range readers {
			if err := c.Drained(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.Send(frame)
		}
		slow.Send(frame)
		if q := slow.Queued(); q > bound+controlSlack {
			t.Fatalf("%d bytes queued", q)
		}
	}
	for range cap(counts) {
		if n := receive(t, counts, "a reader"); n != frames {
			t.Errorf("a reader got %d frames of %d", n, frames)
		}
	}
	receive(t, slow.Done(), "the eviction")
	if e := slow.ending.Load(); e.code != engine.CloseTooSlow || !errors.Is(e.err, ErrTooSlow) {
		t.Errorf("closed with %v", e)
	}
	if s := w.Stats(); s.EvictedFull != 1 || s.Open != 3 {
		t.Errorf("stats: %+v", s)
	}
	_ = p.Close()
}

// I6: a slow reader that does read in the end is told why, after whole frames only.
func TestI6EvictedReaderSeesTheCode(t *testing.T) {
	_, c, p, r := one(t, Config{QueueBytes: 256 << 10, CloseTimeout: patience})
	payload := strings.Repeat("x", 10_000)
	frame := TextFrame([]byte(payload))
	for c.ending.Load() == nil {
		c.Send(frame)
	}
	if q := c.Queued(); q > batchBytes+2*len(frame) {
		t.Errorf("%d bytes still queued after the eviction", q)
	}
	if reason := p.expectClose(engine.CloseTooSlow); reason != "too slow" {
		t.Errorf("reason %q", reason)
	}
	p.write(masked(closeFrame(engine.CloseTooSlow, "")))
	p.expectEnd()
	if e := r.end(t, c); e.code != engine.CloseTooSlow {
		t.Errorf("closed with %v", e)
	}
}

// I6: a few bytes that nobody takes are no reason to wait for ever.
func TestI6StalledWriteIsEvicted(t *testing.T) {
	w, c, p, r := one(t, Config{WriteTimeout: 100 * time.Millisecond, CloseTimeout: 100 * time.Millisecond, QueueBytes: 64 << 20})
	stall(c)
	if e := r.end(t, c); e.code != engine.CloseTooSlow || !errors.Is(e.err, ErrTooSlow) {
		t.Errorf("closed with %v", e)
	}
	if s := w.Stats(); s.EvictedStalled != 1 || s.EvictedFull != 0 {
		t.Errorf("stats: %+v", s)
	}
	_ = p.Close()
}

// stall sends more than the kernel takes and returns how much.
func stall(c *Conn) (sent int) {
	frame := TextFrame(make([]byte, 64<<10))
	for sent < 32<<20 {
		c.Send(frame)
		sent += len(frame)
	}
	return sent
}

// A reader that stops for a while and then reads on gets everything.
func TestStalledReaderRecovers(t *testing.T) {
	_, c, p, _ := one(t, Config{WriteTimeout: patience, QueueBytes: 64 << 20})
	sent := stall(c)
	buf := make([]byte, 256<<10)
	for got := 0; got < sent; {
		n, err := p.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		got += n
	}
}

// A peer that takes little in WriteTimeout stays, one that takes nothing goes.
func TestProgressIsNotAStall(t *testing.T) {
	s := NewServer(Config{WriteTimeout: 10 * time.Millisecond})
	defer s.Close(context.Background())
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f := newFlusher(s) // not running: the test takes its turns
	c := s.newConn(newQuiet(), "")
	c.flusher, c.conn, c.raw = f, conn, rawConn(conn)
	defer c.abort(&ending{})
	c.Send(TextFrame(make([]byte, 4<<20)))
	f.turn(f.take())
	if f.take(); !c.overdue {
		t.Fatal("the socket takes 4 MiB at once")
	}
	if _, err := io.ReadFull(peer, make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	f.turn(c)
	if c.ending.Load() != nil {
		t.Fatal("evicted in spite of its progress")
	}
	f.take()
	f.turn(c)
	if e := c.ending.Load(); e == nil || e.code != engine.CloseTooSlow {
		t.Errorf("closed with %v", e)
	}
	f.take()
}

// I6: pings of a client that does not read cost one pong of memory, then the connection.
func TestI6PingFlood(t *testing.T) {
	_, c, p, r := one(t, Config{WriteTimeout: 200 * time.Millisecond, CloseTimeout: 200 * time.Millisecond})
	var pings []byte
	ping := masked(newFrame(opPing, []byte(strings.Repeat("p", 125))))
	for range 500 {
		pings = append(pings, ping...)
	}
	peak := 0
	for c.ending.Load() == nil {
		if _, err := p.Write(pings); err != nil {
			break
		}
		peak = max(peak, c.Queued())
	}
	if e := r.end(t, c); e.code != engine.CloseTooSlow || !errors.Is(e.err, ErrTooSlow) {
		t.Errorf("closed with %v", e)
	}
	if peak > 4*controlSlack {
		t.Errorf("%d bytes queued", peak)
	}
}

// Frames that wait together leave together.
func TestWritesCoalesce(t *testing.T) {
	w, c, p, _ := one(t, Config{})
	const frames = 2_000
	started := make(chan struct{})
	go func() {
		defer close(started)
		f := c.flusher
		f.mu.Lock() // no turn begins before all wait
		defer f.mu.Unlock()
		for range frames {
			if c.box.push(TextFrame([]byte("0123456789"))) == wake {
				f.head, f.tail = c, c
			}
		}
	}()
	<-started
	c.flusher.ready.Signal()
	for range frames {
		p.expect(opText, "0123456789")
	}
	eventually(t, "all is counted", func() bool { return w.Stats().FramesOut == frames })
	if s := w.Stats(); s.Writes > 3 {
		t.Errorf("%d frames in %d writes", frames, s.Writes)
	}
}

// One message in an idle room is one write, and does not wait for another.
func TestIdleSendLeavesAtOnce(t *testing.T) {
	w, c, p, _ := one(t, Config{})
	for i := range 100 {
		c.Send(TextFrame(fmt.Append(nil, i)))
		p.expect(opText, fmt.Sprint(i))
	}
	eventually(t, "all is counted", func() bool { return w.Stats().Writes == 100 })
}

// Idle connections have a reading goroutine, no more, and no buffers; when
// they go their descriptors go.
func TestIdleConnectionsAreCheap(t *testing.T) {
	const conns = 200
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: newRecorder()} })
	first, p := w.connect(t)
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	var open []*Conn
	var peers []*client
	for range conns {
		c, p := w.connect(t)
		open, peers = append(open, c), append(peers, p)
		c.Send(TextFrame([]byte("hello")))
		p.expect(opText, "hello")
		p.send("hello")
	}
	eventually(t, "only readers are left", func() bool { return runtime.NumGoroutine() <= goroutines+conns+idleReaders })
	w.CloseAll(engine.CloseLeaving, "")
	for i, p := range peers {
		p.expectClose(engine.CloseLeaving)
		_ = p.Close()
		receive(t, open[i].Done(), "Done")
	}
	p.expectClose(engine.CloseLeaving)
	_ = p.Close()
	receive(t, first.Done(), "Done")
	eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= files })
}

func descriptors(t *testing.T) int {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestServerCloseEndsEverything(t *testing.T) {
	w := newWorld(t, Config{}, func() Accept { return Accept{Handler: newRecorder()} })
	for range 20 {
		_, p := w.connect(t)
		go func() {
			if o, b, _ := p.next(); o == opClose {
				_, _ = p.Write(masked(newFrame(opClose, b)))
			}
			_, _ = io.Copy(io.Discard, p.r)
		}()
	}
	if err := w.Server.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := w.Stats(); s.Open != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// What does not end by itself is cut when the caller's patience ends.
func TestServerCloseCutsOff(t *testing.T) {
	w, c, _, r := one(t, Config{CloseTimeout: time.Hour})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := w.Server.Close(ctx); err != nil {
		t.Error(err)
	}
	if e := r.end(t, c); e.code != engine.CloseLeaving {
		t.Errorf("closed with %v", e)
	}
}

func TestServerCloseLeavesAStuckHandlerBehind(t *testing.T) {
	s := NewServer(Config{})
	r, stuck, free := newRecorder(), make(chan struct{}), make(chan struct{})
	r.on(func(*Conn, bool, []byte) { close(stuck); <-free })
	c, p := pipe(t, s, r)
	p.send("x")
	receive(t, stuck, "the message")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	close(free)
	if e := r.end(t, c); e.code != engine.CloseLeaving {
		t.Errorf("closed with %v", e)
	}
}
