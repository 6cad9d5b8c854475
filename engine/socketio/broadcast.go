package socketio

import "slices"

// Broadcast says which sockets of a namespace are meant: all of them, or those
// in any of some rooms; without those in any of others. A socket's id is the name
// of a room with that socket alone. A Broadcast is never changed: each method
// that narrows it returns another.
type Broadcast struct {
	namespace *Namespace
	rooms     []string
	except    []string
}

// To adds rooms to those that are meant.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = append(slices.Clip(b.rooms), rooms...)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except adds rooms to those whose sockets are not meant.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = append(slices.Clip(b.except), rooms...)
	return b
}

// Emit sends an event to all sockets that are meant, encoded once.
func (b Broadcast) Emit(name string, args ...any) error {
	frame, err := b.namespace.server.encodeEvent(b.namespace.name, NoID, name, args)
	if err != nil {
		return err
	}
	b.Send(frame)
	return nil
}

// Send sends a frame, as EventFrame makes it, to all sockets that are meant. It
// never blocks.
func (b Broadcast) Send(frame []byte) {
	b.each(func(s *Socket) { s.Send(frame) })
}

// Sockets are those that are meant.
func (b Broadcast) Sockets() []*Socket {
	var sockets []*Socket
	b.each(func(s *Socket) { sockets = append(sockets, s) })
	return sockets
}

// Join puts all sockets that are meant into rooms. The error is the first of
// those that could not join them all.
func (b Broadcast) Join(rooms ...string) error {
	var first error
	for _, s := range b.Sockets() {
		if err := s.Join(rooms...); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Leave takes all sockets that are meant out of rooms.
func (b Broadcast) Leave(rooms ...string) {
	for _, s := range b.Sockets() {
		s.Leave(rooms...)
	}
}

// DisconnectSockets disconnects all sockets that are meant, as Socket.Disconnect does.
func (b Broadcast) DisconnectSockets(all bool) {
	for _, s := range b.Sockets() {
		s.Disconnect(all)
	}
}

// each calls f once for each socket that is meant, with the namespace locked.
func (b Broadcast) each(f func(*Socket)) {
	b.namespace.mu.RLock()
	defer b.namespace.mu.RUnlock()
	if len(b.rooms) == 0 {
		for _, s := range b.namespace.sockets {
			b.meetLocked(s, 0, f)
		}
		return
	}
	for i, name := range b.rooms {
		if s := b.namespace.sockets[name]; s != nil {
			b.meetLocked(s, i, f)
		}
		if r := b.namespace.rooms[name]; r != nil {
			for s := range r.sockets {
				b.meetLocked(s, i, f)
			}
		}
	}
}

// meetLocked calls f for a socket that was met in the i-th room, if it is to be
// counted there.
func (b Broadcast) meetLocked(s *Socket, i int, f func(*Socket)) {
	if !s.Connected() || slices.ContainsFunc(b.rooms[:i], s.inLocked) || slices.ContainsFunc(b.except, s.inLocked) {
		return
	}
	f(s)
}

func (n *Namespace) all() Broadcast { return Broadcast{namespace: n} }

// To means the sockets in any of some rooms.
func (n *Namespace) To(rooms ...string) Broadcast { return n.all().To(rooms...) }

// In is To.
func (n *Namespace) In(rooms ...string) Broadcast { return n.To(rooms...) }

// Except means all sockets but those in any of some rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.all().Except(rooms...) }

// Emit sends an event to all sockets of the namespace, encoded once.
func (n *Namespace) Emit(name string, args ...any) error { return n.all().Emit(name, args...) }

// Sockets are all sockets of the namespace.
func (n *Namespace) Sockets() []*Socket { return n.all().Sockets() }

// DisconnectSockets disconnects all sockets of the namespace.
func (n *Namespace) DisconnectSockets(all bool) { n.all().DisconnectSockets(all) }

// To means the sockets in any of some rooms but this one.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except means all sockets but this one and those in any of some rooms.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Broadcast means all sockets of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.id) }
