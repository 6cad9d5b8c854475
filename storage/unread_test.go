package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestUnreadLimits: counting stops at 100 messages of others, and looks at 400 at most.
func TestUnreadLimits(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	room, me, other := engine.ID{1}, engine.ID{2}, engine.ID{3}
	post := func(n int, user engine.ID) {
		var events []*engine.Event
		for range n {
			events = append(events, w.event(engine.KindPosted, room, user, &engine.Posted{Body: "x", Everyone: true, Mentions: []engine.ID{me, other}}))
		}
		w.append(events...)
	}
	want := func(messages, mentions int) {
		t.Helper()
		for range 2 { // counted, then cached
			u, err := s.Unread(room, me)
			if err != nil || u.Messages != messages || u.Mentions != mentions {
				t.Fatalf("%+v, %v; want %d, %d", u, err, messages, mentions)
			}
			s.cache.entries.Wait()
		}
	}
	want(0, 0)
	post(99, other)
	want(99, 99)
	post(1, other)
	want(100, 100)
	post(50, other)
	want(100, 100)
	last, err := s.Last(room)
	if err != nil {
		t.Fatal(err)
	}
	w.append(w.event(engine.KindRead, room, me, &engine.Read{Message: last}))
	want(0, 0)
	post(390, me) // one's own do not count, and do not cost without end
	post(20, other)
	want(10, 20)
}
