package engine

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of the hub's ring of recent events, from which a session that was away
// for a moment is served without reading the disk.
const (
	ringEvents = 8192
	ringBytes  = 8 << 20
)

// maxWires is how many wire formats one engine may speak.
const maxWires = 8

// Bounds of the requests that wait for a position, and of what they wait for.
const (
	maxWaiters     = 16 << 10
	maxWaiterMarks = 64 << 10 // origins, in all of them
)

// bulkEvents is how many events of other nodes in one batch are not told one by
// one where nobody is connected: a node that catches up has better things to do.
const bulkEvents = 1024

// hub knows the sessions of this node and publishes to them in commit order.
type hub struct {
	engine     *Engine
	ringMax    int // ringEvents, but in tests
	deliveries atomic.Uint64

	deliveryTime *Histogram // seconds

	mu       sync.Mutex
	sample   sample
	position Position // published: everything up to here has been sent
	base     Position // the position just before the ring's first entry
	ring     []*entry
	ringSize int
	index    ringIndex
	rooms    map[ID]*room
	users    map[ID][]*Session
	count    int
	wires    []Wire
	mark     uint64 // marks sessions already reached by one fan-out

	checkpoints [maxWires][]byte // the frames of position's, where one has been sent

	waiters map[*waiter]struct{}
	waiting int // marks of all waiters
	closed  bool
}

// room is a room that has sessions here.
type room struct {
	id       ID
	sessions []*Session
}

// delivery is one notice and who gets it: the sessions of a room, or of a user.
type delivery struct {
	room, user ID
	notice     any
	of         *entry           // nil: it is of no event
	whole      bool             // all that its entry tells has been sent with it
	frames     [maxWires][]byte // encoded on first need, then shared
}

// entry is one published event as sessions see it.
type entry struct {
	origin     Origin
	seq        uint64
	since      Position // see reached
	size       int
	room       ID   // the event's
	joined     []ID // users whose sessions enter room before the deliveries
	left       []ID // ... and leave it after them
	ended      bool // all leave it after them
	deliveries []delivery
	revoke     *revocation
	banned     netip.Prefix // sessions from there end, if the ban holds
	broken     bool         // the store failed: sessions of the room must resume instead
	wide       bool         // may concern others than those in room; set by remember
	number     uint64       // in the order of publishing; set by remember
}

// concerns reports whether a wide entry means anything to a user who is in rooms.
func (en *entry) concerns(user ID, rooms []ID) bool {
	return slices.Contains(rooms, en.room) || slices.Contains(en.joined, user) || slices.Contains(en.left, user) ||
		slices.ContainsFunc(en.deliveries, func(d delivery) bool { return d.user == user || slices.Contains(rooms, d.room) }) ||
		(en.revoke != nil && en.revoke.user == user)
}

func (en *entry) concernsOthers() bool {
	return len(en.joined) > 0 || len(en.left) > 0 || en.revoke != nil ||
		slices.ContainsFunc(en.deliveries, func(d delivery) bool { return !d.user.IsZero() || d.room != en.room })
}

// revocation ends sessions of a user: of one token, of all issued before a version, or all.
type revocation struct {
	user, token, before ID
	all                 string // why; "": not all
}

type waiter struct {
	position Position
	reached  chan struct{}
}

func newHub(e *Engine) *hub {
	p := e.store.Position()
	return &hub{
		engine: e, ringMax: ringEvents, position: p, base: p, deliveryTime: newLatency(),
		rooms: map[ID]*room{}, users: map[ID][]*Session{}, waiters: map[*waiter]struct{}{},
	}
}

