package api

import (
	"fmt"

	"github.com/klatch-chat/klatch/engine"
)

// pageKey names a page of a room's messages, or of the replies to one.
type pageKey struct {
	room, parent engine.ID // parent: zero for the room itself
	engine.Range
}

func (k *pageKey) String() string {
	return string(k.room[:]) + string(k.parent[:]) + string(k.Before[:]) + string(k.After[:]) + string(k.Around[:]) + string(rune(k.Limit))
}

// newest reports whether it is the page at a room's end.
func (k *pageKey) newest() bool {
	return k.parent.IsZero() && k.Range == engine.Range{Limit: k.Limit}
}

func (s *server) viewMessages(r *request, room engine.Room) (view, error) {
	rg, err := r.messageRange()
	if err != nil {
		return view{}, err
	}
	return s.pageView(room, r.who, pageKey{room: room.ID, Range: rg}), nil
}

func (s *server) viewReplies(r *request, room engine.Room) (view, error) {
	parent, err := engine.ParseID(r.PathValue("id"))
	if err != nil {
		return view{}, engine.ErrNotFound
	}
	rg, err := r.messageRange()
	if err != nil {
		return view{}, err
	}
	return s.pageView(room, r.who, pageKey{room: room.ID, parent: parent, Range: rg}), nil
}

func (s *server) pageView(room engine.Room, who *engine.Identity, k pageKey) view {
	v := view{key: k.String(), shared: isPublic(room)}
	v.read = func(plain bool) (reading, error) {
		if k.newest() && !plain {
			return s.readNewest(k, who.User)
		}
		return s.readPage(k, who, v.shared && !plain)
	}
	if !k.Before.IsZero() {
		v.older = func(prev engine.ID) view {
			k.Before = prev
			return s.pageView(room, who, k)
		}
	}
	return v
}

func isPublic(room engine.Room) bool { return !room.Private && !room.Direct }

func (s *server) readNewest(k pageKey, user engine.ID) (reading, error) {
	marks := s.markMessages(k.room)
	p, err := s.engine.Store().Newest(k.room, k.Limit, user)
	return reading{
		raw: p.JSON, marks: marks, single: !p.Shared, except: p.Except,
		links: neighbourLinks(k.Limit, p.Prev, nil),
	}, err
}

func (s *server) readPage(k pageKey, who *engine.Identity, shared bool) (rd reading, err error) {
	rd.marks = s.markMessages(k.room)
	var p engine.Page
	if k.parent.IsZero() {
		p, err = s.engine.History(who, k.room, k.Range)
	} else {
		p, err = s.engine.Replies(who, k.room, k.parent, k.Range)
	}
	if err != nil {
		return rd, err
	}
	if p.Next != nil {
		rd.marks = rd.marks[:1] // it ends before the room's end: what is added there does not show
	}
	if p.Prev != nil {
		rd.prev = *p.Prev
	}
	if p.Items == nil {
		p.Items = []engine.Message{}
	}
	rd.body, rd.links = p, neighbourLinks(k.Limit, p.Prev, p.Next)
	if shared {
		err = s.exceptReactors(&rd, k.room, p.Items)
	}
	return rd, err
}

// markMessages marks a room's messages: first what changes those that are there, then what adds to them.
func (s *server) markMessages(room engine.ID) []engine.Mark {
	return s.mark(engine.About(engine.AboutAmended, room, engine.ID{}), engine.About(engine.AboutContent, room, engine.ID{}))
}

// exceptReactors takes out of an answer's readers those who see their own reactions in it.
func (s *server) exceptReactors(rd *reading, room engine.ID, items []engine.Message) error {
	users, ok, err := s.engine.Store().Reactors(room, items)
	rd.single, rd.except = !ok, users
	return err
}

func (s *server) viewMessage(r *request, room engine.Room) (view, error) {
	id, err := engine.ParseID(r.PathValue("id"))
	if err != nil {
		return view{}, engine.ErrNotFound
	}
	v := view{key: string(room.ID[:]) + string(id[:]), shared: isPublic(room)}
	v.read = func(plain bool) (rd reading, err error) {
		rd.marks = s.markMessages(room.ID)[:1]
		m, err := s.engine.Message(r.who, room.ID, id)
		if err != nil {
			return rd, err
		}
		if rd.body = m; v.shared && !plain {
			err = s.exceptReactors(&rd, room.ID, []engine.Message{m})
		}
		return rd, err
	}
	return v, nil
}

// neighbourLinks writes the neighbours of a page of messages for a Link field. They
// are relative to the request, whose path names the room by id or by name.
func neighbourLinks(limit int, prev, next *engine.ID) (links string) {
	if prev != nil {
		links = fmt.Sprintf(`<?limit=%d&before=%s>; rel="prev"`, limit, prev)
	}
	if next != nil {
		if links != "" {
			links += ", "
		}
		links += fmt.Sprintf(`<?limit=%d&after=%s>; rel="next"`, limit, next)
	}
	return links
}

// listLink is neighbourLinks for any other list. A cursor is of letters, digits, - and _.
func listLink(query string, limit int, next string) string {
	if next == "" {
		return ""
	}
	return fmt.Sprintf(`<?%slimit=%d&after=%s>; rel="next"`, query, limit, next)
}
