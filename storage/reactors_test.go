package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestReactorsBound (I6, I9): who has reacted is listed up to a bound, on one message
// or on many; past it a page is nobody's but its reader's.
func TestReactorsBound(t *testing.T) {
	user := func(i int) engine.ID { return engine.ID{5, byte(i >> 8), byte(i)} }
	for _, c := range []struct {
		name            string
		messages, users int  // user i reacts to message i modulo messages
		back            int  // so many more have taken their reactions back
		listed          bool // in all
	}{
		{"nobody", 1, 0, 0, true},
		{"as many as are listed", 1, maxReactors, 0, true},
		{"one more", 1, maxReactors + 1, 0, false},
		{"as many, on many messages", 30, maxReactors, 0, true},
		{"one more, on many messages", 30, maxReactors + 1, 0, false},
		{"many taken back", 2, 10, reactorSteps / 2, true},
		{"too many taken back", 2, 10, reactorSteps, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openMem(t, vfs.NewMem())
			defer s.Close()
			w := newWriter(t, s)
			room := engine.ID{1}
			var events []*engine.Event
			for range c.messages {
				events = append(events, w.event(engine.KindPosted, room, engine.ID{2}, &engine.Posted{Body: "x"}))
			}
			react := func(i int, remove bool) {
				p := &engine.Reacted{Message: events[i%c.messages].ID(), Emoji: "+1", Remove: remove}
				events = append(events, w.event(engine.KindReacted, room, user(i), p))
			}
			for i := range c.users {
				react(i, false)
			}
			for i := range c.back {
				react(c.users+i, true)
			}
			w.append(events...)
			page, err := s.History(room, engine.Range{}, engine.ID{})
			if err != nil {
				t.Fatal(err)
			}
			users, ok, err := s.Reactors(room, page.Items)
			if err != nil || ok != c.listed || (ok && len(users) != c.users) || (!ok && users != nil) {
				t.Errorf("%d reactors, %v, %v", len(users), ok, err)
			}
			for range 2 { // from the disk, then kept
				got, err := s.Newest(room, 0, engine.ID{9})
				if err != nil || got.Shared != c.listed || (got.Shared && len(got.Except) != c.users) {
					t.Errorf("shared %v, but for %d: %v", got.Shared, len(got.Except), err)
				}
				s.cache.entries.Wait()
			}
			checkNewest(t, s, room, []engine.ID{user(0), user(1), user(c.users)}, 50)
		})
	}
}