// publish is called by the committer alone, in commit order.
func (h *hub) publish(events []committed, pos Position) {
	if h.bulk(events) && h.skip(pos) {
		return
	}
	entries := make([]*entry, len(events))
	for i, ev := range events {
		entries[i] = h.engine.entry(ev) // reads the store: not under the lock
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	place(entries, h.position)
	h.sample.since = h.engine.commits.durable
	for _, en := range entries {
		h.publishLocked(en)
	}
	h.advanceLocked(pos)
}

// advanceLocked moves to a position and answers who waits for it.
func (h *hub) advanceLocked(pos Position) {
	h.position, h.checkpoints = pos, [maxWires][]byte{}
	for w := range h.waiters {
		if pos.Covers(w.position) {
			h.forgetLocked(w)
			close(w.reached)
		}
	}
}

// bulk reports whether a batch is too much to tell to nobody.
func (h *hub) bulk(events []committed) bool {
	own, foreign := h.engine.store.Origin(), 0
	for _, ev := range events {
		if ev.Origin != own {
			foreign++
		}
	}
	return foreign > bulkEvents
}

// skip moves on without telling anything, if there is nobody to tell.
func (h *hub) skip(pos Position) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count > 0 {
		return false
	}
	h.restartLocked(pos)
	return true
}

// renew begins again at a position to which the store has jumped.
func (h *hub) renew(pos Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.restartLocked(pos)
	for _, us := range h.users {
		for _, s := range us {
			s.conn.Close(CloseLeaving, "the node has been renewed; resume")
		}
	}
}

// restartLocked empties the ring: what came before pos is in the log alone.
func (h *hub) restartLocked(pos Position) {
	h.ring, h.ringSize, h.base = nil, 0, pos
	h.index = ringIndex{next: h.index.next}
	h.advanceLocked(pos)
}

func (h *hub) publishLocked(en *entry) {
	for _, u := range en.joined {
		for _, s := range h.users[u] {
			h.joinLocked(s, en.room)
		}
	}
	for i := range en.deliveries {
		d := &en.deliveries[i]
		h.tellLocked(h.audienceLocked(d), d)
	}
	for _, u := range en.left {
		for _, s := range h.users[u] {
			h.leaveLocked(s, en.room)
		}
	}
	if r := h.rooms[en.room]; r != nil && (en.ended || en.broken) {
		h.endLocked(r, en.broken)
	}
	if en.revoke != nil {
		h.revokeLocked(en.revoke)
	}
	if en.banned.IsValid() {
		h.banLocked(en.banned)
	}
	h.remember(en)
}

func (h *hub) audienceLocked(d *delivery) []*Session {
	if !d.user.IsZero() {
		return h.users[d.user]
	}
	if r := h.rooms[d.room]; r != nil {
		return r.sessions
	}
	return nil
}

func (h *hub) sendLocked(s *Session, d *delivery) {
	s.conn.Send(frameLocked(s, d))
	h.deliveries.Add(1)
}

func frameLocked(s *Session, d *delivery) []byte {
	if d.frames[s.wireIndex] == nil {
		d.frames[s.wireIndex] = d.encode(s.wire)
	}
	return d.frames[s.wireIndex]
}

func (h *hub) revokeLocked(r *revocation) {
	for _, s := range h.users[r.user] {
		if r.all != "" {
			s.conn.Close(CloseReplaced, r.all)
		} else if (!r.token.IsZero() && s.identity.Token == r.token) || (!r.before.IsZero() && s.identity.issuedBefore(r.before)) {
			s.conn.Close(CloseReplaced, "the token was revoked")
		}
	}
}

// banLocked ends the sessions that come from a network. Who attaches later is
// looked at then (see Connect).
func (h *hub) banLocked(network netip.Prefix) {
	for _, us := range h.users {
		for _, s := range us {
			at := addressOf(s.conn)
			if !at.IsValid() || !network.Contains(at) {
				continue
			}
			if ban, ok := h.engine.AddressBan(at); ok {
				s.conn.Close(CloseReplaced, ban.refusal("this address").Message)
			}
		}
	}
}

