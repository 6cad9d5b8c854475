package storage

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// writer appends events of one origin to a store, a batch each.
type writer struct {
	t      testing.TB
	s      *Store
	origin engine.Origin
	seq    uint64
	stamp  engine.Stamp
}

func newWriter(t testing.TB, s *Store) *writer {
	return &writer{t: t, s: s, origin: 7, stamp: 1_700_000_000_000 << 16}
}

func (w *writer) event(kind engine.Kind, room, user engine.ID, payload any) *engine.Event {
	w.t.Helper()
	w.seq++
	w.stamp += 1 << 16
	e := &engine.Event{Origin: w.origin, Seq: w.seq, Stamp: w.stamp, Kind: kind, Room: room, User: user, Payload: payload}
	var err error
	if e.Data, err = w.s.EncodePayload(payload); err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *writer) append(events ...*engine.Event) engine.Effects {
	w.t.Helper()
	tx, err := w.s.Begin()
	if err != nil {
		w.t.Fatal(err)
	}
	var last engine.Effects
	for _, e := range events {
		if _, last, err = tx.Append(e); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
	return last
}

// TestCacheFillRace (I8): readers fill the cache all the time while commits
// change what they read. Whoever starts to read after a commit has returned may
// not get what was before it, now or ever after.
func TestCacheFillRace(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	room, user, reader := engine.ID{1}, engine.ID{2}, engine.ID{3}
	w.append(w.event(engine.KindUserCreated, engine.ID{}, user, &engine.UserCreated{Username: "u", DisplayName: "0"}),
		w.event(engine.KindRoomCreated, room, user, &engine.RoomCreated{Name: "r", Topic: "0"}))
	var floor atomic.Int64 // the last commit that has returned
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for !stop.Load() {
				if msg := readAtLeast(s, room, user, reader, floor.Load()); msg != "" {
					t.Error(msg)
					return
				}
			}
		})
	}
	const commits = 400
	for i := 1; i <= commits && !t.Failed(); i++ {
		n := strconv.Itoa(i)
		events := []*engine.Event{
			w.event(engine.KindUserUpdated, engine.ID{}, user, &engine.UserUpdated{DisplayName: &n, Password: &n}),
			w.event(engine.KindRoomUpdated, room, user, &engine.RoomUpdated{Topic: &n}),
			w.event(engine.KindMemberSet, room, user, &engine.MemberSet{Role: engine.Role(i % 4)}),
		}
		if i <= engine.UnreadLimit {
			events = append(events, w.event(engine.KindPosted, room, user, &engine.Posted{Body: n, Everyone: true}))
		}
		w.append(events...)
		floor.Store(int64(i))
	}
	stop.Store(true)
	wg.Wait()
	if msg := readAtLeast(s, room, user, reader, commits); msg != "" {
		t.Error(msg)
	}
	if s.cache.hits.Load() == 0 {
		t.Error("the cache was never hit: the test attacks nothing")
	}
	role, err := s.Role(room, user)
	if err != nil || role != engine.Role(commits%4) {
		t.Errorf("role %v, %v", role, err)
	}
}

// readAtLeast says which answer is older than a commit.
func readAtLeast(s *Store, room, user, reader engine.ID, floor int64) string {
	for _, answer := range []struct {
		name string
		at   func() (string, error)
	}{
		{"user", func() (string, error) { u, err := s.User(user); return u.DisplayName, err }},
		{"room", func() (string, error) { r, err := s.Room(room); return r.Topic, err }},
		{"credentials", func() (string, error) { phc, _, err := s.Credentials(user); return "0" + phc, err }},
	} {
		got, err := answer.at()
		if n, _ := strconv.ParseInt(got, 10, 64); err != nil || n < floor {
			return fmt.Sprintf("I8: %s is %q, %v; commit %d has returned", answer.name, got, err, floor)
		}
	}
	want := int(min(floor, engine.UnreadLimit))
	if u, err := s.Unread(room, reader); err != nil || u.Messages < want || u.Mentions < want {
		return fmt.Sprintf("I8: unread is %+v, %v; commit %d has returned", u, err, floor)
	}
	return ""
}

// TestCacheLateFill (I8): the same race, step by step: an answer read before a
// commit is put into the cache after it.
func TestCacheLateFill(t *testing.T) {
	c, err := newCache(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	a := engine.About(engine.AboutUser, engine.ID{1}, engine.ID{})
	disk := "old"
	get := func() string {
		v, err := cached(c, a, a, a, 0, func() (string, error) { return disk, nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	late, err := cached(c, a, a, a, 0, func() (string, error) {
		read := disk
		disk = "new"
		c.raise(c.shard(&a)) // the commit returns while the reader holds the old answer
		return read, nil
	})
	if err != nil || late != "old" {
		t.Fatal(late, err)
	}
	c.entries.Wait()
	if got := get(); got != "new" {
		t.Fatalf("I8: the cache kept %q", got)
	}
	c.entries.Wait()
	if got := get(); got != "new" || c.hits.Load() != 1 {
		t.Fatalf("%q after %d hits", got, c.hits.Load())
	}
}
