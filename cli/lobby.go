package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klatch-chat/klatch/engine/socket"
)

// lobby is where connections wait to be served. It takes them from the kernel as
// fast as they come, for what the kernel's queue has no room for is found again
// only by TCP's retransmissions, seconds later; and it hands them to
// http.Server a few at a time, whose goroutines would otherwise be so many that
// even the one that accepts has no turn. A connection that waits costs a
// descriptor and some hundred bytes.
//
// A connection has its place from Accept to its first answer, or to where it is
// no longer HTTP. Places are lent, so that a client that does not send its
// request takes nobody's: the lobby is against crowds, the server's timeouts
// are against loiterers. Past its bounds the lobby answers 503 itself.
type lobby struct {
	net.Listener
	log    *slog.Logger
	bounds lobbyBounds
	tls    bool // refusals cannot be told: the handshake is http.Server's
	gate   *socket.Gate

	bell    chan struct{} // rings when called is not empty
	broken  chan error    // from the kernel, for Accept
	leaving chan leaver
	over    chan struct{} // closes with Close
	workers sync.WaitGroup
	close   func() error

	turnedAway atomic.Uint64

	mu       sync.Mutex
	visitors map[net.Conn]*visitor // waiting, or with http.Server
	called   []*visitor            // for Accept, in order
	closed   bool
}

// lobbyBounds are a lobby's limits. The last keeps descriptors for the store: one
// file that it cannot open costs the node its disk.
type lobbyBounds struct {
	places      int           // on their way in side by side
	lent        time.Duration // that a place is theirs
	waiting     int           // the most that wait
	connections int           // the most in all: waiting, HTTP and those that others hold
	others      func() int    // how many these are now
}

// boundsFor has a few connections a processor on their way in, whose work is
// well below a millisecond each.
func boundsFor(descriptors uint64, others func() int) lobbyBounds {
	return lobbyBounds{
		places: 16 * runtime.GOMAXPROCS(0), lent: 50 * time.Millisecond,
		waiting: 16 << 10, connections: allFor(descriptors), others: others,
	}
}

const (
	acceptPause = 100 * time.Millisecond // for the kernel's lack of descriptors or memory
	lingerFor   = 500 * time.Millisecond // for those turned away, to read why
	lingerMost  = 1024
)

// visitor is a connection in the lobby or beyond.
type visitor struct {
	conn     net.Conn
	turn     socket.Turn
	accepted bool // guarded by lobby.mu
}

// leaver is a connection that has been answered 503.
type leaver struct {
	conn  net.Conn
	until time.Time
}

// newLobby takes connections from a listener until Close, which closes that too.
// http.Server must tell it of them with connState.
func newLobby(from net.Listener, bounds lobbyBounds, tls bool, log *slog.Logger) *lobby {
	l := &lobby{
		Listener: from, log: log, bounds: bounds, tls: tls,
		gate:     socket.NewGate(bounds.places, bounds.lent),
		bell:     make(chan struct{}, 1),
		broken:   make(chan error),
		leaving:  make(chan leaver, lingerMost),
		over:     make(chan struct{}),
		visitors: map[net.Conn]*visitor{},
	}
	l.close = sync.OnceValue(l.shut)
	l.workers.Go(l.welcome)
	l.workers.Go(l.seeOff)
	return l
}

// welcome takes connections from the kernel.
func (l *lobby) welcome() {
	defer close(l.leaving)
	short := false
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			short = false
			l.enter(conn)
		case shortage(err):
			if !short {
				l.log.Warn("the system grants no more connections for the moment", "err", err)
			}
			short = true
			l.pause()
		case !l.fail(err):
			return
		}
	}
}

// enter gives a connection its turn, or turns it away.
func (l *lobby) enter(conn net.Conn) {
	v := &visitor{conn: conn}
	if !l.admit(v) {
		l.turnAway(conn)
		return
	}
	l.gate.Enter(&v.turn, func() { l.call(v) })
}

func (l *lobby) admit(v *visitor) bool {
	waiting, others := l.gate.Waiting(), l.bounds.others()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || waiting >= l.bounds.waiting || len(l.visitors)+others >= l.bounds.connections {
		return false
	}
	l.visitors[v.conn] = v
	return true
}

