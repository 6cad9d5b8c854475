package socketio

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

var _ engine.Conn = (*Socket)(nil)

// Receiver is told what happens on a socket of a raw namespace. It runs on the
// goroutine that reads the connection: while it does nothing more is read, so it
// must not wait for an acknowledgement of the same client.
type Receiver interface {
	// Opened is called when the answer to CONNECT is queued.
	Opened(s *Socket)

	// Packet is called for each EVENT and BINARY_EVENT, one after the other. p is
	// valid only during the call.
	Packet(s *Socket, p *Packet)

	// Beat is called once a heartbeat interval: the place for checkpoints. It must
	// not block and may overlap any other call.
	Beat(s *Socket)

	// Closed is called exactly once after Opened, after the last Packet.
	Closed(s *Socket, reason string)
}

// Socket is one client in one namespace. Its methods may be called from any
// goroutine; after the end they do nothing or return ErrNotConnected.
type Socket struct {
	// Fixed before anybody else knows it.
	namespace *Namespace
	conn      *connection
	session   *engineio.Session // conn's, for deliveries
	id        string
	auth      json.RawMessage
	receiver  Receiver   // of a raw namespace: set before it is opened
	listeners *listeners // nil in a raw namespace

	status atomic.Int32 // written under mu
	data   atomic.Value // what the program keeps here
	acks   acks         // has its own lock

	rooms []*room // guarded by namespace.mu

	mu     sync.Mutex // held for moments; takes the outbox's lock only
	busy   bool       // the receiver is at work
	told   bool       // or about to be told of the end
	reason string
}

// The life of a socket.
const (
	statusConnecting int32 = iota
	statusOpen
	statusClosed
)

// ID is the socket's own id, which the client knows as socket.id. It is no
// secret, as the Engine.IO session's is; only Socket.IO v2 clients get that.
func (s *Socket) ID() string { return s.id }

// Namespace is where the socket is.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Connected reports whether the client is in the namespace.
func (s *Socket) Connected() bool { return s.status.Load() == statusOpen }

// SetData keeps a value with the socket: what a middleware found out.
func (s *Socket) SetData(value any) { s.data.Store(&value) }

// Data is what SetData was given last, or nil.
func (s *Socket) Data() any {
	if v, ok := s.data.Load().(*any); ok {
		return *v
	}
	return nil
}

// Emit sends an event. Any []byte in the arguments travels as an attachment;
// all else is encoded as encoding/json does.
func (s *Socket) Emit(name string, args ...any) error {
	frame, err := s.conn.server.encodeEvent(s.namespace.name, NoID, name, args)
	if err != nil {
		return err
	}
	return s.deliver(frame)
}

// EmitWithAck sends an event and waits for its acknowledgement, until ctx or the
// connection ends. It must not be called from a Receiver's methods.
func (s *Socket) EmitWithAck(ctx context.Context, name string, args ...any) (*Args, error) {
	if !s.Connected() {
		return nil, ErrNotConnected
	}
	id, answer, err := s.acks.expect(s.conn.server.config.MaxAcks)
	if err != nil {
		return nil, err
	}
	defer s.acks.forget(id)
	frame, err := s.conn.server.encodeEvent(s.namespace.name, id, name, args)
	if err != nil {
		return nil, err
	}
	s.Send(frame)
	select {
	case a, ok := <-answer:
		if !ok {
			return nil, ErrNotConnected
		}
		return a, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Send queues a frame, as EventFrame and AckFrame make them. It never blocks.
func (s *Socket) Send(frame []byte) { _ = s.deliver(frame) }

func (s *Socket) deliver(frame []byte) error {
	if !s.Connected() {
		return ErrNotConnected
	}
	s.session.Send(frame)
	return nil
}

// Way is the WebSocket that Send gives frames to, and nil as long as that may
// change. Who broadcasts to many may keep it: each object on the way to a
// connection is one more that is not in the processor's cache.
func (s *Socket) Way() *socket.Conn {
	if !s.Connected() {
		return nil
	}
	return s.session.Way()
}

// Drained waits until at most half of the queue's bound is in use.
func (s *Socket) Drained(ctx context.Context) error { return s.session.Drained(ctx) }

// Close ends the whole connection, with all its namespaces: the client sees
// "transport close", not a disconnect, and comes back.
func (s *Socket) Close(code engine.CloseCode, text string) { s.conn.end(ReasonForcedClose, code, text) }

// Disconnect takes the client out of the namespace; it does not reconnect by
// itself then. With all it is taken out of all namespaces and the connection ends.
func (s *Socket) Disconnect(all bool) {
	if all {
		s.conn.disconnectAll()
		return
	}
	s.mu.Lock()
	if s.status.Load() == statusOpen {
		s.session.Send(plainFrame(TypeDisconnect, s.namespace.name, nil))
	}
	s.mu.Unlock()
	s.end(ReasonServerDisconnect)
}

// open answers CONNECT, unless the end was sooner. Its caller calls rest.
func (s *Socket) open(answer []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.Load() == statusClosed {
		return false
	}
	s.session.Send(answer)
	s.status.Store(statusOpen)
	s.busy = true
	return true
}

// isConnecting waits for open: the client may be sooner with its first event than
// we with noting that it is connected.
func (s *Socket) isConnecting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Load() == statusConnecting
}

// receive has the receiver take a packet, unless the end was sooner.
func (s *Socket) receive(p *Packet) {
	s.mu.Lock()
	open := s.status.Load() == statusOpen
	s.busy = open
	s.mu.Unlock()
	if open {
		defer s.rest()
		s.receiver.Packet(s, p)
	}
}

// rest is called after the receiver has been busy. What ended the socket
// meanwhile left it to us to say so.
func (s *Socket) rest() {
	s.mu.Lock()
	s.busy = false
	tell := s.status.Load() == statusClosed && !s.told
	s.told = s.told || tell
	s.mu.Unlock()
	if tell {
		s.receiver.Closed(s, s.reason)
	}
}

// end is the end, whoever is first to say why.
func (s *Socket) end(reason string) {
	s.mu.Lock()
	was := s.status.Load()
	if was == statusClosed {
		s.mu.Unlock()
		return
	}
	s.status.Store(statusClosed)
	s.reason = reason
	s.told = !s.busy
	tell := was == statusOpen && !s.busy
	s.mu.Unlock()
	s.namespace.remove(s)
	s.acks.end()
	if was == statusOpen {
		s.conn.left()
	}
	if tell {
		s.receiver.Closed(s, reason)
	}
}
