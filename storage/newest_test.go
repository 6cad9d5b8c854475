package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// uncached is the newest page as JSON, from the disk alone.
func uncached(t testing.TB, s *Store, room engine.ID, limit int, reader engine.ID) ([]byte, engine.Page) {
	t.Helper()
	p, err := s.History(room, engine.Range{Limit: limit}, reader)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), p
}

// checkNewest compares the newest page with History, to the byte, for all readers,
// and what is said of its readers with what they get.
func checkNewest(t testing.TB, s *Store, room engine.ID, users []engine.ID, limits ...int) {
	t.Helper()
	for _, limit := range limits {
		var pages []engine.NewestPage
		var wants [][]byte
		readers := append([]engine.ID{{}}, users...)
		for _, reader := range readers {
			want, page := uncached(t, s, room, limit, reader)
			got, err := s.Newest(room, limit, reader)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.JSON, want) {
				t.Fatalf("I8: the newest %d of %s for %s:\n%s\nHistory says\n%s", limit, room, reader, got.JSON, want)
			}
			if (got.Prev == nil) != (page.Prev == nil) || got.Prev != nil && *got.Prev != *page.Prev {
				t.Fatalf("I8: prev is %v, not %v", got.Prev, page.Prev)
			}
			pages, wants = append(pages, got), append(wants, want)
		}
		checkShared(t, pages, wants, readers)
	}
}

// checkShared (I9): bytes that are said to be everybody's are.
func checkShared(t testing.TB, pages []engine.NewestPage, wants [][]byte, readers []engine.ID) {
	t.Helper()
	for i, p := range pages {
		if !slices.IsSortedFunc(p.Except, engine.ID.Compare) || len(p.Except) > maxReactors || (p.Except != nil && !p.Shared) {
			t.Fatalf("except is %v, shared %v", p.Except, p.Shared)
		}
		for j, reader := range readers {
			if p.Shared && !slices.Contains(p.Except, reader) && !bytes.Equal(wants[j], p.JSON) {
				t.Fatalf("I9: the page of %s is shared with %s, who sees another:\n%s\n%s", readers[i], reader, p.JSON, wants[j])
			}
		}
	}
}

// oneRoom puts everything that happens into one room.
func (w *world) oneRoom() engine.ID {
	room := w.rooms[0]
	for _, e := range w.all {
		if !e.Room.IsZero() {
			e.Room = room
		}
	}
	for i := range w.messages {
		w.messages[i].Room = room
	}
	w.rooms = w.rooms[:1]
	return room
}

// TestNewest (I8): the newest page is History's, to the byte, after every commit of
// random histories of one room, where it is kept, extended and thrown away.
func TestNewest(t *testing.T) {
	var sum pageCounts
	for i := range max(*histories/10, 4) {
		if s := *firstSeed + uint64(i); !t.Run(fmt.Sprint(s), func(t *testing.T) {
			c := newestHistory(t, s)
			sum = pageCounts{sum.hits + c.hits, sum.extensions + c.extensions, sum.misses + c.misses}
		}) {
			return
		}
	}
	t.Logf("%+v", sum)
	if sum.hits == 0 || sum.extensions == 0 || sum.misses == 0 {
		t.Error("the test attacks too little")
	}
}

func newestHistory(t *testing.T, seed uint64) (sum pageCounts) {
	rng := rand.New(rand.NewPCG(seed, 4))
	w := newWorld(seed, 1+rng.IntN(3), 500+rng.IntN(500), 0)
	room := w.oneRoom()
	mem := vfs.NewMem()
	open := func() *Store {
		s, err := Open("data", Options{FS: mem, Memory: 32 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	defer func() { s.Close() }()
	limits := [][]int{{0, 50, 3}, {10}, {200, 50}, {50, 60, 1, 1000}}[rng.IntN(4)]
	for target := w.end(); !s.Position().Covers(target); {
		commitSome(t, s, w, rng, 1+rng.IntN(8)*rng.IntN(12)*rng.IntN(2))
		s.cache.entries.Wait()
		rng.Shuffle(len(limits), func(i, j int) { limits[i], limits[j] = limits[j], limits[i] })
		checkNewest(t, s, room, w.users[:min(4, len(w.users))], limits...)
		if rng.IntN(40) == 0 { // it forgets where rooms end
			sum.take(s.Metrics())
			s.Close()
			s = open()
		}
	}
	sum.take(s.Metrics())
	return sum
}

// pageCounts sums how newest pages were answered.
type pageCounts struct{ hits, extensions, misses uint64 }

func (c *pageCounts) take(m Metrics) {
	c.hits, c.extensions, c.misses = c.hits+m.PageHits, c.extensions+m.PageExtensions, c.misses+m.PageMisses
}

// TestNewestExtends: posts at the end of a room cost a reader themselves and no
// more, also a whole page of them at once; anything else costs a page.
func TestNewestExtends(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	room, user := engine.ID{1}, engine.ID{2}
	post := func(n int) (last *engine.Event) {
		var events []*engine.Event
		for range n {
			events = append(events, w.event(engine.KindPosted, room, user, &engine.Posted{Body: "<b>x & y</b>"}))
		}
		w.append(events...)
		return events[n-1]
	}
	want := func(when string, limit int, hits, extensions, misses, steps uint64) {
		t.Helper()
		s.cache.entries.Wait()
		before := s.Metrics()
		if _, err := s.Newest(room, limit, user); err != nil {
			t.Fatal(err)
		}
		m := s.Metrics()
		if h, e, x := m.PageHits-before.PageHits, m.PageExtensions-before.PageExtensions, m.PageMisses-before.PageMisses; h != hits || e != extensions || x != misses {
			t.Errorf("%s: %d hits, %d extensions, %d misses", when, h, e, x)
		}
		if n := m.Steps - before.Steps; n > steps {
			t.Errorf("%s: %d steps, want at most %d", when, n, steps)
		}
		s.cache.entries.Wait()
		checkNewest(t, s, room, []engine.ID{user}, limit)
	}
	want("an empty room", 0, 0, 0, 1, 1)
	post(60)
	want("more than a page", 0, 0, 1, 0, 51)
	want("nothing new", 0, 1, 0, 0, 0)
	want("a smaller page", 7, 1, 0, 0, 0)
	post(1)
	want("one more", 50, 0, 1, 0, 1)
	want("a larger page", 51, 0, 0, 1, 61)
	want("all of it", 200, 1, 0, 0, 0)
	last := post(3)
	want("three more", 20, 0, 1, 0, 3)
	w.append(w.event(engine.KindEdited, room, user, &engine.Edited{Message: last.ID(), Body: "z"}))
	want("an edit", 20, 0, 0, 1, 66)
	w.append(w.event(engine.KindReacted, room, user, &engine.Reacted{Message: last.ID(), Emoji: "+1"}))
	want("a reaction", 20, 0, 0, 1, 69)
	post(150)
	want("older ones left out", 200, 0, 1, 0, 151)
	post(201)
	want("a whole page and one", 20, 0, 1, 0, 201)
}
