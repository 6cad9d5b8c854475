package socket

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/lxzan/gws"
)

// Accept says how to accept a connection.
type Accept struct {
	// Subprotocols that are served, the preferred first. A client that asks for
	// none gets none; a client that asks only for others is refused. Empty: the
	// client's wishes are ignored.
	Subprotocols []string

	// Handler is told what happens. Required.
	Handler Handler

	// Origin decides about a request with an Origin header, which only browsers
	// send. Default: the origin's host must be the request's.
	Origin func(r *http.Request, origin string) bool

	// Refuse answers a request that is not accepted. Default: http.Error.
	Refuse func(w http.ResponseWriter, r *http.Request, refusal *Refusal)
}

// Refusal is why a handshake fails: an HTTP status and a sentence.
type Refusal struct {
	Status int
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// Accept makes a WebSocket connection of an HTTP/1.1 request and starts to
// read from it; r is of no more use to it when it returns. A request that
// cannot be accepted has been answered when Accept returns the *Refusal; any
// other error means that the connection broke on the way.
func (s *Server) Accept(w http.ResponseWriter, r *http.Request, a Accept) (*Conn, error) {
	subprotocol, refusal := check(r, a)
	if refusal != nil {
		return nil, s.refuse(w, r, a, refusal)
	}
	if s.isClosing() {
		return nil, s.refuse(w, r, a, &Refusal{http.StatusServiceUnavailable, "the server is going away"})
	}
	c := s.newConn(a.Handler, subprotocol)
	c.stream.frames.deflated = s.config.Compression && offersDeflate(r.Header)
	if err := s.hijack(c, w); err != nil {
		return nil, s.refuse(w, r, a, &Refusal{http.StatusHTTPVersionNotSupported, needsHTTP11})
	}
	if err := s.upgrade(c, r); err != nil {
		return nil, fmt.Errorf("answer websocket handshake: %w", err)
	}
	if !s.admit(c) {
		_ = underTLS(c.conn).Close()
		return nil, ErrClosed
	}
	s.accepted.Add(1)
	s.start(c)
	return c, nil
}

// start has somebody read for c: what came with the handshake, to begin with.
func (s *Server) start(c *Conn) {
	c.seen.Store(s.wheel.tick.Load())
	s.wheel.arm(c, s.wheel.tick.Load()+s.beatAfter(rand.Float64()))
	s.readers.do(c)
}

func (s *Server) newConn(h Handler, subprotocol string) *Conn {
	c := &Conn{
		server:      s,
		flusher:     s.flushers[rand.N(len(s.flushers))],
		handler:     h,
		subprotocol: subprotocol,
	}
	c.box.bound = s.config.QueueBytes
	c.stream.c = c
	return c
}

func (s *Server) hijack(c *Conn, w http.ResponseWriter) error {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	if wrapped, ok := conn.(interface{ Underlying() net.Conn }); ok {
		conn = wrapped.Underlying() // a wrapper that has done its work
	}
	c.conn, c.raw = conn, rawConn(conn)
	c.stream.Conn = conn
	c.stream.try = c.stream.tryRead
	c.stream.early(rw.Reader)
	return nil
}

// early keeps what net/http has read beyond the request.
func (s *stream) early(r *bufio.Reader) {
	if n := r.Buffered(); n > 0 {
		bytes, _ := r.Peek(n)
		s.in = slices.Clone(bytes) // net/http's buffer is larger
	}
}

// rawConn returns the descriptor of a connection that is nothing more than its descriptor.
func rawConn(conn net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch conn := conn.(type) {
	case *net.TCPConn:
		sc = conn
	case *net.UnixConn:
		sc = conn
	default:
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// upgrade lets gws answer. It sees a request of ours, because it reads only
// the first line of a header that may have several, and accepts any offer of
// an extension whose name it finds in it.
func (s *Server) upgrade(c *Conn, r *http.Request) (err error) {
	request := &http.Request{Method: http.MethodGet, Header: http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key"))},
	}}
	if c.subprotocol != "" {
		request.Header.Set("Sec-WebSocket-Protocol", c.subprotocol)
	}
	if c.Compressed() {
		request.Header.Set("Sec-WebSocket-Extensions", deflateExtension)
	}
	// The smallest buffer that bufio makes: the stream has its own.
	c.gws, err = s.upgrader(c.subprotocol).UpgradeFromConn(&c.stream, bufio.NewReaderSize(&c.stream, 16), request)
	c.stream.upgraded = err == nil
	return err
}

func newUpgrader(c Config, subprotocol string) *gws.Upgrader {
	option := &gws.ServerOption{
		ReadMaxPayloadSize: c.ReadLimit,
		ParallelGolimit:    1,
		CheckUtf8Enabled:   true,
		NewSession:         func() gws.SessionStorage { return nil },
	}
	if c.Compression {
		option.PermessageDeflate = gwsDeflate()
	}
	if subprotocol != "" {
		option.SubProtocols = []string{subprotocol}
	}
	return gws.NewUpgrader(events{}, option)
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, a Accept, refusal *Refusal) error {
	s.refused.Add(1)
	if refusal.Status == http.StatusUpgradeRequired {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	if a.Refuse != nil {
		a.Refuse(w, r, refusal)
	} else {
		http.Error(w, refusal.Reason, refusal.Status)
	}
	return refusal
}

const needsHTTP11 = "WebSocket needs HTTP/1.1"

// check is the server's half of RFC 6455, section 4.2.1, and the caller's rules.
func check(r *http.Request, a Accept) (subprotocol string, _ *Refusal) {
	switch {
	case r.Method != http.MethodGet:
		return "", &Refusal{http.StatusMethodNotAllowed, "a WebSocket handshake is a GET"}
	case !r.ProtoAtLeast(1, 1):
		return "", &Refusal{http.StatusHTTPVersionNotSupported, needsHTTP11}
	case !hasToken(r.Header, "Connection", "upgrade"), !hasToken(r.Header, "Upgrade", "websocket"):
		return "", &Refusal{http.StatusUpgradeRequired, "this address speaks WebSocket"}
	case strings.TrimSpace(r.Header.Get("Sec-WebSocket-Version")) != "13":
		return "", &Refusal{http.StatusUpgradeRequired, "the WebSocket version served is 13"}
	case !validKey(r.Header.Get("Sec-WebSocket-Key")):
		return "", &Refusal{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"}
	case !originAllowed(r, a.Origin):
		return "", &Refusal{http.StatusForbidden, "this origin may not connect"}
	}
	subprotocol, ok := choose(a.Subprotocols, tokens(r.Header, "Sec-WebSocket-Protocol"))
	if !ok {
		return "", &Refusal{http.StatusBadRequest, "none of the subprotocols asked for is served"}
	}
	return subprotocol, nil
}

func validKey(key string) bool {
	nonce, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	return err == nil && len(nonce) == 16
}

func originAllowed(r *http.Request, allowed func(*http.Request, string) bool) bool {
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return true
	case allowed != nil:
		return allowed(r, origin)
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func choose(served, wanted []string) (string, bool) {
	if len(served) == 0 || len(wanted) == 0 {
		return "", true
	}
	i := slices.IndexFunc(served, func(p string) bool { return slices.Contains(wanted, p) })
	if i < 0 {
		return "", false
	}
	return served[i], true
}

func hasToken(h http.Header, name, token string) bool {
	return slices.ContainsFunc(tokens(h, name), func(t string) bool { return strings.EqualFold(t, token) })
}

func tokens(h http.Header, name string) (list []string) {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.TrimSpace(t); t != "" {
				list = append(list, t)
			}
		}
	}
	return list
}
