package socket

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/klatch-chat/klatch/engine"
)

// Fan-out to 1,000 connections on loopback. The clients are in the same
// process and on the same processors: they count bytes, nothing more. waiting is how many
// frames the room sends before it lets the readers catch up: 1 is an idle
// room, where nothing can ride together.
func BenchmarkFanOut(b *testing.B) {
	for _, waiting := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("frames=%d", waiting), func(b *testing.B) { fanOut(b, 1000, waiting, 200) })
	}
}

func fanOut(b *testing.B, conns, waiting, size int) {
	w := newWorld(b, Config{QueueBytes: 8 << 20}, func() Accept { return Accept{Handler: newQuiet()} })
	room, count := audience(b, w, conns)
	frame := TextFrame(make([]byte, size))
	before := w.Stats()
	b.ResetTimer()
	sent := 0
	for range b.N {
		for range waiting {
			for _, c := range room {
				c.Send(frame)
			}
		}
		sent += waiting * conns
		count.until(sent * len(frame))
	}
	b.StopTimer()
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(sent)/float64(w.Stats().Writes-before.Writes), "frames/write")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStream sends as fast as the queues allow: a busy room.
func BenchmarkStream(b *testing.B) {
	w := newWorld(b, Config{QueueBytes: 64 << 10}, func() Accept { return Accept{Handler: newQuiet()} })
	room, count := audience(b, w, 1000)
	frame := TextFrame(make([]byte, 200))
	before := w.Stats()
	b.ResetTimer()
	for range b.N {
		for _, c := range room {
			_ = c.Drained(b.Context())
			c.Send(frame)
		}
	}
	count.until(b.N * len(room) * len(frame))
	b.ReportMetric(float64(b.N*len(room))/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(b.N*len(room))/float64(w.Stats().Writes-before.Writes), "frames/write")
}

// BenchmarkSend is one connection whose reader keeps up.
func BenchmarkSend(b *testing.B) {
	w := newWorld(b, Config{QueueBytes: 1 << 20}, func() Accept { return Accept{Handler: newQuiet()} })
	room, count := audience(b, w, 1)
	frame := TextFrame(make([]byte, 200))
	b.ReportAllocs()
	for b.Loop() {
		for room[0].Queued() > 900<<10 {
			runtime.Gosched()
		}
		room[0].Send(frame)
	}
	count.until(b.N * len(frame))
}

// BenchmarkReceive is one client that sends as fast as it can.
func BenchmarkReceive(b *testing.B) {
	got, all := 0, make(chan struct{})
	w := newWorld(b, Config{}, func() Accept {
		return Accept{Handler: counting{newQuiet(), func() {
			if got++; got == b.N {
				close(all)
			}
		}}}
	})
	_, p := w.connect(b)
	message := masked(TextFrame(make([]byte, 100)))
	batch := bytes.Repeat(message, 100)
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += 100 {
		p.write(batch[:min(100, b.N-sent)*len(message)])
	}
	<-all
}

