package storage

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

const (
	defaultPage = 50
	maxPage     = 200
)

// source yields visible messages from a place on, in one direction.
type source interface {
	// older yields at most n messages before an id, newest first; zero is the end.
	older(before engine.ID, n int) ([]*message, error)
	// newer yields at most n messages from an id on, oldest first, without
	// the message of that id unless inclusive.
	newer(from engine.ID, inclusive bool, n int) ([]*message, error)
	close(err error) error
}

// History implements engine.Pages.
func (s *Store) History(room engine.ID, r engine.Range, reader engine.ID) (engine.Page, error) {
	it, err := s.messages(room)
	if err != nil {
		return engine.Page{}, err
	}
	return s.page(&timeline{it, room}, r, reader)
}

// Replies implements engine.Pages.
func (s *Store) Replies(room, parent engine.ID, r engine.Range, reader engine.ID) (engine.Page, error) {
	index, err := s.iter(appendIDs(nil, kindReply, room, parent))
	if err != nil {
		return engine.Page{}, err
	}
	it, err := s.messages(room)
	if err != nil {
		return engine.Page{}, done(index, err)
	}
	return s.page(&thread{index, it, room, parent}, r, reader)
}

// page reads the messages of a range and what lies on either side of them.
func (s *Store) page(src source, r engine.Range, reader engine.ID) (engine.Page, error) {
	list, prev, next, err := slice(src, r)
	if err = src.close(err); err != nil {
		return engine.Page{}, err
	}
	p := engine.Page{Items: make([]engine.Message, 0, len(list))}
	for _, m := range list {
		out, err := m.showTo(s, reader)
		if err != nil {
			return engine.Page{}, err
		}
		p.Items = append(p.Items, out)
	}
	first, last := r.After, r.Before // of an empty page, where it would be
	switch n := len(list); {
	case n > 0:
		first, last = list[0].id, list[n-1].id
	case !r.Around.IsZero():
		first = r.Around
	}
	if prev {
		p.Prev = &first
	}
	if next {
		p.Next = &last
	}
	return p, nil
}

// slice returns the messages of a range, oldest first, and whether there are
// more before and after them. One message more than asked for tells that on the
// side of the scan, a single step on the other.
func slice(src source, r engine.Range) (list []*message, prev, next bool, err error) {
	n := pageLimit(r.Limit)
	switch {
	case !r.After.IsZero():
		return sliceAfter(src, r.After, n)
	case !r.Around.IsZero():
		return sliceAround(src, r.Around, n)
	}
	if list, err = src.older(r.Before, n+1); err != nil {
		return nil, false, false, err
	}
	list, prev = cut(list, n)
	slices.Reverse(list)
	if r.Before.IsZero() {
		return list, prev, false, nil
	}
	last := r.Before
	if len(list) > 0 {
		last = list[len(list)-1].id
	}
	beyond, err := src.newer(last, false, 1)
	return list, prev, len(beyond) > 0, err
}

func sliceAfter(src source, after engine.ID, n int) (list []*message, prev, next bool, err error) {
	if list, err = src.newer(after, false, n+1); err != nil {
		return nil, false, false, err
	}
	list, next = cut(list, n)
	first := after
	if len(list) > 0 {
		first = list[0].id
	}
	beyond, err := src.older(first, 1)
	return list, len(beyond) > 0, next, err
}

// sliceAround gives half of the page to what is older than the message, the
// rest to itself and what is newer.
func sliceAround(src source, around engine.ID, n int) (list []*message, prev, next bool, err error) {
	if list, err = src.older(around, n/2+1); err != nil {
		return nil, false, false, err
	}
	list, prev = cut(list, n/2)
	slices.Reverse(list)
	newer, err := src.newer(around, true, n-n/2+1)
	if err != nil {
		return nil, false, false, err
	}
	newer, next = cut(newer, n-n/2)
	return append(list, newer...), prev, next, nil
}

func pageLimit(n int) int {
	if n <= 0 {
		n = defaultPage
	}
	return min(n, maxPage)
}

// cut takes off what was read only to see whether there is more.
func cut(list []*message, n int) ([]*message, bool) {
	if len(list) > n {
		return list[:n], true
	}
	return list, false
}

// timeline is a room's messages: the parts of each are adjacent keys, so a page
// is one scan that reads nothing else.
type timeline struct {
	it   *iterator
	room engine.ID
}

func (t *timeline) older(before engine.ID, n int) (list []*message, err error) {
	ok := false
	if before.IsZero() {
		ok = t.it.Last()
	} else {
		ok = t.it.SeekLT(messageKey(t.room, before, subPost))
	}
	return t.take(ok, t.it.Prev, n)
}

func (t *timeline) newer(from engine.ID, inclusive bool, n int) ([]*message, error) {
	sub := byte(subPost)
	if !inclusive {
		sub = subLast + 1
	}
	return t.take(t.it.SeekPrefixGE(messageKey(t.room, from, sub)), t.it.Next, n)
}

func (t *timeline) take(ok bool, step func() bool, n int) (list []*message, err error) {
	for ok && len(list) < n {
		m, err := readParts(t.it, t.room, messageID(t.it.Key()), func() bool { ok = step(); return ok })
		if err != nil {
			return nil, err
		}
		if m.visible() {
			list = append(list, m)
		}
	}
	return list, t.it.Error()
}

func (t *timeline) close(err error) error { return done(t.it, err) }

// thread is the replies to a message: an index of ids, each looked up.
type thread struct {
	index, it    *iterator
	room, parent engine.ID
}

func (t *thread) key(id engine.ID) []byte { return idKey(kindReply, t.room, t.parent, id) }

func (t *thread) older(before engine.ID, n int) ([]*message, error) {
	if before.IsZero() {
		return t.take(t.index.Last(), t.index.Prev, n)
	}
	return t.take(t.index.SeekLT(t.key(before)), t.index.Prev, n)
}

func (t *thread) newer(from engine.ID, inclusive bool, n int) ([]*message, error) {
	ok := t.index.SeekGE(t.key(from))
	if ok && !inclusive && slices.Equal(t.index.Key(), t.key(from)) {
		ok = t.index.Next()
	}
	return t.take(ok, t.index.Next, n)
}

func (t *thread) take(ok bool, step func() bool, n int) (list []*message, err error) {
	for ; ok && len(list) < n; ok = step() {
		k, err := parseKey(t.index.Key())
		if err != nil {
			return nil, err
		}
		m, err := seekMessage(t.it, t.room, k.ids[2])
		if err != nil {
			return nil, err
		}
		if m.visible() {
			list = append(list, m)
		}
	}
	return list, t.index.Error()
}

func (t *thread) close(err error) error { return done(t.it, done(t.index, err)) }

// Last implements engine.Pages.
func (s *Store) Last(room engine.ID) (engine.ID, error) {
	a := engine.About(engine.AboutContent, room, engine.ID{})
	return cached(s.cache, a, a, a, 0, func() (engine.ID, error) { return s.readLast(room) })
}

func (s *Store) readLast(room engine.ID) (engine.ID, error) {
	it, err := s.messages(room)
	if err != nil {
		return engine.ID{}, err
	}
	t := timeline{it, room}
	list, err := t.older(engine.ID{}, 1)
	if err = t.close(err); err != nil || len(list) == 0 {
		return engine.ID{}, err
	}
	return list[0].id, nil
}
