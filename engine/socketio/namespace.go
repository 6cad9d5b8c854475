package socketio

import (
	"encoding/json"
	"errors"
	"sync"
)

// Namespace is a part of a server that clients connect to by name, each on its
// own, on one connection. Everything about it may be changed at any time.
type Namespace struct {
	server *Server
	name   string

	settings sync.RWMutex
	raw      func(s *Socket, auth json.RawMessage) (r Receiver, pid string, err error)
	uses     []func(*Socket) error
	welcomes []func(*Socket)

	mu      sync.RWMutex // held while frames are queued, which never blocks
	sockets map[string]*Socket
	rooms   map[string]*room
}

func newNamespace(s *Server, name string) *Namespace {
	return &Namespace{server: s, name: name, sockets: make(map[string]*Socket), rooms: make(map[string]*room)}
}

// Name is the namespace's name, with its "/".
func (n *Namespace) Name() string { return n.name }

// OnConnection has f called for each new socket, before its first event. It is
// where listeners are added.
func (n *Namespace) OnConnection(f func(s *Socket)) {
	n.settings.Lock()
	defer n.settings.Unlock()
	n.welcomes = append(n.welcomes, f)
}

// Use adds a middleware: it is called for each socket that wants to connect, in
// the order of the calls to Use, and refuses it by an error. It may wait.
func (n *Namespace) Use(f func(s *Socket) error) {
	n.settings.Lock()
	defer n.settings.Unlock()
	n.uses = append(n.uses, f)
}

// Raw hands the namespace to a protocol that encodes by itself: for each CONNECT
// accept says who receives the socket's packets, and the pid of its answer if
// there is to be one, or why it is refused. Listeners and middleware are not used
// then. accept runs on the goroutine that reads the connection; s is connected
// when Opened is called, not before.
func (n *Namespace) Raw(accept func(s *Socket, auth json.RawMessage) (r Receiver, pid string, err error)) {
	n.settings.Lock()
	defer n.settings.Unlock()
	n.raw = accept
}

// admit decides about a socket.
func (n *Namespace) admit(s *Socket) {
	n.settings.RLock()
	raw := n.raw
	n.settings.RUnlock()
	if raw == nil {
		n.admitListening(s)
		return
	}
	receiver, pid, err := raw(s, s.auth)
	if err != nil {
		n.turnAway(s, err)
		return
	}
	s.receiver = receiver
	if n.let(s, pid) {
		defer s.rest()
		receiver.Opened(s)
	}
}

// let has a socket in. It reports whether that was in time; its caller calls rest then.
func (n *Namespace) let(s *Socket, pid string) bool {
	n.mu.Lock()
	if s.status.Load() != statusClosed {
		n.sockets[s.id] = s
	}
	n.mu.Unlock()
	if !s.open(s.conn.accepts(s, pid)) {
		return false
	}
	s.conn.joined()
	return true
}

// turnAway refuses a socket.
func (n *Namespace) turnAway(s *Socket, err error) {
	refusal := &Error{Message: err.Error()}
	errors.As(err, &refusal)
	s.conn.forget(s)
	s.end(ReasonServerDisconnect)
	s.conn.refuse(n.name, refusal)
}

// remove forgets a socket that has ended.
func (n *Namespace) remove(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sockets, s.id)
	n.leaveAllLocked(s)
}
