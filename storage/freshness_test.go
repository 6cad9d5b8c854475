package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestFreshness (I8): whatever answer a commit changes, the marks that were taken
// of its subjects before are not fresh any more; and whatever the cache answers
// is what the disk says. For all answers, after every commit of random histories.
func TestFreshness(t *testing.T) {
	var seen tally
	for i := range max(*histories/5, 4) {
		if s := *firstSeed + uint64(i); !t.Run(fmt.Sprint(s), func(t *testing.T) { seen.add(followHistory(t, s)) }) {
			return
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%-14s %6d answers changed, %6d stayed with fresh marks", kind, seen[kind].changed, seen[kind].fresh)
		if seen[kind].changed == 0 || seen[kind].fresh == 0 {
			t.Errorf("%s: never changed or never stayed fresh: the test attacks nothing", kind)
		}
	}
}

// tally counts, by kind of answer.
type tally map[string]struct{ changed, fresh int }

func (t *tally) add(other tally) {
	if *t == nil {
		*t = tally{}
	}
	for k, n := range other {
		sum := (*t)[k]
		sum.changed, sum.fresh = sum.changed+n.changed, sum.fresh+n.fresh
		(*t)[k] = sum
	}
}

func followHistory(t *testing.T, seed uint64) tally {
	rng := rand.New(rand.NewPCG(seed, 3))
	w := newWorld(seed, 1+rng.IntN(3), 60+rng.IntN(60), 0)
	s, err := Open("data", Options{FS: vfs.NewMem(), Memory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := &follower{t: t, s: s, w: w, seen: tally{}}
	f.look()
	for target := w.end(); !s.Position().Covers(target); f.look() {
		commitSome(t, s, w, rng, 1+rng.IntN(6))
	}
	return f.seen
}

// commitSome appends the next events of any origins in one batch.
func commitSome(t testing.TB, s *Store, w *world, rng *rand.Rand, n int) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	nd := &node{t: t, s: s, w: w, rng: rng}
	pos := s.Position()
	for range n {
		pos = nd.appendOne(tx, pos, w.end())
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// follower asks a store everything again and again.
type follower struct {
	t    *testing.T
	s    *Store
	w    *world
	old  map[string]answered
	now  map[string]answered
	seen tally
}

type answered struct {
	kind, value string
	marks       []engine.Mark
}

// look asks everything, and compares with the last time.
func (f *follower) look() {
	f.old, f.now = f.now, map[string]answered{}
	f.s.cache.entries.Wait()
	f.users()
	f.rooms()
	f.secrets()
	f.messages()
	for what, now := range f.now {
		was, ok := f.old[what]
		if !ok {
			continue
		}
		n, fresh := f.seen[now.kind], f.s.Fresh(was.marks...)
		switch {
		case was.value != now.value && fresh:
			f.t.Fatalf("I8: %s has changed, and its marks are fresh:\n%s\n%s", what, was.value, now.value)
		case was.value != now.value:
			n.changed++
		case fresh:
			n.fresh++
		}
		f.seen[now.kind] = n
	}
}

// ask notes an answer from the disk, with the marks of what it depends on, taken
// before; depends may look at it. The cached way must say the same.
func ask[T any](f *follower, kind, what string, disk, cached func() (T, error), candidates []engine.Subject, depends func(T) []engine.Subject) {
	f.t.Helper()
	marks := map[engine.Subject]engine.Mark{}
	for _, about := range candidates {
		marks[about] = f.s.Mark(about)
	}
	v, err := disk()
	a := answered{kind: kind, value: render(f.t, v, err)}
	if cached != nil {
		v, err := cached()
		if got := render(f.t, v, err); got != a.value {
			f.t.Fatalf("I8: the cache says that %s %s is\n%s\nthe disk\n%s", kind, what, got, a.value)
		}
	}
	if depends != nil {
		candidates = depends(v)
	}
	for _, about := range candidates {
		m, ok := marks[about]
		if !ok {
			f.t.Fatalf("%s %s: no mark was taken of %q", kind, what, about[:])
		}
		a.marks = append(a.marks, m)
	}
	f.now[kind+" "+what] = a
}

func render(t testing.TB, v any, err error) string {
	t.Helper()
	if errors.Is(err, engine.ErrNotFound) {
		return "not found"
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func one(kind engine.SubjectKind, a, b engine.ID) []engine.Subject {
	return []engine.Subject{engine.About(kind, a, b)}
}

func (f *follower) users() {
	zero := engine.ID{}
	for _, u := range f.w.users {
		ask(f, "user", u.String(), func() (engine.User, error) { return readUser(f.s, u) },
			func() (engine.User, error) { return f.s.User(u) }, one(engine.AboutUser, u, zero), nil)
		ask(f, "credentials", u.String(), func() (string, error) { c, err := readCredentials(f.s, u); return fmt.Sprint(c), err },
			func() (string, error) {
				phc, changed, err := f.s.Credentials(u)
				if err != nil {
					return "", err
				}
				st, err := f.s.Standing(u)
				return fmt.Sprint(credentials{phc, changed, st}), err
			}, one(engine.AboutUser, u, zero), nil)
		ask(f, "rooms of", u.String(), func() ([]engine.Membership, error) { return f.roomsOf(u) },
			func() ([]engine.Membership, error) { return f.s.RoomsOf(u, zero, 100) }, one(engine.AboutRoomsOf, u, zero), nil)
	}
	f.names(spaceUser, f.w.users, f.s.UserNamed)
	f.names(spaceRoom, f.w.rooms, f.s.RoomNamed)
}

// roomsOf is RoomsOf without the cache.
func (f *follower) roomsOf(user engine.ID) (list []engine.Membership, err error) {
	err = f.s.memberships(kindUserRoom, user, engine.ID{}, func(m engine.Membership) (bool, error) {
		_, err := readRoom(f.s, m.Room)
		if err == nil {
			list = append(list, m)
		} else if errors.Is(err, engine.ErrNotFound) {
			err = nil
		}
		return true, err
	})
	return list, err
}

func (f *follower) names(space byte, ids []engine.ID, cached func(string) (engine.ID, error)) {
	kind := map[byte]string{spaceUser: "user named", spaceRoom: "room named"}[space]
	for _, name := range worldNames {
		shown := []string{name}
		for _, id := range ids {
			shown = append(shown, name+suffix(id))
		}
		for _, n := range shown {
			ask(f, kind, n, func() (engine.ID, error) { return named(f.s, space, n) },
				func() (engine.ID, error) { return cached(n) }, []engine.Subject{nameSubject(space, n)}, nil)
		}
	}
}

func (f *follower) rooms() {
	zero := engine.ID{}
	var all []engine.Subject
	for _, r := range f.w.rooms {
		about := one(engine.AboutRoom, r, zero)
		all = append(all, about...)
		ask(f, "room", r.String(), func() (engine.Room, error) { return readRoom(f.s, r) },
			func() (engine.Room, error) { return f.s.Room(r) }, about, nil)
		ask(f, "room exists", r.String(), func() (bool, error) { return f.s.RoomExists(r) }, nil, about, nil)
		for _, u := range f.w.users {
			ask(f, "role", r.String()+u.String(), func() (engine.Role, error) { return readRole(f.s, r, u) },
				func() (engine.Role, error) { return f.s.Role(r, u) }, one(engine.AboutRole, r, u), nil)
		}
		f.members(r)
	}
	all = append(all, publicSubject)
	ask(f, "public rooms", "", func() ([]engine.Room, error) { rooms, _, err := f.s.PublicRooms("", 100); return rooms, err }, nil, all,
		func(rooms []engine.Room) []engine.Subject {
			list := []engine.Subject{publicSubject}
			for _, r := range rooms {
				list = append(list, engine.About(engine.AboutRoom, r.ID, zero))
			}
			return list
		})
	ask(f, "public names", "", func() ([]engine.Room, error) {
		rooms, _, err := f.s.PublicRooms("", 100)
		for i := range rooms {
			rooms[i].Members = 0
		}
		return rooms, err
	}, nil, []engine.Subject{publicSubject}, nil)
}

func (f *follower) members(room engine.ID) {
	candidates := one(engine.AboutRoom, room, engine.ID{})
	for _, u := range f.w.users {
		candidates = append(candidates, engine.About(engine.AboutUser, u, engine.ID{}))
	}
	ask(f, "members", room.String(), func() ([]engine.Member, error) { return f.s.Members(room, engine.ID{}, 100) }, nil, candidates,
		func(list []engine.Member) []engine.Subject {
			out := one(engine.AboutRoom, room, engine.ID{})
			for _, m := range list {
				out = append(out, engine.About(engine.AboutUser, m.ID, engine.ID{}))
			}
			return out
		})
}

func (f *follower) secrets() {
	for _, o := range f.w.origins {
		ask(f, "node key", o.String(), func() ([]byte, error) { return readNodeKey(f.s, o) },
			func() ([]byte, error) { return f.s.NodeKey(o) }, []engine.Subject{engine.AboutKeyOf(o)}, nil)
	}
	for _, id := range f.w.tokens {
		ask(f, "token", id.String(), func() (bool, error) { return present(f.s.get(idKey(kindToken, id))) },
			func() (bool, error) { return f.s.TokenRevoked(id) }, one(engine.AboutToken, id, engine.ID{}), nil)
	}
}

func (f *follower) messages() {
	for i, room := range f.w.rooms {
		content := engine.About(engine.AboutContent, room, engine.ID{})
		reader := f.w.users[i%len(f.w.users)]
		f.pages("history", room, reader, engine.Range{Limit: 3}, f.history(room, reader))
		ask(f, "last", room.String(), func() (engine.ID, error) { return f.s.readLast(room) },
			func() (engine.ID, error) { return f.s.Last(room) }, []engine.Subject{content}, nil)
		for _, u := range f.w.users {
			ask(f, "unread", room.String()+u.String(), func() (engine.Unread, error) { return f.s.countUnread(room, u) },
				func() (engine.Unread, error) { return f.s.Unread(room, u) }, append(one(engine.AboutMarker, room, u), content), nil)
		}
		checkNewest(f.t, f.s, room, f.w.users, 1+i, defaultPage)
	}
	for i, ref := range f.w.messages {
		reader := f.w.users[i%len(f.w.users)]
		for _, r := range []engine.Range{{Before: ref.Message, Limit: 2}, {After: ref.Message, Limit: 2}, {Around: ref.Message, Limit: 3}} {
			f.pages("page", ref.Room, reader, r, f.history(ref.Room, reader))
		}
		f.pages("replies", ref.Room, reader, engine.Range{Limit: 3}, func(r engine.Range) (engine.Page, error) {
			return f.s.Replies(ref.Room, ref.Message, r, reader)
		})
		f.message(ref, reader)
	}
}

func (f *follower) history(room, reader engine.ID) func(engine.Range) (engine.Page, error) {
	return func(r engine.Range) (engine.Page, error) { return f.s.History(room, r, reader) }
}

// pages asks for a page and for who has reacted there. A page with something after it does not depend on the room's end.
func (f *follower) pages(kind string, room, reader engine.ID, r engine.Range, get func(engine.Range) (engine.Page, error)) {
	amended, content := engine.About(engine.AboutAmended, room, engine.ID{}), engine.About(engine.AboutContent, room, engine.ID{})
	depends := func(p engine.Page) []engine.Subject {
		if p.Next != nil {
			return []engine.Subject{amended}
		}
		return []engine.Subject{content}
	}
	what := fmt.Sprintf("%s %s %v", room, reader, r)
	var page engine.Page
	ask(f, kind, what, func() (p engine.Page, err error) { page, err = get(r); return page, err }, nil, []engine.Subject{amended, content}, depends)
	ask(f, kind+" reactors", what, func() (out []engine.ID, err error) {
		users, ok, err := f.s.Reactors(room, page.Items)
		if !ok {
			f.t.Fatal("too many reactors")
		}
		return users, err
	}, nil, []engine.Subject{amended, content}, func([]engine.ID) []engine.Subject { return depends(page) })
}

func (f *follower) message(ref engine.MessageRef, reader engine.ID) {
	amended, content := engine.About(engine.AboutAmended, ref.Room, engine.ID{}), engine.About(engine.AboutContent, ref.Room, engine.ID{})
	ask(f, "message", ref.Message.String(), func() (engine.Message, error) { return f.s.Message(ref.Room, ref.Message, reader) },
		nil, []engine.Subject{amended, content}, func(m engine.Message) []engine.Subject {
			if m.ID.IsZero() {
				return []engine.Subject{content}
			}
			return []engine.Subject{amended}
		})
}
