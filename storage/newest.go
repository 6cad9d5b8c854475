package storage

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// The newest page of a room is what is asked for most, and every post changes
// it. So it is kept as a list of messages, each encoded once: a reader who finds
// that there have been posts since, and nothing else, reads those alone and puts a
// longer list in the place of the old one. Any other change makes it read anew.
//
// Everything here is immutable once it is in the cache, and messages are shared
// between a list and the next. Readers may race to extend a list: each makes its
// own, with marks taken before it read, so whichever is kept is right by its marks.

// newestPage is what is kept of a room.
type newestPage struct {
	size     int            // how many messages it keeps at most
	messages []*keptMessage // oldest first
	more     bool           // the room has older ones
}

// keptMessage is a message as most readers see it.
type keptMessage struct {
	id      engine.ID
	json    []byte
	reacted *reacted // nil: nobody has
}

// reacted is what it takes to show a message to those who have reacted to it.
type reacted struct {
	message engine.Message
	by      []engine.ID // in order
	many    bool        // there are more than are listed
}

// Newest implements engine.Pages. Bytes that are for one reader alone are never Shared.
func (s *Store) Newest(room engine.ID, limit int, reader engine.ID) (engine.NewestPage, error) {
	n := pageLimit(limit)
	p, err := s.newestPage(room, n)
	if err != nil {
		return engine.NewestPage{}, err
	}
	return p.show(s, n, reader)
}

// newestPage returns a page of n messages or more, if the room has as many.
func (s *Store) newestPage(room engine.ID, n int) (*newestPage, error) {
	size := defaultPage
	if n > size {
		size = maxPage
	}
	amended := engine.About(engine.AboutAmended, room, engine.ID{})
	content := engine.About(engine.AboutContent, room, engine.ID{})
	marks := [2]engine.Mark{s.cache.mark(&amended), s.cache.mark(&content)}
	if old, kept := s.cache.page(&amended); kept != nil {
		size = max(size, kept.size) // the largest that was asked for
		if old[0] == marks[0] && (kept.size == size || !kept.more) {
			if old == marks {
				s.cache.pageHits.Add(1)
				return kept, nil
			}
			p, err := s.extend(room, kept, size)
			if err != nil || s.cache.unamended(marks[0]) {
				s.cache.pageExtensions.Add(1)
				return s.keepPage(&amended, marks, p, err)
			}
			marks = [2]engine.Mark{s.cache.mark(&amended), s.cache.mark(&content)}
		}
	}
	s.cache.pageMisses.Add(1)
	p, err := s.extend(room, &newestPage{}, size)
	return s.keepPage(&amended, marks, p, err)
}

func (s *Store) keepPage(about *engine.Subject, marks [2]engine.Mark, p *newestPage, err error) (*newestPage, error) {
	if err == nil {
		s.cache.entries.Set(about[:], entry{deps: marks, value: p}, entryCost+p.cost())
	}
	return p, err
}

// page returns the newest page that is kept for a room, and its marks.
func (c *cache) page(about *engine.Subject) (marks [2]engine.Mark, p *newestPage) {
	if e, ok := c.entries.Get(about[:]); ok {
		p, _ = e.value.(*newestPage)
		return e.deps, p
	}
	return marks, nil
}

// extend makes a page of another one and what the room has after it; of none, a whole page.
func (s *Store) extend(room engine.ID, base *newestPage, size int) (*newestPage, error) {
	added, err := s.after(room, base.last(), size+1)
	if err != nil {
		return nil, err
	}
	p, kept := &newestPage{size: size, more: base.more}, base.messages
	added, full := cut(added, size)
	if over := len(kept) + len(added) - size; full {
		p.more, kept = true, nil
	} else if over > 0 {
		p.more, kept = true, kept[over:]
	}
	p.messages = append(make([]*keptMessage, 0, len(kept)+len(added)), kept...)
	scan := reactorScan{s: s, room: room, left: reactorSteps}
	for i := len(added) - 1; i >= 0 && err == nil; i-- {
		var m *keptMessage
		m, err = keep(&scan, added[i])
		p.messages = append(p.messages, m)
	}
	return p, scan.close(err)
}