// remember puts an entry on the ring and forgets the oldest past the bounds.
func (h *hub) remember(en *entry) {
	en.wide = en.concernsOthers()
	h.index.add(en)
	h.ring = append(h.ring, en)
	h.ringSize += en.size
	drop := 0
	for len(h.ring)-drop > h.ringMax || h.ringSize > ringBytes {
		old := h.ring[drop]
		h.base = h.base.With(old.origin, old.seq)
		h.ringSize -= old.size
		h.index.drop(old)
		drop++
	}
	if drop > 0 {
		clear(h.ring[:drop])
		h.ring = h.ring[drop:]
	}
}

// attach makes a session live if the ring reaches back to from: it sends what
// the session has not had, then a checkpoint, and from then on the session gets
// everything. Otherwise it returns where the caller must read the log up to.
func (h *hub) attach(s *Session, from Position, checkpoint bool) (behind Position, attached bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return Position{}, false, ErrUnavailable
	}
	if !from.Covers(h.base) {
		return h.position, false, nil
	}
	missed, ok := h.missedLocked(s, from)
	if !ok {
		return h.position, false, nil
	}
	h.users[s.identity.User] = append(h.users[s.identity.User], s)
	h.count++
	s.attached = true
	for _, id := range s.start {
		h.joinLocked(s, id)
	}
	s.start = nil
	for _, en := range missed {
		h.catchUpLocked(s, en)
	}
	if checkpoint {
		h.checkpointLocked(s)
	}
	return Position{}, true, nil
}

// attachBytes bounds what attach may put on a connection's queue at once, in
// bytes of frames: some bodies grow sixfold when they are encoded.
const attachBytes = 256 << 10

// missedLocked returns what of the ring a session has not had. It is not ok if
// that is more than attachBytes, or the session has had something that came to
// this node after what it has not had, from another node: the ring's notices tell
// what was so when they were published, and would take the client back. The log
// is told as of now.
//
// The ring lacks nothing between base and position. So as many of its entries
// are missed as position is ahead of from, and all is well if they are its last.
func (h *hub) missedLocked(s *Session, from Position) (missed []*entry, ok bool) {
	if from.Covers(h.position) {
		return nil, true
	}
	behind := h.position.Behind(from)
	if behind > uint64(len(h.ring)) {
		return nil, false
	}
	last := h.ring[len(h.ring)-int(behind):]
	if !h.index.unseen(last, from) {
		return nil, false
	}
	missed = h.index.concerning(s.identity.User, s.start, last[0].number)
	size := 0
	for _, en := range missed {
		if size += h.sizeLocked(s, en); size > attachBytes {
			return nil, false
		}
	}
	return missed, true
}

// sizeLocked returns how many bytes of frames an entry is to a session in its room.
func (h *hub) sizeLocked(s *Session, en *entry) (size int) {
	for i := range en.deliveries {
		if d := &en.deliveries[i]; d.user.IsZero() || d.user == s.identity.User {
			size += len(frameLocked(s, d))
		}
	}
	return size
}

// catchUpLocked gives one session what publishLocked gave the others.
func (h *hub) catchUpLocked(s *Session, en *entry) {
	user := s.identity.User
	if slices.Contains(en.joined, user) {
		h.joinLocked(s, en.room)
	}
	for i := range en.deliveries {
		if d := &en.deliveries[i]; d.user == user || (d.user.IsZero() && s.inLocked(d.room)) {
			h.sendLocked(s, d)
		}
	}
	if slices.Contains(en.left, user) || en.ended {
		h.leaveLocked(s, en.room)
	}
	if en.broken && s.inLocked(en.room) {
		s.conn.Close(CloseLeaving, "the node could not read an event; resume")
	}
	if r := en.revoke; r != nil && r.user == user && r.all == "" { // what ended all may itself have ended: Connect looks
		h.revokeLocked(r)
	}
}

// checkpoint sends the cursor of all that the session has been sent.
func (h *hub) checkpoint(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.attached {
		h.checkpointLocked(s)
	}
}

