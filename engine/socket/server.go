package socket

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
)

// handlerGrace is how long Server.Close waits, after all descriptors are
// closed, for handlers that are still at work.
const handlerGrace = time.Second

// Server owns a set of connections, the flushers that write for them, the
// wheel that watches them and the poller that waits for them.
type Server struct {
	// Static after NewServer.
	config   Config
	wheel    *wheel
	flushers []*flusher

	readers  crew[*Conn]
	helpers  crew[func()]
	workers  sync.WaitGroup // flushers, the wheel, the poller, and whom flushers start
	accepted atomic.Uint64
	refused  atomic.Uint64

	mu        sync.Mutex
	conns     map[uint64]*Conn // by id
	lastID    uint64
	poller    *poller // made for the first connection that can use it
	noPoller  bool
	upgraders map[string]*gws.Upgrader // by subprotocol: gws takes it from its options
	closing   bool
	empty     chan struct{} // closes when closing and no connection is left
}

// How many goroutines wait for the next connection with something to read, and
// for the next work of Do.
const (
	idleReaders = 40
	idleHelpers = 16
)

// NewServer starts a server's goroutines; Close ends them.
func NewServer(config Config) *Server {
	config = config.withDefaults()
	s := &Server{
		config:    config,
		wheel:     newWheel(config),
		conns:     make(map[uint64]*Conn),
		noPoller:  config.unparked,
		upgraders: make(map[string]*gws.Upgrader),
		empty:     make(chan struct{}),
	}
	s.readers.work, s.readers.most = (*Conn).serve, idleReaders
	s.helpers.work, s.helpers.most = func(f func()) { f() }, idleHelpers
	s.readers.start()
	s.helpers.start()
	for range runtime.GOMAXPROCS(0) {
		f := newFlusher(s)
		s.flushers = append(s.flushers, f)
		s.workers.Go(f.run)
	}
	s.workers.Go(s.wheel.run)
	return s
}

// Config is what the server was made with, defaults filled in.
func (s *Server) Config() Config { return s.config }

// Do calls f in a goroutine with a warm stack: for what a handler must not wait
// for. Close does not wait for f; a handler's Closed does, where it matters.
func (s *Server) Do(f func()) { s.helpers.do(f) }

// CloseAll closes every connection, as Conn.Close does. It returns at once.
func (s *Server) CloseAll(code engine.CloseCode, reason string) {
	for _, c := range s.all() {
		c.Close(code, reason)
	}
}

// Close accepts no more, closes every connection with engine.CloseLeaving and
// waits until all handlers have been told and all goroutines have ended. When
// ctx ends first it closes the descriptors at once; handlers that even then do
// not return are left behind with an error. Only the first call does anything.
// It must not be called from a Handler.
func (s *Server) Close(ctx context.Context) error {
	if !s.beginClose() {
		return nil
	}
	s.CloseAll(engine.CloseLeaving, "the server is going away")
	err := s.wait(ctx)
	for _, f := range s.flushers {
		f.stop()
	}
	s.wheel.stop()
	s.stopPoller()
	s.readers.stop()
	s.helpers.stop()
	s.workers.Wait()
	return err
}

func (s *Server) beginClose() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.closing = true
	s.checkEmptyLocked()
	return true
}

// wait returns when no connection is left.
func (s *Server) wait(ctx context.Context) error {
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.all() {
		c.abort(&ending{code: CloseAbnormal, err: ErrClosed})
	}
	select {
	case <-s.empty:
		return nil
	case <-time.After(handlerGrace):
		return fmt.Errorf("close websocket server: %d connections are still in their handlers: %w",
			len(s.all()), context.Cause(ctx))
	}
}

func (s *Server) all() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*Conn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// admit enters c, unless the server is closing.
func (s *Server) admit(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.lastID++
	c.id = s.lastID
	s.conns[c.id] = c
	if c.raw != nil {
		c.poller = s.pollerLocked()
	}
	return true
}

// find returns the connection with that id, or nil after its end.
func (s *Server) find(id uint64) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[id]
}

func (s *Server) pollerLocked() *poller {
	if s.poller != nil || s.noPoller {
		return s.poller
	}
	p, err := newPoller(s)
	if err != nil {
		s.noPoller = true
		if !errors.Is(err, errors.ErrUnsupported) {
			s.config.Logger.Warn("idle websockets keep a goroutine each", "err", err)
		}
		return nil
	}
	s.poller = p
	s.workers.Go(p.run)
	return p
}

func (s *Server) stopPoller() {
	s.mu.Lock()
	p := s.poller
	s.mu.Unlock()
	if p != nil {
		p.stop()
	}
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c.id)
	s.checkEmptyLocked()
}

func (s *Server) checkEmptyLocked() {
	if s.closing && len(s.conns) == 0 {
		close(s.empty)
	}
}

func (s *Server) upgrader(subprotocol string) *gws.Upgrader {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.upgraders[subprotocol]
	if !ok {
		u = newUpgrader(s.config, subprotocol)
		s.upgraders[subprotocol] = u
	}
	return u
}