// after reads at most n messages from a room's end back to one, newest first.
func (s *Store) after(room, id engine.ID, n int) ([]*message, error) {
	_, upper := bounds(appendIDs(nil, kindMessage, room))
	it, err := s.within(messageKey(room, id, subLast+1), upper)
	if err != nil {
		return nil, err
	}
	t := timeline{it, room}
	list, err := t.older(engine.ID{}, n)
	return list, t.close(err)
}

func keep(scan *reactorScan, m *message) (*keptMessage, error) {
	shown := m.show()
	k := &keptMessage{id: m.id}
	var err error
	if k.json, err = encodeMessage(&shown); err != nil || len(shown.Reactions) == 0 {
		return k, err
	}
	by, ok, err := scan.of(m.id)
	k.reacted = &reacted{message: shown, by: by, many: !ok}
	return k, err
}

// encodeMessage writes a message as it stands in an encoded engine.Page.
func encodeMessage(m *engine.Message) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return slices.Clone(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})), nil
}

func (p *newestPage) last() engine.ID {
	if n := len(p.messages); n > 0 {
		return p.messages[n-1].id
	}
	return engine.ID{}
}

const keptMessageCost = 128 // bytes, about, beside what is counted

func (p *newestPage) cost() (bytes int64) {
	for _, m := range p.messages {
		bytes += int64(keptMessageCost + len(m.json))
		if m.reacted != nil { // it holds the content again
			bytes += int64(2*keptMessageCost + len(m.json) + idSize*len(m.reacted.by))
		}
	}
	return bytes
}

// show writes the last n messages for a reader.
func (p *newestPage) show(g getter, n int, reader engine.ID) (out engine.NewestPage, err error) {
	list, more := p.messages, p.more
	if over := len(list) - n; over > 0 {
		list, more = list[over:], true
	}
	size, own := pageFrame, false
	for _, m := range list {
		size += len(m.json) + 1
	}
	b := append(make([]byte, 0, size), `{"items":[`...)
	for i, m := range list {
		text := m.json
		if m.concerns(reader) {
			own = true
			if text, err = m.own(g, reader); err != nil {
				return out, err
			}
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, text...)
	}
	b = append(b, `],"prev":`...)
	if more {
		first := list[0].id
		out.Prev = &first
		b = append(b, '"')
		b, _ = first.AppendText(b)
		b = append(b, '"')
	} else {
		b = append(b, "null"...)
	}
	out.JSON = append(b, `,"next":null}`+"\n"...)
	if !own {
		out.Except, out.Shared = reactorsOf(list)
	}
	return out, nil
}

// pageFrame is how many bytes a page takes beside its messages, and some for "me":true.
const pageFrame = 128

// concerns tells whether a reader may have reacted to the message.
func (m *keptMessage) concerns(reader engine.ID) bool {
	if m.reacted == nil || reader.IsZero() {
		return false
	}
	_, found := slices.BinarySearchFunc(m.reacted.by, reader, engine.ID.Compare)
	return found || m.reacted.many
}

// own is the message as one who has reacted to it sees it.
func (m *keptMessage) own(g getter, reader engine.ID) ([]byte, error) {
	mine := m.reacted.message
	mine.Reactions = slices.Clone(mine.Reactions)
	if err := setMine(g, &mine, reader); err != nil {
		return nil, err
	}
	return encodeMessage(&mine)
}

// reactorsOf joins who has reacted to messages; false if that are too many to list.
func reactorsOf(list []*keptMessage) ([]engine.ID, bool) {
	var all reactors
	for _, m := range list {
		if m.reacted != nil && (m.reacted.many || !all.add(m.reacted.by)) {
			return nil, false
		}
	}
	return all, true
}
