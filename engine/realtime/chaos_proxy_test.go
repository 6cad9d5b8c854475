package realtime

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// chaosProxy passes bytes on to a server and cuts each connection after a
// random number of them, in the middle of whatever they are.
type chaosProxy struct {
	listener net.Listener
	backend  string
	cuts     atomic.Int64
	calm     atomic.Bool
	workers  sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newChaosProxy(t testing.TB, backend string) *chaosProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &chaosProxy{listener: l, backend: backend, open: map[net.Conn]bool{}}
	p.workers.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.workers.Wait()
	})
	return p
}

func (p *chaosProxy) url() string { return "ws://" + p.listener.Addr().String() + "/api/v1/ws" }

func (p *chaosProxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.workers.Go(func() { p.serve(c) })
	}
}

func (p *chaosProxy) track(c net.Conn, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if open {
		p.open[c] = true
	} else {
		delete(p.open, c)
	}
}

func (p *chaosProxy) serve(c net.Conn) {
	b, err := net.Dial("tcp", p.backend)
	if err != nil {
		_ = c.Close()
		return
	}
	var left atomic.Int64
	left.Store(rand.Int64N(1 << (10 + rand.IntN(9)))) // in the handshake, or after a while
	var both sync.WaitGroup
	var once sync.Once
	end := func() {
		once.Do(func() {
			if rand.IntN(2) == 0 { // a reset takes away what the peer has not read yet
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = b.(*net.TCPConn).SetLinger(0)
			}
			_ = c.Close()
			_ = b.Close()
		})
	}
	p.track(c, true)
	p.track(b, true)
	both.Go(func() { p.copy(b, c, &left); end() })
	both.Go(func() { p.copy(c, b, &left); end() })
	both.Wait()
	p.track(c, false)
	p.track(b, false)
}

// copy passes bytes on until the connection's share is used up.
func (p *chaosProxy) copy(to, from net.Conn, left *atomic.Int64) {
	buf := make([]byte, 1024)
	for {
		n, err := from.Read(buf)
		rest := left.Add(int64(-n))
		if rest < 0 && !p.calm.Load() {
			p.cuts.Add(1)
			_, _ = to.Write(buf[:max(0, n+int(rest))])
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}
