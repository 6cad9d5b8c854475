package cli

import (
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// lane is a short way for plain requests between a lobby and http.Server, which
// takes from it, as from any listener, the connections that are not for the
// lane. Half of what a cached answer costs is what http.Server does for any
// request: a second goroutine that listens for the client's going, a copy of the
// header, sorted, two writes and half a dozen deadlines.
//
// What it guarantees:
//   - It answers only requests that http.Server would have given to the same
//     handler as the same http.Request, for it asks the same parser: GET and HEAD
//     over HTTP/1.1 with one valid Host and nothing that frames a body (plain,
//     in lane_request.go). At the first request of a connection that is anything
//     else, or of which a part is still to come, the connection is http.Server's
//     for good, with every byte of that request: refusals, bodies and slow
//     clients are all its business.
//   - A client has as long as with http.Server, but that the time for the rest of
//     a header begins anew when it is handed over. The lobby hears of an end as
//     from http.Server.
//   - A WebSocket handshake's connection is the kernel's own, not a wrapped one.
//
// What it does not: serve long polls (those go to http.Server, by their path); notice that a client has gone before it writes to it (the
// handler's context ends with the server only, so a route that waits for long
// must not be served here), flush, chunk (an answer of unknown length ends by
// Close when it is past laneWhole), send interim answers (1xx) and trailers. Its
// requests' contexts hold neither server nor local address. A connection that
// has asked nothing yet is closed when the lane closes, where http.Server would
// give it five seconds.
type lane struct {
	net.Listener
	handler http.Handler
	tell    func(net.Conn, http.ConnState)
	logf    func(format string, args ...any)
	ctx     context.Context // of all requests
	cancel  context.CancelFunc

	handed  chan net.Conn
	broken  chan error
	over    chan struct{} // closes with Close
	workers sync.WaitGroup
	close   func() error
	closing atomic.Bool

	mu    sync.Mutex
	conns map[*laneConn]struct{}
}

// newLane takes connections from a listener until Close, which closes that too.
func newLane(from net.Listener, server *http.Server) *lane {
	l := &lane{
		Listener: from, handler: server.Handler, tell: server.ConnState, logf: server.ErrorLog.Printf,
		handed: make(chan net.Conn), broken: make(chan error), over: make(chan struct{}),
		conns: map[*laneConn]struct{}{},
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.close = sync.OnceValue(l.shut)
	l.workers.Go(l.welcome)
	return l
}

func (l *lane) welcome() {
	for {
		conn, err := l.Listener.Accept()
		if err == nil {
			l.enter(conn)
			continue
		}
		select {
		case l.broken <- err:
		case <-l.over:
			return
		}
	}
}

// enter has a connection served.
func (l *lane) enter(conn net.Conn) {
	c := &laneConn{Conn: conn, lane: l}
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	l.workers.Go(c.serve)
}

// leave has the lane forget a connection: when it has returned, nobody but the
// caller sets its deadlines or closes it.
func (l *lane) leave(c *laneConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// Accept implements net.Listener, with the connections that are not for the lane.
func (l *lane) Accept() (net.Conn, error) {
	select {
	case conn := <-l.handed:
		return conn, nil
	case err := <-l.broken:
		return nil, err
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener: connections without a request are closed, the
// others after their answer.
func (l *lane) Close() error { return l.close() }

func (l *lane) shut() error {
	l.closing.Store(true) // before the deadlines: see wait
	close(l.over)
	err := l.Listener.Close()
	l.each(func(c *laneConn) { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	return err
}

func (l *lane) each(do func(*laneConn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		do(c)
	}
}

// stop waits after Close for running requests until ctx ends, then cuts them off.
// Like http.Server it does not wait for a handler that does not heed this.
func (l *lane) stop(ctx context.Context) {
	defer l.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.workers.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		l.cancel()
		l.each(func(c *laneConn) { _ = c.Close() })
	}
}

// laneConn is a connection while it is the lane's. It belongs to its goroutine,
// but for its deadlines and Close.
type laneConn struct {
	net.Conn
	lane     *lane
	remote   string
	in       [4 << 10]byte
	unread   []byte // of in
	patient  time.Time
	answered bool
	gone     bool // it is somebody else's now
	reply    laneReply
}

func (c *laneConn) serve() {
	defer c.end()
	if a := c.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	_ = c.SetReadDeadline(time.Now().Add(headerPatience))
	for c.wait() {
		r := c.request()
		if r == nil {
			c.handOver()
			return
		}
		if !c.answer(r) {
			return
		}
	}
}

// wait has some bytes of the next request read, and reports whether there are any.
func (c *laneConn) wait() bool {
	if c.lane.closing.Load() { // after the deadline was set, which Close may have overtaken
		return false
	}
	if len(c.unread) > 0 {
		return true
	}
	n, _ := c.Read(c.in[:])
	c.unread = c.in[:n]
	return n > 0
}

// answer has the handler answer, and reports whether there may be a next request.
func (c *laneConn) answer(r *http.Request) bool {
	c.renew()
	r.RemoteAddr = c.remote
	c.reply.reset(c, r.Method == http.MethodHead)
	c.lane.handler.ServeHTTP(&c.reply, r.WithContext(c.lane.ctx))
	if c.gone || !c.reply.finish() {
		return false
	}
	if !c.answered {
		c.answered = true
		c.lane.tell(c.Conn, http.StateIdle)
	}
	return true
}

// renew gives the client its patience, to take the answer and to ask again, to a
// second: a deadline costs as much as a small header.
func (c *laneConn) renew() {
	if now := time.Now(); now.Sub(c.patient) > time.Second {
		c.patient = now
		_ = c.SetDeadline(now.Add(min(writePatience, idlePatience)))
	}
}

// handOver gives the connection to http.Server.
func (c *laneConn) handOver() {
	c.lane.leave(c)
	_ = c.SetDeadline(time.Time{})
	select {
	case c.lane.handed <- &handed{c.Conn, c.unread}:
		c.gone = true
	case <-c.lane.over:
	}
}

// end closes the connection, if it is still the lane's.
func (c *laneConn) end() {
	if v := recover(); v != nil && v != http.ErrAbortHandler {
		c.lane.logf("http: panic serving %s: %v\n%s", c.remote, v, debug.Stack())
	}
	c.lane.leave(c)
	if !c.gone {
		_ = c.Close()
		c.lane.tell(c.Conn, http.StateClosed)
	}
}

// handed is a connection of which something has been read.
type handed struct {
	net.Conn
	unread []byte
}

func (h *handed) Read(p []byte) (int, error) {
	if len(h.unread) == 0 {
		return h.Conn.Read(p)
	}
	n := copy(p, h.unread)
	if h.unread = h.unread[n:]; len(h.unread) == 0 {
		h.unread = nil
	}
	return n, nil
}

// NetConn is for those who know the connection by the name that it came with.
func (h *handed) NetConn() net.Conn { return h.Conn }

// Underlying is for those who take the connection over: the kernel's own, once
// nothing of what was read is left.
func (h *handed) Underlying() net.Conn {
	if len(h.unread) > 0 {
		return h
	}
	return h.Conn
}

// CloseWrite is http.Server's way to have a refusal read.
func (h *handed) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