// BenchmarkAnswer is one client that waits for an answer to each message: the
// dearest case for parking, because it parks for every message.
func BenchmarkAnswer(b *testing.B) {
	w := newWorld(b, Config{}, func() Accept { return Accept{Handler: newEcho()} })
	_, p := w.connect(b)
	message := masked(TextFrame(make([]byte, 100)))
	b.ReportAllocs()
	for b.Loop() {
		p.write(message)
		if _, _, err := p.next(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdle reports what an idle connection holds: the slope between 1,000
// and 8,000 of them. The clients are bare descriptors and count for nothing.
func BenchmarkIdle(b *testing.B) { benchmarkIdle(b, Config{}) }

// BenchmarkIdleCompressed is BenchmarkIdle with permessage-deflate negotiated.
func BenchmarkIdleCompressed(b *testing.B) {
	benchmarkIdle(b, Config{Compression: true}, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
}

func benchmarkIdle(b *testing.B, config Config, headers ...string) {
	for range b.N {
		w := newWorld(b, config, func() Accept { return Accept{Handler: newQuiet()} })
		few := idle(b, w, 1000, headers...)
		many := idle(b, w, 7000, headers...)
		b.ReportMetric(float64(many.heap-few.heap)/7000, "heap+stack-B/conn")
		b.ReportMetric(float64(many.resident-few.resident)/7000, "rss-B/conn")
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
	}
}

type memory struct{ heap, resident int64 }

// idle opens n more connections and returns what the process holds then.
func idle(b *testing.B, w *world, n int, headers ...string) (m memory) {
	for range n {
		bareClient(b, w.addr, headers...)
		if c := <-w.accepted; c.Compressed() != (len(headers) > 0) {
			b.Fatalf("Compressed is %v", c.Compressed())
		}
	}
	if !*unparked && runtime.GOOS == "linux" {
		eventually(b, "all are parked", func() bool { s := w.Stats(); return s.Parked == s.Open })
	}
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap = int64(stats.HeapAlloc + stats.StackInuse)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	var size int64
	if _, err := fmt.Sscan(string(statm), &size, &m.resident); err != nil {
		b.Fatal(err)
	}
	m.resident *= int64(os.Getpagesize())
	return m
}

// bareClient connects without the net package, whose descriptors cost memory.
func bareClient(t testing.TB, addr string, headers ...string) int {
	t.Helper()
	at := netip.MustParseAddrPort(addr)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte(handshake+strings.Join(headers, "")+"\r\n")); err != nil {
		t.Fatal(err)
	}
	var response [1024]byte
	if _, err := unix.Read(fd, response[:]); err != nil {
		t.Fatal(err)
	}
	return fd
}

// BenchmarkDeflate is what a message costs to compress, once for all its readers.
func BenchmarkDeflate(b *testing.B) {
	for _, size := range []int{400, 1000, 4000, 16_000} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			text, out := talked(size, 1), 0
			b.ReportAllocs()
			for b.Loop() {
				out = len(DeflatedTextFrame(text))
			}
			b.ReportMetric(float64(out)/float64(size), "of-plain")
		})
	}
}

// BenchmarkGather decides between copying frames together and one iovec each.
// Both are on loopback and include the read at the other end.
func BenchmarkGather(b *testing.B) {
	for _, size := range []int{100, 1_000, 4_000} {
		for _, frames := range []int{2, 16} {
			list := make([][]byte, frames)
			for i := range list {
				list[i] = make([]byte, size)
			}
			buf := make([]byte, batchBytes)
			pairs(b, fmt.Sprintf("copy/frames=%d/bytes=%d", frames, size), frames*size, func(fd int) {
				n := 0
				for _, f := range list {
					n += copy(buf[n:], f)
				}
				_, _ = unix.Write(fd, buf[:n])
			})
			pairs(b, fmt.Sprintf("writev/frames=%d/bytes=%d", frames, size), frames*size, func(fd int) {
				_, _ = unix.Writev(fd, list)
			})
		}
	}
}

// pairs runs write on one end of a loopback connection and empties the other each time.
func pairs(b *testing.B, name string, size int, write func(fd int)) {
	b.Run(name, func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		there, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer there.Close()
		here, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer here.Close()
		sink := make([]byte, size)
		raw, err := here.(*net.TCPConn).SyscallConn()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			_ = raw.Write(func(fd uintptr) bool { write(int(fd)); return true })
			if _, err := io.ReadFull(there, sink); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// quiet is a Handler that does nothing.
type quiet struct{}

func newQuiet() Handler                             { return quiet{} }
func (quiet) Message(*Conn, bool, []byte)           {}
func (quiet) Beat(*Conn)                            {}
func (quiet) Closed(*Conn, engine.CloseCode, error) {}

type counting struct {
	Handler
	message func()
}

func (c counting) Message(*Conn, bool, []byte) { c.message() }

// counter counts what all clients have read.
type counter struct {
	n    atomic.Int64
	more chan struct{}
}

func (c *counter) add(n int) {
	c.n.Add(int64(n))
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *counter) until(n int) {
	for c.n.Load() < int64(n) {
		<-c.more
	}
}

func audience(b *testing.B, w *world, conns int) ([]*Conn, *counter) {
	var room []*Conn
	count := &counter{more: make(chan struct{}, 1)}
	var reading sync.WaitGroup
	var peers []*client
	for range conns {
		c, p := w.connect(b)
		room, peers = append(room, c), append(peers, p)
		reading.Go(func() {
			buf := make([]byte, 32<<10)
			for {
				n, err := p.r.Read(buf)
				if err != nil {
					return
				}
				count.add(n)
			}
		})
	}
	b.Cleanup(func() {
		for _, p := range peers {
			_ = p.Close()
		}
		reading.Wait()
	})
	return room, count
}
