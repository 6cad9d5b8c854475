package socketio

import "slices"

// room is a set of sockets, which exists while there is one in it.
type room struct {
	name    string
	sockets map[*Socket]struct{}
}

// Join puts the socket into rooms. It is in one with its own id's name anyway.
func (s *Socket) Join(rooms ...string) error {
	n := s.namespace
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.status.Load() == statusClosed {
		return ErrNotConnected
	}
	for _, name := range rooms {
		if err := n.joinLocked(s, name); err != nil {
			return err
		}
	}
	return nil
}

// Leave takes the socket out of rooms.
func (s *Socket) Leave(rooms ...string) {
	n := s.namespace
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range rooms {
		n.leaveLocked(s, name)
	}
}

// Rooms are the rooms that the socket is in, its own first.
func (s *Socket) Rooms() []string {
	s.namespace.mu.RLock()
	defer s.namespace.mu.RUnlock()
	if s.status.Load() == statusClosed {
		return nil
	}
	names := []string{s.id}
	for _, r := range s.rooms {
		names = append(names, r.name)
	}
	return names
}

func (n *Namespace) joinLocked(s *Socket, name string) error {
	if s.inLocked(name) {
		return nil
	}
	if len(s.rooms) >= n.server.config.MaxRooms {
		return ErrTooManyRooms
	}
	r := n.rooms[name]
	if r == nil {
		r = &room{name: name, sockets: make(map[*Socket]struct{})}
		n.rooms[name] = r
	}
	r.sockets[s] = struct{}{}
	s.rooms = append(s.rooms, r)
	return nil
}

func (n *Namespace) leaveLocked(s *Socket, name string) {
	i := slices.IndexFunc(s.rooms, func(r *room) bool { return r.name == name })
	if i < 0 {
		return
	}
	n.emptyLocked(s.rooms[i], s)
	s.rooms = slices.Delete(s.rooms, i, i+1)
}

func (n *Namespace) leaveAllLocked(s *Socket) {
	for _, r := range s.rooms {
		n.emptyLocked(r, s)
	}
	s.rooms = nil
}

func (n *Namespace) emptyLocked(r *room, s *Socket) {
	delete(r.sockets, s)
	if len(r.sockets) == 0 {
		delete(n.rooms, r.name)
	}
}

// inLocked reports whether the socket is in a room. Sockets are in few.
func (s *Socket) inLocked(name string) bool {
	return name == s.id || slices.ContainsFunc(s.rooms, func(r *room) bool { return r.name == name })
}
