package socketio

import (
	"slices"
	"sync"

	"github.com/klatch-chat/klatch/engine"
)

// listeners are a program's functions for one socket. They are its receiver: all
// that happens goes through the connection's mailbox.
type listeners struct {
	box *mailbox

	mu   sync.RWMutex
	on   map[string][]func(*Event)
	any  []func(*Event)
	gone []func(reason string)
}

var _ Receiver = (*listeners)(nil)

// On has f called for each event of a name. The listeners of a connection run
// one after the other, in the order of the events. While one waits the connection
// goes on, until too many events wait for it.
func (s *Socket) On(name string, f func(e *Event)) {
	if l := s.listeners; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.on == nil {
			l.on = make(map[string][]func(*Event))
		}
		l.on[name] = append(l.on[name], f)
	}
}

// OnAny has f called for each event, before those of its name.
func (s *Socket) OnAny(f func(e *Event)) {
	if l := s.listeners; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.any = append(l.any, f)
	}
}

// OnDisconnect has f called when the socket has ended, after all its events.
func (s *Socket) OnDisconnect(f func(reason string)) {
	if l := s.listeners; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gone = append(l.gone, f)
	}
}

// admitListening has the middleware decide about a socket.
func (n *Namespace) admitListening(s *Socket) {
	s.listeners = &listeners{box: s.conn.mailbox()}
	s.receiver = s.listeners
	s.listeners.later(s, 0, func() {
		for _, check := range n.middleware() {
			if err := check(s); err != nil {
				n.turnAway(s, err)
				return
			}
		}
		n.welcome(s)
	})
}

func (n *Namespace) middleware() []func(*Socket) error {
	n.settings.RLock()
	defer n.settings.RUnlock()
	return slices.Clone(n.uses)
}

func (n *Namespace) welcome(s *Socket) {
	if !n.let(s, "") {
		return
	}
	s.rest()
	n.settings.RLock()
	welcomes := slices.Clone(n.welcomes)
	n.settings.RUnlock()
	for _, f := range welcomes {
		f(s)
	}
}

// later has the mailbox do something. Where it stays full the connection ends.
func (l *listeners) later(s *Socket, size int, do func()) {
	if !l.box.put(size, do) {
		s.conn.end(ReasonBusy, engine.CloseTooSlow, "the server does not keep up with the events")
	}
}

// Opened implements Receiver.
func (l *listeners) Opened(*Socket) {}

// Packet implements Receiver.
func (l *listeners) Packet(s *Socket, p *Packet) {
	size := len(p.Data)
	for _, a := range p.Attachments {
		size += len(a)
	}
	e := newEvent(s, p)
	l.later(s, size, func() { l.hear(e) })
}

func (l *listeners) hear(e *Event) {
	if e.socket.wasCut() {
		return
	}
	l.mu.RLock()
	heard := slices.Concat(l.any, l.on[e.Name])
	l.mu.RUnlock()
	for _, f := range heard {
		f(e)
	}
}

// wasCut reports whether the program disconnected the socket: it hears no more then.
func (s *Socket) wasCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status.Load() == statusClosed && s.reason == ReasonServerDisconnect
}

// Beat implements Receiver.
func (l *listeners) Beat(*Socket) {}

// Closed implements Receiver.
func (l *listeners) Closed(_ *Socket, reason string) {
	l.box.putLast(func() {
		l.mu.RLock()
		gone := slices.Clone(l.gone)
		l.mu.RUnlock()
		for _, f := range gone {
			f(reason)
		}
	})
}
