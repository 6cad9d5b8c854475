package cluster

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultTunnels = 1024
	// tunnelSilence ends an accepted tunnel on which its dialler says nothing.
	tunnelSilence = 10 * time.Second
)

// tunnelAlive notices within half a minute that a peer's machine has gone. Those that were
// dialled end sooner, when gossip says so.
var tunnelAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}

// ErrTooManyTunnels is returned where this node has all the tunnels that it may dial.
var ErrTooManyTunnels = errors.New("too many tunnels")

// way is a direction of tunnels.
type way int

const (
	outward way = iota // dialled
	inward             // accepted
)

// tunnels are all that this node has open, and the net.Listener of those that
// peers dial. No goroutine serves them but their users'.
type tunnels struct {
	most int // of each way
	addr net.Addr
	came chan net.Conn // proven, for Accept

	refused atomic.Uint64

	unheard   chan struct{} // closed by Close
	closeOnce sync.Once

	mu     sync.Mutex
	open   map[*tunnel]struct{} // nil once the node has closed
	places [2]int               // taken, of each way
}

var _ net.Listener = (*tunnels)(nil)

func newTunnels(most int) *tunnels {
	return &tunnels{most: most, came: make(chan net.Conn), unheard: make(chan struct{}), open: map[*tunnel]struct{}{}}
}

// Accept implements net.Listener. What nobody accepts within takeTime is closed.
func (s *tunnels) Accept() (net.Conn, error) {
	select {
	case <-s.unheard:
		return nil, net.ErrClosed
	default:
	}
	select {
	case conn := <-s.came:
		return conn, nil
	case <-s.unheard:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener: tunnels that were accepted live on.
func (s *tunnels) Close() error {
	s.closeOnce.Do(func() { close(s.unheard) })
	return nil
}

// Addr implements net.Listener.
func (s *tunnels) Addr() net.Addr { return s.addr }

// accepted takes up a proven session that a peer dialled. After an error the
// caller closes it.
func (s *tunnels) accepted(session *tls.Conn) (*tunnel, error) {
	if err := s.enter(inward); err != nil {
		return nil, err
	}
	t := &tunnel{Conn: session, session: session, set: s, way: inward}
	t.silence = time.AfterFunc(tunnelSilence, func() { _ = t.Close() })
	return t, s.add(t)
}

// dialled takes up a session that this node dialled, whose place it has entered.
func (s *tunnels) dialled(session *tls.Conn, peer string) (*tunnel, error) {
	t := &tunnel{Conn: session, session: session, set: s, way: outward, peer: peer}
	return t, s.add(t)
}

// enter takes a place, for add or leave.
func (s *tunnels) enter(w way) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.open == nil:
		return net.ErrClosed
	case s.places[w] >= s.most:
		s.refused.Add(1)
		return ErrTooManyTunnels
	}
	s.places[w]++
	return nil
}

func (s *tunnels) leave(w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[w]--
}

// add notes an open tunnel; not once the node has closed, which gives its place back.
func (s *tunnels) add(t *tunnel) error {
	if tcp, ok := t.session.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(tunnelAlive) // without it the peer's own end tells
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.places[t.way]--
		if t.silence != nil {
			t.silence.Stop()
		}
		return net.ErrClosed
	}
	s.open[t] = struct{}{}
	return nil
}

// forget gives the place of a tunnel back, and reports whether it was open.
func (s *tunnels) forget(t *tunnel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[t]; !ok {
		return false
	}
	delete(s.open, t)
	s.places[t.way]--
	return true
}

// drop ends the tunnels that were dialled to a node which is dead or has left.
func (s *tunnels) drop(peer string) {
	for _, t := range s.to(peer) {
		_ = t.Close()
	}
}

func (s *tunnels) to(peer string) (found []*tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.open {
		if t.peer == peer {
			found = append(found, t)
		}
	}
	return found
}

// end closes the listener and every tunnel.
func (s *tunnels) end() {
	_ = s.Close()
	s.mu.Lock()
	all := s.open
	s.open = nil
	for t := range all {
		s.places[t.way]--
	}
	s.mu.Unlock()
	for t := range all {
		_ = t.cut()
	}
}

func (s *tunnels) stats() (dialled, accepted int, refused uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[outward], s.places[inward], s.refused.Load()
}
