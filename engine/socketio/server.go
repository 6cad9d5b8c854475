package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// closeInternalError is RFC 6455's code for a server that failed.
const closeInternalError engine.CloseCode = 1011

// Server serves Socket.IO clients. It is its main namespace, "/", too.
type Server struct {
	*Namespace

	config  Config
	engine  *engineio.Server
	sockets *socket.Server // made here, or nil
	workers sync.WaitGroup // of the mailboxes

	mu         sync.RWMutex
	namespaces map[string]*Namespace
}

// New returns a server. Close ends what it starts.
func New(c Config) (*Server, error) {
	c = c.withDefaults()
	if c.Accept != nil {
		return nil, errors.New("set no Accept: it is the server's own; use OnConnection or Use")
	}
	s := &Server{namespaces: make(map[string]*Namespace)}
	if c.Sockets == nil {
		s.sockets = c.sockets()
		c.Sockets = s.sockets
	}
	s.config = c
	s.Namespace = s.Of("/")
	e := c.Config
	e.Accept = s.accept
	var err error
	if s.engine, err = engineio.New(e); err != nil {
		return nil, errors.Join(fmt.Errorf("make engine.io server: %w", err), s.closeSockets(context.Background()))
	}
	return s, nil
}

// ServeHTTP implements http.Handler, for the path that the clients know:
// "/socket.io/" if they are told nothing else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Close ends all connections with "server shutting down" and waits for all
// listeners to return, or for ctx. It must not be called from a listener.
func (s *Server) Close(ctx context.Context) error {
	err := s.engine.Close(ctx)
	return errors.Join(err, s.wait(ctx), s.closeSockets(ctx))
}

func (s *Server) closeSockets(ctx context.Context) error {
	if s.sockets == nil {
		return nil
	}
	return s.sockets.Close(ctx)
}

// wait waits for the mailboxes.
func (s *Server) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close socket.io server: listeners are still at work: %w", context.Cause(ctx))
	}
}

// work runs a mailbox.
func (s *Server) work(f func()) { s.workers.Go(f) }

// Of returns the namespace of a name, with or without its first "/", and makes
// it if it does not exist. Clients may connect to it from then on. A name with a
// comma or a question mark is a mistake, and panics: it cannot be sent.
func (s *Server) Of(name string) *Namespace {
	name = "/" + strings.TrimPrefix(name, "/")
	if strings.ContainsAny(name, ",?") {
		panic("socketio: a namespace cannot be called " + name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	return n
}

// find returns the namespace of a name, or nil.
func (s *Server) find(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// accept makes the handler of a session.
func (s *Server) accept(session *engineio.Session) (engineio.Handler, error) {
	c := newConnection(s, session)
	c.begin()
	return c, nil
}

// newID returns a socket's id: 120 random bits.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// reasonOf names the end of a session as sockets know it.
func reasonOf(reason engineio.Reason) string {
	if reason == engineio.ReasonForcedClose {
		return ReasonForcedClose
	}
	return string(reason)
}

func stack() string { return string(debug.Stack()) }
