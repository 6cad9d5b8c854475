package storage

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// Beyond what it returns a query may look at this much: the key that ends a list,
// the messages beyond a page that tell whether there are more.
const (
	stepsPerItem = 2
	stepsBeside  = 8
)

const costly = 1000 // things of each sort

// TestQueryCosts: no query looks at what it does not return. Costs are Pebble's own
// counters, with nothing kept in the cache of records.
func TestQueryCosts(t *testing.T) {
	s, err := Open("data", Options{FS: vfs.NewMem(), Memory: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := fillCosts(t, s)
	lower, upper := bounds(nil)
	if upper == nil {
		upper = []byte{0xFF, noSuffix}
	}
	if err := s.db.Compact(t.Context(), lower, upper, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("%-28s %5s %5s %5s %8s %6s %9s", "query", "items", "seeks", "steps", "internal", "blocks", "bytes")
	for _, q := range c.queries() {
		s.cache.raiseAll()
		before := s.Metrics()
		items, err := q.ask()
		if err != nil {
			t.Fatalf("%s: %v", q.name, err)
		}
		m := s.Metrics()
		steps := m.InternalSteps - before.InternalSteps
		t.Logf("%-28s %5d %5d %5d %8d %6d %9d", q.name, items, m.Seeks-before.Seeks, m.Steps-before.Steps, steps,
			m.BlocksRead-before.BlocksRead, m.BlockBytes-before.BlockBytes)
		if items != q.want {
			t.Errorf("%s: %d items, want %d", q.name, items, q.want)
		}
		if most := stepsPerItem*items + stepsBeside; steps > uint64(most) || m.Steps-before.Steps > uint64(most) {
			t.Errorf("%s: %d keys stepped for %d items", q.name, steps, items)
		}
		if m.Seeks == before.Seeks {
			t.Errorf("%s: nothing was counted", q.name)
		}
	}
}

// costs is a store with a thousand of everything.
type costs struct {
	s                 *Store
	big, threads, lot engine.ID // rooms: of posts, of replies, of members
	ann, bob          engine.ID
	messages          []engine.ID
}

func fillCosts(t *testing.T, s *Store) *costs {
	c := &costs{s: s, big: engine.ID{1, 1}, threads: engine.ID{1, 2}, lot: engine.ID{1, 3}, ann: engine.ID{2, 1}, bob: engine.ID{2, 2}}
	w := newWriter(t, s)
	var events []*engine.Event
	add := func(kind engine.Kind, room, user engine.ID, payload any) *engine.Event {
		e := w.event(kind, room, user, payload)
		events = append(events, e)
		return e
	}
	add(engine.KindNodeKey, engine.ID{}, engine.ID{}, &engine.NodeKey{Public: make([]byte, 32)})
	for i := range costly {
		user, room := engine.ID{2, byte(i >> 8), byte(i), 1}, engine.ID{3, byte(i >> 8), byte(i), 1}
		add(engine.KindUserCreated, engine.ID{}, user, &engine.UserCreated{Username: fmt.Sprint("user", i)})
		add(engine.KindRoomCreated, room, user, &engine.RoomCreated{Name: fmt.Sprint("room", i)})
		add(engine.KindMemberSet, c.lot, user, &engine.MemberSet{Role: engine.RoleMember})
		add(engine.KindMemberSet, room, c.ann, &engine.MemberSet{Role: engine.RoleMember})
	}
	for i := range engine.SignInLimit {
		add(engine.KindTokenIssued, engine.ID{}, c.ann, &engine.TokenIssued{Token: engine.ID{6, byte(i)}, Expires: 1 << 50, Agent: "a browser"})
	}
	for i := range costly {
		e := add(engine.KindPosted, c.big, c.ann, &engine.Posted{Body: fmt.Sprint("post ", i)})
		c.messages = append(c.messages, e.ID())
		add(engine.KindPosted, c.threads, c.ann, &engine.Posted{Body: fmt.Sprint("reply ", i), ReplyTo: c.messages[0], Everyone: true})
	}
	w.append(events...)
	return c
}

type costQuery struct {
	name string
	want int
	ask  func() (int, error)
}

func (c *costs) queries() []costQuery {
	page := func(get func(room engine.ID, r engine.Range) (engine.Page, error), room engine.ID, r engine.Range) func() (int, error) {
		r.Limit = 50
		return func() (int, error) { p, err := get(room, r); return len(p.Items), err }
	}
	history := func(room engine.ID, r engine.Range) (engine.Page, error) { return c.s.History(room, r, c.bob) }
	replies := func(room engine.ID, r engine.Range) (engine.Page, error) {
		return c.s.Replies(room, c.messages[0], r, c.bob)
	}
	middle := c.messages[costly/2]
	return []costQuery{
		{"Newest", 50, func() (int, error) { _, err := c.s.Newest(c.big, 50, c.bob); return 50, err }},
		{"History, newest", 50, page(history, c.big, engine.Range{})},
		{"History, before", 50, page(history, c.big, engine.Range{Before: middle})},
		{"History, after", 50, page(history, c.big, engine.Range{After: middle})},
		{"History, around", 50, page(history, c.big, engine.Range{Around: middle})},
		{"Replies, newest", 50, page(replies, c.threads, engine.Range{})},
		{"Replies, before", 50, page(replies, c.threads, engine.Range{Before: middle})},
		{"Message", 1, func() (int, error) { _, err := c.s.Message(c.big, middle, c.bob); return 1, err }},
		{"Last", 1, func() (int, error) { _, err := c.s.Last(c.big); return 1, err }},
		{"Unread, messages", engine.UnreadLimit, func() (int, error) { u, err := c.s.Unread(c.big, c.bob); return u.Messages, err }},
		{"Unread, with mentions", 2 * engine.UnreadLimit, func() (int, error) { u, err := c.s.Unread(c.threads, c.bob); return u.Messages + u.Mentions, err }},
		{"Unread, nothing", 0, func() (int, error) { u, err := c.s.Unread(engine.ID{9}, c.bob); return u.Messages, err }},
		{"RoomsOf, first", 20, func() (int, error) { l, err := c.s.RoomsOf(c.ann, engine.ID{}, 20); return len(l), err }},
		{"RoomsOf, after", 50, func() (int, error) { l, err := c.s.RoomsOf(c.ann, engine.ID{3, 1}, 50); return len(l), err }},
		{"PublicRooms", 50, func() (int, error) { l, _, err := c.s.PublicRooms("", 50); return len(l), err }},
		{"Members", 50, func() (int, error) { l, err := c.s.Members(c.lot, engine.ID{}, 50); return len(l), err }},
		{"User", 1, func() (int, error) { _, err := c.s.User(engine.ID{2, 1, 1, 1}); return 1, err }},
		{"Room", 1, func() (int, error) { _, err := c.s.Room(engine.ID{3, 1, 1, 1}); return 1, err }},
		{"Role", 1, func() (int, error) { _, err := c.s.Role(engine.ID{3, 1, 1, 1}, c.ann); return 1, err }},
		{"UserNamed", 1, func() (int, error) { _, err := c.s.UserNamed("user7"); return 1, err }},
		{"RoomNamed", 1, func() (int, error) { _, err := c.s.RoomNamed("room7"); return 1, err }},
		{"NodeKey", 1, func() (int, error) { _, err := c.s.NodeKey(7); return 1, err }},
		{"TokenRevoked", 1, func() (int, error) { _, err := c.s.TokenRevoked(engine.ID{5}); return 1, err }},
		{"SignIns", engine.SignInLimit, func() (int, error) { l, err := c.s.SignIns(c.ann); return len(l), err }},
		{"RoomOf", 1, func() (int, error) { _, err := c.s.RoomOf(middle); return 1, err }},
	}
}
