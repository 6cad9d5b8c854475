package engine

import (
	"context"
	"errors"
	"fmt"
)

// Apply takes events of other nodes, as their origins stamped them, in one
// write. Repeats change nothing; an event ahead of its origin's position is
// ErrGap, and those before it are kept.
func (e *Engine) Apply(ctx context.Context, events []*Event) (Position, error) {
	w, err := e.applying(events)
	if err != nil {
		return Position{}, err
	}
	r, err := e.await(ctx, w.write)
	if err == nil {
		err = w.gap
	}
	return r.Position, err
}

// ApplyAsync is Apply for those who have other things to do. done runs in the
// committer, unless ApplyAsync returns an error: ErrUnavailable when the queue is
// full, another for a malformed event. Events without a payload get theirs here;
// all of them belong to the engine then.
func (e *Engine) ApplyAsync(events []*Event, done func(Position, error)) error {
	w, err := e.applying(events)
	if err != nil {
		return err
	}
	w.done = func(r Receipt, err error) {
		if err == nil {
			err = w.gap
		}
		done(r.Position, err)
	}
	return e.submit(w.write)
}

// application is a write of other nodes' events.
type application struct {
	write
	gap error // of the first event that came too early; set by the committer
}

func (e *Engine) applying(events []*Event) (*application, error) {
	a := &application{}
	a.internal = true
	for _, ev := range events {
		a.size += len(ev.Data) + writeOverhead
		if ev.Payload != nil {
			continue
		}
		if err := e.store.DecodePayload(ev); err != nil {
			return nil, fmt.Errorf("decode event %d of %s: %w", ev.Seq, ev.Origin, err)
		}
	}
	a.prepare = func(b *batch) error {
		for _, ev := range events {
			if a.gap = b.apply(ev); a.gap != nil {
				return b.broken
			}
		}
		return nil
	}
	return a, nil
}

// Install replaces all that is replicated by a snapshot of another node. All
// sessions are closed and may come back: what they have not had is in the log.
func (e *Engine) Install(ctx context.Context, seed Seed) error {
	_, err := e.await(ctx, write{size: writeOverhead, internal: true, between: func() error { return e.install(seed) }})
	return err
}

func (e *Engine) install(seed Seed) error {
	if err := seed.Install(); err != nil {
		return fmt.Errorf("install snapshot: %w", err)
	}
	err := errors.Join(e.observeLog(), e.bans.load(e.store))
	pos := e.store.Position()
	e.crossings.restart(pos)
	e.hub.renew(pos)
	if err != nil {
		return fmt.Errorf("read the last stamps and the bans: %w", err)
	}
	return nil
}

// noteConflicts counts what nodes that had not met have done alike, and names it
// to the administrator.
func (e *Engine) noteConflicts(c committed) {
	if c.effects.Contested != "" {
		e.conflicts.Add(1)
		space, id := "room", c.Room
		if c.Kind == KindUserCreated || c.Kind == KindUserUpdated || c.Kind == KindAccountSet {
			space, id = "user", c.User
		}
		e.log.Warn("a name is claimed twice: the earlier keeps it, the later is shown with a suffix",
			"space", space, "name", c.effects.Contested, "claimed_by", id, "held_by", e.holder(space, c.effects.Contested))
	}
	for _, ref := range c.effects.Hidden {
		e.hidden.Add(1)
		e.log.Info("a message is hidden: it repeats an earlier one's nonce", "room", ref.Room, "message", ref.Message)
	}
}

// holder returns who has a contested name now; zero if the store cannot say.
func (e *Engine) holder(space, name string) (id ID) {
	var err error
	if space == "user" {
		id, err = e.store.UserNamed(name)
	} else {
		id, err = e.store.RoomNamed(name)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		e.log.Warn("the holder of a name could not be read", "err", err)
	}
	return id
}

// Conflicts returns how many names have come to be claimed twice since the engine was opened.
func (e *Engine) Conflicts() uint64 { return e.conflicts.Load() }
