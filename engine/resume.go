package engine

import (
	"context"
	"iter"
	"slices"
)

// replayBytes is how much a replay sends before it waits for the client to take it.
const replayBytes = 64 << 10

// resumePoint decides where a session starts: at its cursor (resumed), or now,
// with the reason for a Reset if it wanted otherwise.
//
// A session never starts beyond its node. What it is told there is told without what
// the node lacks, and may take the client back; so that must be told again when it
// comes, and no cursor told here may claim it before.
func (e *Engine) resumePoint(ctx context.Context, cursor string) (from Position, resumed bool, reason string) {
	if cursor == "" {
		return e.Position(), false, ""
	}
	from, err := ParsePosition(cursor)
	switch {
	case err != nil:
		reason = "the cursor is not one of ours"
	case !e.awaitCursor(ctx, from):
		reason = "this node has not seen the cursor's position"
	case e.Position().Behind(from) > e.cfg.ResumeLimit:
		reason = "too much has happened since the cursor"
	default:
		return from.Within(e.Position()), true, ""
	}
	return e.Position(), false, reason
}

// catchUp brings a session from a position to the present: from the log as far
// as the hub's ring does not reach, then, in one step with going live, from the
// ring. The client's reading sets the pace.
func (e *Engine) catchUp(ctx context.Context, s *Session, from Position, checkpoint bool) error {
	for {
		// Ready, or a replay, may have filled the queue: attach needs room for attachBytes.
		if err := s.conn.Drained(ctx); err != nil {
			return err
		}
		to, attached, err := e.hub.attach(s, from, checkpoint)
		if err != nil || attached {
			return err
		}
		if from, err = e.replay(ctx, s, from, to); err != nil {
			return err
		}
		// Who is cut off in a long replay goes on from here.
		s.conn.Send(s.wire.Encode(&Checkpoint{Type: "checkpoint", Cursor: from.String()}))
	}
}

// replay sends a session some of what the log has of its rooms between two
// positions, merged in order of time, and returns how far it came.
func (e *Engine) replay(ctx context.Context, s *Session, from, to Position) (Position, error) {
	select {
	case e.replays <- struct{}{}:
		defer func() { <-e.replays }()
	case <-ctx.Done():
		return from, ctx.Err()
	}
	sent := 0
	for le, err := range e.merged(from, to) {
		if err != nil {
			return from, err
		}
		told, err := e.replayEntry(s, le)
		if err != nil {
			return from, err
		}
		before := from
		from = from.With(le.origin, le.Seq)
		if sent += s.tell(told, before, from); sent >= replayBytes {
			return from, nil
		}
	}
	return from.Merge(to), nil
}

// replayEntry returns what one event of the log tells the session.
func (e *Engine) replayEntry(s *Session, le originEntry) (told []any, err error) {
	mine := slices.Contains(s.start, le.Room)
	if le.Room.IsZero() || (!mine && !e.mayConcern(s, le)) {
		return nil, nil
	}
	ev, err := le.Load()
	if err != nil {
		return nil, err
	}
	e.replayed.Add(1)
	deliveries, err := e.past(ev)
	if err != nil {
		return nil, err
	}
	if err := e.follow(s, ev); err != nil {
		return nil, err
	}
	me := s.identity.User
	mine = mine || slices.Contains(s.start, le.Room)
	// Of rooms that are no longer the user's, only that they are not.
	open := mine || (le.Kind == KindMemberSet && ev.User == me)
	for _, d := range deliveries {
		switch {
		case !d.user.IsZero() && d.user != me:
		case d.room == ev.Room && !open:
		case d.user.IsZero() && d.room != ev.Room && !slices.Contains(s.start, d.room):
		default:
			told = append(told, d.notice)
		}
	}
	return told, nil
}

// mayConcern reports whether an event of a room that a session is not in may
// be its to see nevertheless.
func (e *Engine) mayConcern(s *Session, le originEntry) bool {
	switch le.Kind {
	case KindMemberSet, KindRoomCreated:
		return true
	case KindPosted:
		return e.crossings.reaches(le, s.start)
	}
	return false
}

// follow keeps the rooms that a session will enter as they are after an event:
// its user may join and leave while it reads the log.
func (e *Engine) follow(s *Session, ev *Event) (err error) {
	me, role := s.identity.User, RoleNone
	switch ev.Payload.(type) {
	case *MemberSet:
		if ev.User != me {
			return nil
		}
		role, err = e.store.Role(ev.Room, me)
	case *RoomCreated: // its user may have joined before, by an event that came first
		role, err = e.store.Role(ev.Room, me)
	case *RoomDeleted:
	default:
		return nil
	}
	s.start = slices.DeleteFunc(s.start, func(id ID) bool { return id == ev.Room })
	if role != RoleNone {
		s.start = append(s.start, ev.Room)
	}
	return err
}

// merged yields the log between two positions in order of (stamp, origin).
func (e *Engine) merged(from, to Position) iter.Seq2[originEntry, error] {
	return func(yield func(originEntry, error) bool) {
		var heads []*logHead
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for origin, seq := range to.All() {
			if have := from.Seq(origin); have < seq {
				h := &logHead{origin: origin}
				h.next, h.stop = iter.Pull2(e.store.Events(origin, have, seq))
				heads = append(heads, h)
				h.advance()
			}
		}
		for {
			var first *logHead
			for _, h := range heads {
				if h.ok && (first == nil || h.before(first)) {
					first = h
				}
			}
			if first == nil || !yield(originEntry{first.origin, first.entry}, first.err) || first.err != nil {
				return
			}
			first.advance()
		}
	}
}

// originEntry is a log entry and whose it is.
type originEntry struct {
	origin Origin
	LogEntry
}

// logHead is the next entry of one origin's log.
type logHead struct {
	origin Origin
	next   func() (LogEntry, error, bool)
	stop   func()
	entry  LogEntry
	err    error
	ok     bool
}

func (h *logHead) advance() { h.entry, h.err, h.ok = h.next() }

func (h *logHead) before(o *logHead) bool {
	if h.entry.Stamp != o.entry.Stamp {
		return h.entry.Stamp < o.entry.Stamp
	}
	return h.origin < o.origin
}
