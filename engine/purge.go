package engine

import (
	"context"
	"errors"
	"strings"
)

// purgeStep is how many messages, and rooms without any, one step of a purge looks at.
const purgeStep = 1000

// PurgeFilter says which messages a purge deletes: those to which all that is set applies.
type PurgeFilter struct {
	User, Room    ID
	After, Before Time // from After on, up to Before and not at it
}

// PurgeStep is what one step did, or with dry would have done.
type PurgeStep struct {
	Scanned int     `json:"scanned"`
	Deleted int     `json:"deleted"`
	Next    *string `json:"next"` // the cursor of the next step; nil at the end
}

// Purge deletes the messages of a filter, one bounded step at a time, from a cursor of
// the step before ("" to begin). It goes by room and time: there is no index of messages by user.
func (e *Engine) Purge(ctx context.Context, who *Identity, f PurgeFilter, cursor string, dry bool) (PurgeStep, Receipt, error) {
	if err := e.administers(who); err != nil {
		return PurgeStep{}, Receipt{}, err
	}
	p, err := e.newPurge(f, cursor)
	if err != nil {
		return PurgeStep{}, Receipt{}, err
	}
	if err := p.scan(); err != nil {
		return PurgeStep{}, Receipt{}, err
	}
	if dry || len(p.found) == 0 {
		receipt, err := e.settled(ctx)
		return p.step(), receipt, err
	}
	receipt, err := e.manage(ctx, who, len(p.found)*writeOverhead, func(b *batch) error {
		for _, ref := range p.found {
			if err := b.append(&Event{Kind: KindDeleted, Room: ref.Room, User: who.User, Payload: &Deleted{Message: ref.Message}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return PurgeStep{}, Receipt{}, err
	}
	return p.step(), receipt, nil
}

// purge is one step.
type purge struct {
	store   Store
	filter  PurgeFilter
	room    ID // that is being looked through; zero at the end
	after   ID // the last message looked at there
	looked  int
	scanned int
	found   []MessageRef
}

func (e *Engine) newPurge(f PurgeFilter, cursor string) (*purge, error) {
	if f == (PurgeFilter{}) {
		return nil, invalidField("user", "required", "name a user, a room or a time")
	}
	if f.After < 0 || f.Before < 0 { // would be no bound at all
		return nil, invalidField("before", "malformed", "no message is so old")
	}
	if !f.Room.IsZero() {
		if _, err := e.store.Room(f.Room); err != nil {
			return nil, err
		}
	}
	p := &purge{store: e.store, filter: f}
	if cursor == "" {
		return p, p.next()
	}
	room, message, _ := strings.Cut(cursor, ".")
	var err1, err2 error
	p.room, err1 = ParseID(room)
	p.after, err2 = ParseID(message)
	if err1 != nil || err2 != nil || (!f.Room.IsZero() && f.Room != p.room) {
		return nil, invalidField("cursor", "malformed", "this is not a cursor of this purge")
	}
	return p, nil
}

// next goes to the first message of the next room.
func (p *purge) next() error {
	before := p.room
	p.room = ID{}
	p.after = ID{len(ID{}) - 1: 1} // no message is before it, and zero means the newest
	if p.filter.After > 0 {
		p.after = MakeID(StampAt(p.filter.After.Std()), 0)
	}
	if !p.filter.Room.IsZero() {
		if before.IsZero() {
			p.room = p.filter.Room
		}
		return nil
	}
	ids, err := p.store.Rooms(before, 1)
	if err == nil && len(ids) > 0 {
		p.room = ids[0]
	}
	return err
}

func (p *purge) scan() error {
	for !p.room.IsZero() && p.looked < purgeStep {
		done, err := p.page()
		if err == nil && done {
			p.looked++
			err = p.next()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// page looks at some messages of the room; done means that there are no more.
func (p *purge) page() (done bool, err error) {
	page, err := p.store.History(p.room, Range{After: p.after, Limit: min(MaxPage, purgeStep-p.looked)}, ID{})
	if errors.Is(err, ErrNotFound) {
		return true, nil // deleted meanwhile
	}
	if err != nil {
		return false, err
	}
	for i := range page.Items {
		m := &page.Items[i]
		if p.filter.Before > 0 && m.At >= p.filter.Before {
			return true, nil
		}
		p.after = m.ID
		p.looked++
		p.scanned++
		if !m.Deleted && (p.filter.User.IsZero() || p.filter.User == m.User) {
			p.found = append(p.found, MessageRef{p.room, m.ID})
		}
	}
	return page.Next == nil, nil
}

func (p *purge) step() PurgeStep {
	s := PurgeStep{Scanned: p.scanned, Deleted: len(p.found)}
	if !p.room.IsZero() {
		next := p.room.String() + "." + p.after.String()
		s.Next = &next
	}
	return s
}
