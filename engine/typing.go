package engine

import "time"

// typingFor is how long one typing frame counts in a large room.
const typingFor = 5 * time.Second

// Typing tells the room that the user types. It is not stored.
func (s *Session) Typing(room ID) error {
	e, n := s.engine, &TypingNotice{Type: "typing", Room: room, User: s.identity.User}
	r, _, err := e.enter(s.identity, room, actSignal)
	if err != nil {
		return err
	}
	e.tellTyping(n, r.Members > PresenceLimit)
	e.relay(n)
	return nil
}

func (e *Engine) tellTyping(n *TypingNotice, large bool) {
	if large {
		e.presence.typingIn(n.Room, n.User)
	} else {
		e.hub.broadcast(n.Room, n, n.User)
	}
}

// tellTyping counts who types in large rooms, and says so until nobody does.
func (p *presence) tellTyping() {
	now := p.engine.now()
	counts := map[ID]int{}
	p.mu.Lock()
	for id, users := range p.typing {
		for u, until := range users {
			if now.After(until) {
				delete(users, u)
			}
		}
		if counts[id] = len(users); len(users) == 0 {
			delete(p.typing, id)
		}
	}
	p.mu.Unlock()
	for id, n := range counts {
		p.engine.hub.broadcast(id, &TypingNotice{Type: "typing", Room: id, Count: n}, ID{})
	}
}

// typingIn notes that a user types in a large room.
func (p *presence) typingIn(room, user ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.typing[room] == nil {
		p.typing[room] = map[ID]time.Time{}
	}
	p.typing[room][user] = p.engine.now().Add(typingFor)
}