// checkpointLocked sends the frame that all get who ask before the next event:
// while nothing happens every session does, at each heartbeat.
func (h *hub) checkpointLocked(s *Session) {
	frame := &h.checkpoints[s.wireIndex]
	if *frame == nil {
		*frame = s.wire.Encode(&Checkpoint{Type: "checkpoint", Cursor: h.position.String()})
	}
	s.conn.Send(*frame)
}

func (h *hub) joinLocked(s *Session, id ID) {
	if s.inLocked(id) {
		return
	}
	r := h.rooms[id]
	if r == nil {
		r = &room{id: id}
		h.rooms[id] = r
	}
	r.sessions = append(r.sessions, s)
	s.rooms = append(s.rooms, r)
}

func (h *hub) leaveLocked(s *Session, id ID) {
	i := slices.IndexFunc(s.rooms, func(r *room) bool { return r.id == id })
	if i < 0 {
		return
	}
	h.dropLocked(s.rooms[i], s)
	s.rooms = remove(s.rooms, i)
}

func (h *hub) dropLocked(r *room, s *Session) {
	if r.sessions = remove(r.sessions, slices.Index(r.sessions, s)); len(r.sessions) == 0 {
		delete(h.rooms, r.id)
	}
}

// endLocked empties a room that was deleted, or whose event could not be read.
func (h *hub) endLocked(r *room, broken bool) {
	for _, s := range slices.Clone(r.sessions) {
		if broken {
			s.conn.Close(CloseLeaving, "the node could not read an event; resume")
		} else {
			h.leaveLocked(s, r.id)
		}
	}
}

// detach forgets a session. It may be called more than once.
func (h *hub) detach(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.attached {
		return
	}
	s.attached = false
	h.count--
	for _, r := range s.rooms {
		h.dropLocked(r, s)
	}
	user := s.identity.User
	if us := remove(h.users[user], slices.Index(h.users[user], s)); len(us) > 0 {
		h.users[user] = us
	} else {
		delete(h.users, user)
	}
}

// broadcast sends a notice that is no event to the sessions of a room, but not to user's own.
func (h *hub) broadcast(room ID, notice any, except ID) {
	d := &delivery{room: room, notice: notice}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.audienceLocked(d) {
		if s.identity.User != except {
			h.sendLocked(s, d)
		}
	}
}

// wireIndex numbers a wire format.
func (h *hub) wireIndex(w Wire) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.wires, w); i >= 0 {
		return i
	}
	if len(h.wires) == maxWires {
		panic("engine: more wire formats than maxWires")
	}
	h.wires = append(h.wires, w)
	return len(h.wires) - 1
}

func (h *hub) current() Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.position
}

func (h *hub) sizes() (sessions, rooms int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count, len(h.rooms)
}

func (h *hub) waitFor(ctx context.Context, p Position) error {
	h.mu.Lock()
	if h.position.Covers(p) {
		h.mu.Unlock()
		return nil
	}
	w := &waiter{position: p.Beyond(h.position), reached: make(chan struct{})}
	if len(h.waiters) >= maxWaiters || h.waiting+len(w.position.marks) > maxWaiterMarks {
		h.mu.Unlock()
		return ErrNotCaughtUp
	}
	h.waiters[w] = struct{}{}
	h.waiting += len(w.position.marks)
	h.mu.Unlock()
	select {
	case <-w.reached:
		return nil
	case <-ctx.Done():
		h.mu.Lock()
		h.forgetLocked(w)
		h.mu.Unlock()
		return ErrNotCaughtUp
	}
}

func (h *hub) forgetLocked(w *waiter) {
	if _, ok := h.waiters[w]; ok {
		delete(h.waiters, w)
		h.waiting -= len(w.position.marks)
	}
}

// remove takes out element i by moving the last one there.
func remove[T any](s []T, i int) []T {
	var zero T
	last := len(s) - 1
	s[i], s[last] = s[last], zero
	return s[:last]
}
