package storage

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// Bounds of looking for who has reacted.
const (
	maxReactors  = 64   // that an answer lists
	reactorSteps = 1024 // registers, also those of reactions taken back, in one scan
)

// reactors is a list of users, in order, each once.
type reactors []engine.ID

// add adds users; it is false where they become too many.
func (r *reactors) add(users []engine.ID) bool {
	for _, u := range users {
		i, found := slices.BinarySearchFunc(*r, u, engine.ID.Compare)
		if found {
			continue
		}
		if len(*r) == maxReactors {
			return false
		}
		*r = slices.Insert(*r, i, u)
	}
	return true
}

// reactorScan looks up who has reacted to messages of a room. It opens its
// iterator when it needs it.
type reactorScan struct {
	s    *Store
	room engine.ID
	it   *iterator
	left int // registers that it may still read
}

// of lists, in order, who has a reaction on a message; ok is false where there
// are too many to list, or to read.
func (r *reactorScan) of(id engine.ID) (users reactors, ok bool, err error) {
	if r.left == 0 {
		return nil, false, nil
	}
	if r.it == nil {
		if r.it, err = r.s.iter(appendIDs(nil, kindReaction, r.room)); err != nil {
			return nil, false, err
		}
	}
	start, _ := bounds(appendIDs(nil, kindReaction, r.room, id))
	for found := r.it.SeekGE(start); found; found = r.it.Next() {
		k, err := parseKey(r.it.Key())
		if err != nil || k.ids[1] != id {
			return users, true, err
		}
		if r.left == 0 {
			return nil, false, nil
		}
		r.left--
		on, err := r.on()
		if err != nil {
			return nil, false, err
		}
		if on && !users.add(k.ids[2:]) {
			return nil, false, nil
		}
	}
	return users, true, r.it.Error()
}

func (r *reactorScan) on() (bool, error) {
	v, err := r.it.ValueAndErr()
	if err != nil {
		return false, err
	}
	register, err := parseReaction(v)
	return register.on, err
}

func (r *reactorScan) close(err error) error {
	if r.it == nil {
		return err
	}
	return done(r.it, err)
}

// Reactors implements engine.Pages.
func (s *Store) Reactors(room engine.ID, messages []engine.Message) (users []engine.ID, ok bool, err error) {
	var all reactors
	scan := reactorScan{s: s, room: room, left: reactorSteps}
	ok = true
	for i := range messages {
		if len(messages[i].Reactions) == 0 {
			continue
		}
		var some reactors
		if some, ok, err = scan.of(messages[i].ID); err != nil || !ok || !all.add(some) {
			ok = false
			break
		}
	}
	if err = scan.close(err); err != nil || !ok {
		return nil, false, err
	}
	return all, true, nil
}