// shortage tells errors that pass by themselves, when others leave.
func shortage(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (l *lobby) pause() {
	select {
	case <-time.After(acceptPause):
	case <-l.over:
	}
}

// fail has http.Server hear of an error, and reports whether to go on.
func (l *lobby) fail(err error) bool {
	select {
	case l.broken <- err:
		return !errors.Is(err, net.ErrClosed)
	case <-l.over:
		return false
	}
}

// call hands a connection to Accept.
func (l *lobby) call(v *visitor) {
	l.mu.Lock()
	l.called = append(l.called, v)
	l.mu.Unlock()
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

// Accept implements net.Listener.
func (l *lobby) Accept() (net.Conn, error) {
	for {
		if v := l.next(); v != nil {
			return v.conn, nil
		}
		select {
		case <-l.bell:
		case err := <-l.broken:
			return nil, err
		case <-l.over:
			return nil, net.ErrClosed
		}
	}
}

func (l *lobby) next() *visitor {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.called) == 0 {
		return nil
	}
	v := l.called[0]
	v.accepted = true
	if l.called = l.called[1:]; len(l.called) == 0 {
		l.called = nil
	}
	return v
}

// connState is http.Server.ConnState.
func (l *lobby) connState(conn net.Conn, state http.ConnState) {
	if state == http.StateNew || state == http.StateActive {
		return
	}
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS's, a lane's
		conn = wrapped.NetConn()
	}
	l.mu.Lock()
	v := l.visitors[conn]
	if state != http.StateIdle {
		delete(l.visitors, conn)
	}
	l.mu.Unlock()
	if v != nil {
		l.gate.Leave(&v.turn)
	}
}

// Close implements net.Listener. Connections that wait are closed.
func (l *lobby) Close() error { return l.close() }

func (l *lobby) shut() error {
	close(l.over)
	err := l.Listener.Close()
	l.workers.Wait()
	for _, v := range l.abandon() {
		l.gate.Leave(&v.turn)
		_ = v.conn.Close()
	}
	return err
}

// abandon returns those whom nobody will accept any more.
func (l *lobby) abandon() (left []*visitor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for conn, v := range l.visitors {
		if !v.accepted {
			left = append(left, v)
			delete(l.visitors, conn)
		}
	}
	l.called = nil
	return left
}

// turnAway answers for the server. It cannot block: what it writes fits into the
// empty buffer of a new socket.
func (l *lobby) turnAway(conn net.Conn) {
	l.turnedAway.Add(1)
	if l.tls || !answered(conn) {
		_ = conn.Close()
		return
	}
	select {
	case l.leaving <- leaver{conn, time.Now().Add(lingerFor)}:
	default:
		part(conn)
	}
}

// answered writes the refusal. Crowds come back spread over a few seconds.
func answered(conn net.Conn) bool {
	const body = `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","detail":"too many come at once"}` + "\n"
	_ = conn.SetDeadline(time.Now().Add(lingerFor))
	_, err := fmt.Fprintf(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"+
		"Cache-Control: no-store\r\nRetry-After: %d\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		1+rand.N(5), len(body), body)
	if half, ok := conn.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	return err == nil
}

// seeOff closes those who were turned away when they have had the time to read
// why: closing a socket with unread bytes, here the request, resets it, and the
// client's kernel may then throw the answer away.
func (l *lobby) seeOff() {
	for v := range l.leaving {
		select {
		case <-time.After(time.Until(v.until)):
			part(v.conn)
		case <-l.over:
			_ = v.conn.Close()
		}
	}
}

// part reads what has come, so that closing does not reset.
func part(conn net.Conn) {
	var scrap [4 << 10]byte
	_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _ = conn.Read(scrap[:])
	_ = conn.Close()
}

// lobbyStats are a lobby's figures.
type lobbyStats struct {
	waiting    int
	turnedAway uint64
}

func (l *lobby) stats() lobbyStats { return lobbyStats{l.gate.Waiting(), l.turnedAway.Load()} }
