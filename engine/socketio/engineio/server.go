package engineio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/klatch-chat/klatch/engine"
)

// The names of the transports.
const (
	transportPolling   = "polling"
	transportWebSocket = "websocket"
)

// Server is an http.Handler that serves Engine.IO, wherever it is mounted.
type Server struct {
	config Config // static

	mu       sync.Mutex
	sessions map[string]*Session // those that clients may ask for
	count    int                 // sessions whose handlers have not been told the end
	closing  bool
	empty    chan struct{} // closes when closing and no session is left
}

// New checks the configuration. The server starts nothing before a request comes.
func New(c Config) (*Server, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Server{config: c, sessions: make(map[string]*Session), empty: make(chan struct{})}, nil
}

// ServeHTTP implements http.Handler.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	sid := query.Get("sid")
	if srv.forward(w, r, nodeOf(sid)) {
		return // with the other node's headers
	}
	srv.allowOrigin(w, r)
	transport := query.Get("transport")
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, r)
	case transport != transportPolling && transport != transportWebSocket:
		unknownTransport.write(w, http.StatusBadRequest)
	case sid == "":
		srv.handshake(w, r, query)
	default:
		srv.serve(w, r, query)
	}
}

func (srv *Server) forward(w http.ResponseWriter, r *http.Request, node string) bool {
	return node != "" && node != srv.config.Node && r.Method != http.MethodOptions && srv.config.Forward(w, r, node)
}

// serve is for requests of a session.
func (srv *Server) serve(w http.ResponseWriter, r *http.Request, query url.Values) {
	s := srv.find(query.Get("sid"))
	upgrading := query.Get("transport") == transportWebSocket
	switch {
	case s == nil:
		unknownSID.write(w, http.StatusBadRequest)
	case protocolOf(query) != s.protocol, upgrading != isUpgrade(r):
		badRequest.write(w, http.StatusBadRequest)
	case upgrading:
		s.serveUpgrade(w, r)
	case s.Transport() != transportPolling:
		badRequest.write(w, http.StatusBadRequest)
	case r.Method == http.MethodGet:
		s.servePoll(w, r)
	case r.Method == http.MethodPost:
		s.servePost(w, r)
	default:
		badRequest.write(w, http.StatusBadRequest)
	}
}

// protocolOf is 0 for one that nobody speaks.
func protocolOf(query url.Values) int {
	switch query.Get("EIO") {
	case "4":
		return 4
	case "3":
		return 3
	}
	return 0
}

// handshake makes a session.
func (srv *Server) handshake(w http.ResponseWriter, r *http.Request, query url.Values) {
	direct := query.Get("transport") == transportWebSocket
	protocol := protocolOf(query)
	switch {
	case r.Method != http.MethodGet:
		badHandshakeMethod.write(w, http.StatusBadRequest)
		return
	case direct != isUpgrade(r):
		badRequest.write(w, http.StatusBadRequest)
		return
	case protocol == 0, protocol == 3 && !srv.config.AllowEIO3:
		unsupportedProtocol.write(w, http.StatusBadRequest)
		return
	}
	release, refusal := srv.config.Admit(r)
	if refusal != nil {
		refuse(w, refusal)
		return
	}
	s := &Session{
		server: srv, id: newSID(srv.config.Node), protocol: protocol, direct: direct,
		request: keepRequest(r, query, srv.config.Now()), release: sync.OnceFunc(release),
	}
	srv.open(s, w, r)
}

// open begins a session. The handshake is the first in its queue.
func (srv *Server) open(s *Session, w http.ResponseWriter, r *http.Request) {
	if !srv.enter() {
		s.release()
		refuse(w, engine.ErrUnavailable)
		return
	}
	s.Send(s.opening())
	var err error
	if s.guard(func() { s.handler, err = srv.config.Accept(s) }) {
		err = errors.New(forbidden.Message)
	}
	if err != nil {
		s.abandon()
		failure{forbidden.Code, err.Error()}.write(w, http.StatusForbidden)
		return
	}
	s.begin()
	if s.direct {
		s.serveWebSocket(w, r)
	} else {
		s.servePoll(w, r)
	}
}

// begin makes a session that has its handler known to clients, unless it has
// ended by then.
func (s *Session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	switch {
	case s.stage == over:
		s.finishLocked(s.closeWith)
		return
	case !s.server.remember(s):
		s.shutdownLocked()
		return
	case !s.direct:
		s.beat.startLocked(s)
	}
}

// abandon ends a session that has no handler.
func (s *Session) abandon() {
	s.mu.Lock()
	s.stage = over
	s.queue, s.bytes = nil, 0
	s.notifyDrainedLocked()
	s.mu.Unlock()
	s.release()
	s.server.left()
}

// enter counts a session, unless there is no room for one.
func (srv *Server) enter() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closing || srv.count >= srv.config.MaxSessions {
		return false
	}
	srv.count++
	return true
}

// remember has clients find s, unless the server is closing. It is called with
// Session.mu held.
func (srv *Server) remember(s *Session) bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closing {
		return false
	}
	srv.sessions[s.id] = s
	return true
}

func (srv *Server) find(sid string) *Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.sessions[sid]
}

// forget makes the sid unknown. It is called with Session.mu held.
func (srv *Server) forget(s *Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s.id)
}

// left counts a session whose handler has been told.
func (srv *Server) left() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.count--
	srv.checkEmptyLocked()
}

func (srv *Server) checkEmptyLocked() {
	if srv.closing && srv.count == 0 {
		close(srv.empty)
	}
}

// Sessions is how many there are.
func (srv *Server) Sessions() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.count
}

// Close accepts no more, ends every session with ReasonShuttingDown, where
// polls that wait are answered with what is queued and a close packet, and waits
// until all handlers have been told. When ctx ends first it returns an error,
// and what is left ends with the Sockets. Only the first call does anything. It
// must not be called from a Handler.
func (srv *Server) Close(ctx context.Context) error {
	for _, s := range srv.beginClose() {
		s.shutdown()
	}
	select {
	case <-srv.empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close engine.io server: %d sessions are left: %w", srv.Sessions(), context.Cause(ctx))
	}
}

func (srv *Server) beginClose() []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closing {
		return nil
	}
	srv.closing = true
	srv.checkEmptyLocked()
	all := make([]*Session, 0, len(srv.sessions))
	for _, s := range srv.sessions {
		all = append(all, s)
	}
	return all
}

// shutdown ends a session without waiting for a poll.
func (s *Session) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutdownLocked()
}

func (s *Session) shutdownLocked() {
	with := closeText{engine.CloseLeaving, "the server is going away"}
	s.endLocked(ReasonShuttingDown, with, append(s.queue, closeFrame)...)
}
