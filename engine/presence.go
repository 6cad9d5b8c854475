package engine

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// presenceEvery is how often changes of presence are told. What is over by
// then, a reconnect for one, is never told.
const presenceEvery = time.Second

// typingFor is how long one typing frame counts in a large room.
const typingFor = 5 * time.Second

// presence tells who is here. It is not stored and never an event: changes
// gather, and one goroutine tells them once a second, to small rooms by name and
// to rooms of more than PresenceLimit members as a count.
type presence struct {
	engine *Engine

	mu        sync.Mutex // never held with hub.mu
	dirty     map[ID]struct{}
	names     map[ID]struct{} // users with a new name
	lastRooms map[ID][]ID     // of users whose last session has gone, until told
	announced map[ID]Status
	counts    map[ID]struct{}         // large rooms whose count may have changed
	typing    map[ID]map[ID]time.Time // large rooms: until when each user types

	stop    chan struct{}
	stopped chan struct{}
}

func newPresence(e *Engine) *presence {
	p := &presence{
		engine: e, dirty: map[ID]struct{}{}, names: map[ID]struct{}{}, lastRooms: map[ID][]ID{}, announced: map[ID]Status{},
		counts: map[ID]struct{}{}, typing: map[ID]map[ID]time.Time{},
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go p.run()
	return p
}

func (p *presence) close() {
	close(p.stop)
	<-p.stopped
}

func (p *presence) run() {
	defer close(p.stopped)
	t := time.NewTicker(presenceEvery)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.tell()
		}
	}
}

// changed notes that a user's sessions or status changed.
func (p *presence) changed(user ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dirty[user] = struct{}{}
}

// renamed notes that a user has a new name.
func (p *presence) renamed(user ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[user] = struct{}{}
}

// left notes that a session has been detached, and keeps its rooms, for there
// may be no session left to ask.
func (p *presence) left(s *Session) {
	rooms := p.engine.hub.roomsOf(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastRooms[s.identity.User] = rooms
	p.dirty[s.identity.User] = struct{}{}
}

// change is a user's new status.
type change struct {
	user   ID
	status Status
	rooms  []ID
}

func compareIDs(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// tell sends what has changed since the last time.
func (p *presence) tell() {
	p.mu.Lock()
	dirty, names, last := p.dirty, p.names, p.lastRooms
	p.dirty, p.names, p.lastRooms = map[ID]struct{}{}, map[ID]struct{}{}, map[ID][]ID{}
	p.mu.Unlock()
	for user := range names {
		p.tellName(user)
	}
	var changes []change
	for user := range dirty {
		status, rooms := p.engine.hub.statusOf(user)
		if status == Offline {
			var ok bool
			if rooms, ok = last[user]; !ok {
				continue // detached just now: left will say from where
			}
		}
		if p.announce(user, status) {
			changes = append(changes, change{user, status, rooms})
		}
	}
	// The same sessions hear of those who share a room: one after the other, so
	// that what each is told rides in few writes when thousands come at once.
	slices.SortFunc(changes, func(a, b change) int { return slices.CompareFunc(a.rooms, b.rooms, compareIDs) })
	for _, c := range changes {
		p.tellUser(c.user, c.status, c.rooms)
	}
	p.tellCounts()
	p.tellTyping()
}

// announce reports whether a status is news, and remembers it.
func (p *presence) announce(user ID, status Status) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was, ok := p.announced[user]
	if status == Offline {
		delete(p.announced, user)
		return ok
	}
	p.announced[user] = status
	return was != status
}

// tellName tells a new name to the small rooms of a user. Who is not told, or
// not here, sees it with the next page: names are looked up, not kept in messages.
func (p *presence) tellName(user ID) {
	u, err := p.engine.store.User(user)
	if err != nil {
		return
	}
	ms, err := p.engine.store.RoomsOf(user, ID{}, roomsPage)
	if err != nil {
		p.engine.log.Warn("a new name could not be told", "user", user, "err", err)
		return
	}
	var small []ID
	for _, m := range ms {
		if !p.engine.large(m.Room) {
			small = append(small, m.Room)
		}
	}
	p.engine.hub.tellOnce(small, &UserNotice{"user_updated", u})
}

func (p *presence) tellUser(user ID, status Status, rooms []ID) {
	var small []ID
	for _, id := range rooms {
		if p.engine.large(id) {
			p.mu.Lock()
			p.counts[id] = struct{}{}
			p.mu.Unlock()
		} else {
			small = append(small, id)
		}
	}
	p.engine.hub.tellOnce(small, &PresenceNotice{Type: "presence", User: user, Status: status})
}

func (p *presence) tellCounts() {
	p.mu.Lock()
	counts := p.counts
	p.counts = map[ID]struct{}{}
	p.mu.Unlock()
	for id := range counts {
		online := p.engine.hub.online(id)
		p.engine.hub.broadcast(id, &PresenceNotice{Type: "presence", Room: id, Online: &online}, ID{})
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

// large reports whether a room gets counts instead of names.
func (e *Engine) large(room ID) bool {
	r, err := e.store.Room(room)
	return err == nil && r.Members > PresenceLimit
}

// SetStatus says how the user of this session wants to be seen. Of several
// sessions the most present counts: online, then busy, then away.
func (s *Session) SetStatus(status Status) error {
	switch status {
	case Online, Away, Busy:
		s.status.Store(status)
		s.engine.presence.changed(s.identity.User)
		return nil
	}
	return invalidField("status", "unknown", "status must be online, away or busy")
}

// Typing tells the room that the user types. It is not stored.
func (s *Session) Typing(room ID) error {
	e, user := s.engine, s.identity.User
	r, _, err := e.enter(s.identity, room, actSignal)
	if err != nil {
		return err
	}
	if r.Members > PresenceLimit {
		e.presence.typingIn(room, user)
		return nil
	}
	e.hub.broadcast(room, &TypingNotice{Type: "typing", Room: room, User: user}, user)
	return nil
}

// statusOf returns a user's status and the rooms of one session.
func (h *hub) statusOf(user ID) (Status, []ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ss := h.users[user]
	if len(ss) == 0 {
		return Offline, nil
	}
	best := Away
	for _, s := range ss {
		switch st := s.status.Load().(Status); {
		case st == Online, st == Busy && best == Away:
			best = st
		}
	}
	return best, roomIDs(ss[0].rooms)
}

func (h *hub) roomsOf(s *Session) []ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return roomIDs(s.rooms)
}

func roomIDs(rooms []*room) []ID {
	ids := make([]ID, len(rooms))
	for i, r := range rooms {
		ids[i] = r.id
	}
	return ids
}

// tellOnce sends a notice to the sessions of several rooms, once to each.
func (h *hub) tellOnce(rooms []ID, notice any) {
	d := &delivery{notice: notice}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mark++
	for _, id := range rooms {
		r := h.rooms[id]
		if r == nil {
			continue
		}
		for _, s := range r.sessions {
			if s.mark != h.mark {
				s.mark = h.mark
				h.sendLocked(s, d)
			}
		}
	}
}

// online counts the users of a room who have sessions here.
func (h *hub) online(id ID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[id]
	if r == nil {
		return 0
	}
	users := make(map[ID]struct{}, len(r.sessions))
	for _, s := range r.sessions {
		users[s.identity.User] = struct{}{}
	}
	return len(users)
}
