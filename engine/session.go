package engine

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Session is one authenticated real-time connection of a user. Its connection
// calls its methods from one goroutine; Close may come from any.
type Session struct {
	engine   *Engine
	identity *Identity
	conn     Conn
	wire     Wire

	wireIndex int  // of wire, in the hub
	start     []ID // rooms to enter when attached; owned by Connect

	// Guarded by hub.mu.
	rooms    []*room
	attached bool
	mark     uint64

	status    atomic.Value // Status
	closeOnce sync.Once
}

// Connect opens a session: it sends Ready, then what the client missed since
// its cursor (I5), then a checkpoint; from then on everything live. An empty
// cursor starts now. Connect may take as long as the client needs to read what
// it missed; ctx bounds it. After an error the caller closes the connection.
func (e *Engine) Connect(ctx context.Context, who *Identity, conn Conn, wire Wire, cursor string) (*Session, error) {
	if e.draining.Load() {
		return nil, ErrUnavailable
	}
	s := &Session{engine: e, identity: who, conn: conn, wire: wire, wireIndex: e.hub.wireIndex(wire)}
	s.status.Store(Online)
	from, resumed, reason := e.resumePoint(ctx, cursor)
	ready, err := e.ready(s, from, resumed)
	if err != nil {
		return nil, err
	}
	conn.Send(wire.Encode(ready))
	if resumed && ready.Cursor != cursor { // for clients that remember those of checkpoints alone
		conn.Send(wire.Encode(&Checkpoint{Type: "checkpoint", Cursor: ready.Cursor}))
	}
	if reason != "" {
		e.resets.Add(1)
		conn.Send(wire.Encode(&Reset{Type: "reset", Reason: reason}))
	}
	if err := e.catchUp(ctx, s, from, resumed); err != nil {
		return nil, err
	}
	// A revocation or ban since Authenticate was published before the session could hear of it.
	if err := firstError(e.holds(who), e.admits(conn)); err != nil {
		switch AsError(err).Code { // as to those who were live
		case CodeUnauthorized:
			conn.Close(CloseReplaced, "the token was revoked")
		case CodeForbidden:
			conn.Close(CloseReplaced, AsError(err).Message)
		}
		s.Close()
		return nil, err
	}
	if resumed {
		e.resumed.Add(1)
	}
	e.presence.changed(who.User)
	return s, nil
}

// ready loads the user's rooms. They are at least as new as from, which was taken before.
func (e *Engine) ready(s *Session, from Position, resumed bool) (*Ready, error) {
	user, err := e.store.User(s.identity.User)
	if err != nil {
		return nil, err
	}
	rooms, err := e.allRooms(user.ID)
	if err != nil {
		return nil, err
	}
	s.start = make([]ID, len(rooms))
	for i := range rooms {
		s.start[i] = rooms[i].ID
	}
	return &Ready{
		Type: "ready", User: user, Node: e.store.Origin().String(), Rooms: rooms,
		Cursor: from.String(), Resumed: resumed,
		Heartbeat: HeartbeatNotice{e.cfg.HeartbeatInterval.Milliseconds(), e.cfg.HeartbeatTimeout.Milliseconds()},
	}, nil
}

// User is who the session belongs to.
func (s *Session) User() ID { return s.identity.User }

// Identity is what the session signed in with.
func (s *Session) Identity() *Identity { return s.identity }

// Checkpoint sends the cursor of all that has been sent; connections call it at every heartbeat.
func (s *Session) Checkpoint() { s.engine.hub.checkpoint(s) }

// Close ends the session; the connection is the caller's. It may be called more than once.
func (s *Session) Close() {
	s.closeOnce.Do(func() {
		s.engine.hub.detach(s)
		s.engine.presence.left(s)
	})
}

// inLocked reports whether the session gets a room's notices. Users have few
// rooms, and memory a session counts: a slice, not a map.
func (s *Session) inLocked(id ID) bool {
	return slices.ContainsFunc(s.rooms, func(r *room) bool { return r.id == id })
}

// Signal sends an application's own event to the sessions of a room, the sender's others included. It is not stored.
func (s *Session) Signal(room ID, name string, data any) error {
	if err := checkText("name", name, 1, 64); err != nil {
		return err
	}
	if _, _, err := s.engine.enter(s.identity, room, actSignal); err != nil {
		return err
	}
	n := &SignalNotice{Type: "signal", Room: room, User: s.identity.User, Name: name, Data: data}
	s.engine.hub.broadcast(room, n, ID{})
	s.engine.relay(n)
	return nil
}
