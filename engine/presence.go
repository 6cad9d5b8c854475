package engine

import (
	"slices"
	"sync"
	"time"
)

// presenceEvery is how often changes of presence are told. What is over by
// then, a reconnect for one, is never told.
const presenceEvery = time.Second

// presence tells who is here. It is not stored and never an event: changes
// gather, and one goroutine tells them once a second, to small rooms by name and
// to rooms of more than PresenceLimit members as a count.
//
// A user is as present as the most present of the sessions here and of what the
// peers say. Each node speaks for its own sessions only.
type presence struct {
	engine *Engine

	mu        sync.Mutex // never held with hub.mu
	dirty     map[ID]struct{}
	names     map[ID]struct{}          // users with a new name
	lastRooms map[ID][]ID              // of users whose last session has gone, until told
	typing    map[ID]map[ID]time.Time  // large rooms: until when each user types
	remote    map[Origin]map[ID]Status // what each peer says of its own sessions
	said      map[ID]Status            // what the peers have been told of those here

	// Owned by the goroutine.
	announced map[ID]Status // to the sessions here
	census    census

	stop    chan struct{}
	stopped chan struct{}
}

func newPresence(e *Engine) *presence {
	p := &presence{
		engine: e, dirty: map[ID]struct{}{}, names: map[ID]struct{}{}, lastRooms: map[ID][]ID{},
		typing: map[ID]map[ID]time.Time{}, remote: map[Origin]map[ID]Status{}, said: map[ID]Status{},
		announced: map[ID]Status{},
		stop:      make(chan struct{}), stopped: make(chan struct{}),
	}
	p.census = census{presence: p, queued: map[ID]struct{}{}}
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
	var own []Presence
	for user := range dirty {
		here, rooms := p.engine.hub.statusOf(user)
		said := p.say(user, here)
		if said {
			own = append(own, Presence{user, here})
		}
		status := moreOf(here, p.elsewhere(user))
		if !p.news(user, status) {
			if said { // who is new here, but not elsewhere, has not heard the counts
				p.recount(rooms)
			}
			continue
		}
		if here == Offline {
			var err error
			if rooms, err = p.roomsOf(user, last); err != nil {
				p.engine.log.Error("a user's presence could not be told yet", "user", user, "err", err)
				p.changed(user)
				continue
			}
		}
		p.announce(user, status)
		changes = append(changes, change{user, status, rooms})
	}
	if len(own) > 0 {
		p.engine.cfg.Peers.Present(own)
	}
	// The same sessions hear of those who share a room: one after the other, so
	// that what each is told rides in few writes when thousands come at once.
	slices.SortFunc(changes, func(a, b change) int { return slices.CompareFunc(a.rooms, b.rooms, ID.Compare) })
	for _, c := range changes {
		p.tellUser(c.user, c.status, c.rooms)
	}
	p.census.run()
	p.tellTyping()
}

// news reports whether a status is news to the sessions here.
func (p *presence) news(user ID, status Status) bool {
	was, ok := p.announced[user]
	return (ok || status != Offline) && was != status
}

// announce remembers what the sessions here have been told.
func (p *presence) announce(user ID, status Status) {
	if status == Offline {
		delete(p.announced, user)
	} else {
		p.announced[user] = status
	}
}

// roomsOf returns where to tell of a user who has no session here: the rooms of
// the last one, if it has gone just now, else those that have somebody here.
func (p *presence) roomsOf(user ID, last map[ID][]ID) ([]ID, error) {
	if rooms, ok := last[user]; ok {
		return rooms, nil
	}
	return p.engine.roomsHere(user)
}

// roomsHere returns the rooms of a user that have sessions here.
func (e *Engine) roomsHere(user ID) (rooms []ID, err error) {
	if sessions, _ := e.hub.sizes(); sessions == 0 {
		return nil, nil
	}
	for after := (ID{}); ; {
		ms, err := e.store.RoomsOf(user, after, roomsPage)
		rooms = append(rooms, e.hub.occupied(ms)...)
		if err != nil || len(ms) < roomsPage {
			return rooms, err
		}
		after = ms[len(ms)-1].Room
	}
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

// recount has the large ones of some rooms counted.
func (p *presence) recount(rooms []ID) {
	for _, id := range rooms {
		if p.engine.large(id) {
			p.census.add(id)
		}
	}
}

func (p *presence) tellUser(user ID, status Status, rooms []ID) {
	var small []ID
	for _, id := range rooms {
		if p.engine.large(id) {
			p.census.add(id)
		} else {
			small = append(small, id)
		}
	}
	p.engine.hub.tellOnce(small, &PresenceNotice{Type: "presence", User: user, Status: status})
}

// large reports whether a room gets counts instead of names.
func (e *Engine) large(room ID) bool {
	r, err := e.store.Room(room)
	return err == nil && r.Members > PresenceLimit
}

// statusOf returns how a user is seen, over all nodes.
func (e *Engine) statusOf(user ID) Status {
	here, _ := e.hub.statusOf(user)
	return moreOf(here, e.presence.elsewhere(user))
}

// moreOf returns the more present of two statuses: online, then busy, then away.
func moreOf(a, b Status) Status {
	if presenceRank[b] > presenceRank[a] {
		return b
	}
	return a
}

var presenceRank = map[Status]int{Online: 3, Busy: 2, Away: 1}

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

// statusOf returns a user's status by the sessions here, and the rooms of one.
func (h *hub) statusOf(user ID) (Status, []ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ss := h.users[user]
	if len(ss) == 0 {
		return Offline, nil
	}
	best := Away
	for _, s := range ss {
		best = moreOf(best, s.status.Load().(Status))
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

// usersIn returns the users of a room who have sessions here.
func (h *hub) usersIn(id ID) map[ID]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[id]
	if r == nil {
		return nil
	}
	users := make(map[ID]struct{}, len(r.sessions))
	for _, s := range r.sessions {
		users[s.identity.User] = struct{}{}
	}
	return users
}

// occupied returns those rooms that have sessions here.
func (h *hub) occupied(ms []Membership) (rooms []ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range ms {
		if h.rooms[m.Room] != nil {
			rooms = append(rooms, m.Room)
		}
	}
	return rooms
}
