package storage

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// watch is the subjects that a test looks at, by name.
type watch map[string]engine.Subject

// openApart opens a store where no two of the subjects, and others that the test moves, share a place.
func (w watch) openApart(t *testing.T, others ...engine.Subject) *Store {
	for range 100 {
		s := openMem(t, vfs.NewMem())
		places := map[uint32]bool{}
		for _, about := range slices.AppendSeq(slices.Clone(others), maps.Values(w)) {
			places[s.Mark(about).Place] = true
		}
		if len(places) == len(w)+len(others) {
			return s
		}
		s.Close()
	}
	t.Fatal("no store keeps the subjects apart")
	return nil
}

// moved names the subjects that something moves, in order.
func (w watch) moved(s *Store, by func()) string {
	marks := map[string]engine.Mark{}
	for name, about := range w {
		marks[name] = s.Mark(about)
	}
	by()
	var out []string
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if !s.Fresh(marks[name]) {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// TestSubjects (I8): which subjects an event moves, and which it leaves alone.
func TestSubjects(t *testing.T) {
	var zero engine.ID
	ann, bob, room, private := engine.ID{1}, engine.ID{2}, engine.ID{3}, engine.ID{4}
	w := watch{
		"user:ann": engine.About(engine.AboutUser, ann, zero), "user:bob": engine.About(engine.AboutUser, bob, zero),
		"room": engine.About(engine.AboutRoom, room, zero), "private": engine.About(engine.AboutRoom, private, zero),
		"role:ann": engine.About(engine.AboutRole, room, ann), "role:bob": engine.About(engine.AboutRole, room, bob),
		"rooms:ann": engine.About(engine.AboutRoomsOf, ann, zero), "rooms:bob": engine.About(engine.AboutRoomsOf, bob, zero),
		"content": engine.About(engine.AboutContent, room, zero), "amended": engine.About(engine.AboutAmended, room, zero),
		"content2": engine.About(engine.AboutContent, private, zero), "amended2": engine.About(engine.AboutAmended, private, zero),
		"marker:ann": engine.About(engine.AboutMarker, room, ann), "public": publicSubject,
		"token": engine.About(engine.AboutToken, engine.ID{5}, zero), "key": engine.AboutKeyOf(7),
		"name:ann": engine.AboutUserName("ann"), "name:eve": engine.AboutUserName("eve"),
		"name:ann~bob": engine.AboutUserName("ann" + suffix(bob)), "name:eve~bob": engine.AboutUserName("eve" + suffix(bob)),
		"room:lobby": engine.AboutRoomName("lobby"), "room:hall": engine.AboutRoomName("hall"),
		"private role:bob": engine.About(engine.AboutRole, private, bob),
	}
	s := w.openApart(t, engine.AboutUserName("ann"+suffix(ann)), engine.AboutUserName("eve"+suffix(ann)),
		engine.AboutRoomName("lobby"+suffix(room)), engine.AboutRoomName("hall"+suffix(room)))
	defer s.Close()
	near, far := newWriter(t, s), newWriter(t, s)
	far.origin = 9
	post := func(w *writer, room engine.ID, nonce string) *engine.Event {
		return w.event(engine.KindPosted, room, ann, &engine.Posted{Body: "x", Nonce: nonce})
	}
	eve, hall, lobby, topic := "eve", "hall", "lobby", "new"
	var first, twice *engine.Event
	for _, step := range []struct {
		what, want string
		event      func() *engine.Event
	}{
		{"a user", "name:ann user:ann", func() *engine.Event {
			return near.event(engine.KindUserCreated, zero, ann, &engine.UserCreated{Username: "ann"})
		}},
		{"a second claim", "name:ann name:ann~bob user:bob", func() *engine.Event {
			return near.event(engine.KindUserCreated, zero, bob, &engine.UserCreated{Username: "ann"})
		}},
		{"another name", "name:ann name:ann~bob name:eve user:ann user:bob", func() *engine.Event {
			return near.event(engine.KindUserUpdated, zero, ann, &engine.UserUpdated{Username: &eve})
		}},
		{"a password", "user:ann", func() *engine.Event {
			return near.event(engine.KindUserUpdated, zero, ann, &engine.UserUpdated{Password: &eve})
		}},
		{"a disabled account", "user:ann", func() *engine.Event {
			return near.event(engine.KindAccountSet, zero, ann, &engine.AccountSet{Disabled: new(bool)})
		}},
		{"a ban", "", func() *engine.Event {
			return near.event(engine.KindUserBanned, zero, ann, &engine.UserBanned{})
		}},
		{"a room", "public role:ann room room:lobby rooms:ann", func() *engine.Event {
			return near.event(engine.KindRoomCreated, room, ann, &engine.RoomCreated{Name: "lobby", Members: []engine.MemberRole{{User: ann, Role: engine.RoleOwner}}})
		}},
		{"a member before the room", "private private role:bob rooms:bob", func() *engine.Event {
			return near.event(engine.KindMemberSet, private, bob, &engine.MemberSet{Role: engine.RoleMember})
		}},
		{"a private room", "private rooms:bob", func() *engine.Event {
			return near.event(engine.KindRoomCreated, private, ann, &engine.RoomCreated{Private: true, Name: ""})
		}},
		{"a private room's topic", "private", func() *engine.Event {
			return near.event(engine.KindRoomUpdated, private, ann, &engine.RoomUpdated{Topic: &topic})
		}},
		{"a room's name", "public room room:hall room:lobby", func() *engine.Event {
			return near.event(engine.KindRoomUpdated, room, ann, &engine.RoomUpdated{Name: &hall})
		}},
		{"the name again", "public room room:hall room:lobby", func() *engine.Event {
			return near.event(engine.KindRoomUpdated, room, ann, &engine.RoomUpdated{Name: &lobby})
		}},
		{"an archived room", "public room", func() *engine.Event {
			return near.event(engine.KindRoomArchived, room, ann, &engine.RoomArchived{Archived: true})
		}},
		{"a room opened again", "public room", func() *engine.Event {
			return near.event(engine.KindRoomArchived, room, ann, &engine.RoomArchived{})
		}},
		{"a member", "role:bob room rooms:bob", func() *engine.Event {
			return near.event(engine.KindMemberSet, room, bob, &engine.MemberSet{Role: engine.RoleMember})
		}},
		{"a role", "role:bob room rooms:bob", func() *engine.Event {
			return near.event(engine.KindMemberSet, room, bob, &engine.MemberSet{Role: engine.RoleModerator})
		}},
		{"a post", "content", func() *engine.Event { first = post(near, room, ""); return first }},
		{"a post with a nonce", "content", func() *engine.Event { twice = post(near, room, "n"); return twice }},
		{"another room's post", "content2", func() *engine.Event { return post(near, private, "") }},
		{"a peer's post at the end, though another room's is later", "content", func() *engine.Event {
			far.stamp = twice.Stamp
			e := post(far, room, "")
			e.Stamp = twice.Stamp + 1
			return e
		}},
		{"a peer's late post", "amended2 content2", func() *engine.Event { far.stamp = twice.Stamp - 1<<15; return post(far, private, "") }},
		{"a reaction", "amended content", func() *engine.Event {
			return near.event(engine.KindReacted, room, ann, &engine.Reacted{Message: first.ID(), Emoji: "x"})
		}},
		{"the same reaction", "", func() *engine.Event {
			return near.event(engine.KindReacted, room, ann, &engine.Reacted{Message: first.ID(), Emoji: "x"})
		}},
		{"no reaction", "amended content", func() *engine.Event {
			return near.event(engine.KindReacted, room, ann, &engine.Reacted{Message: first.ID(), Emoji: "x", Remove: true})
		}},
		{"an edit", "amended content", func() *engine.Event {
			return near.event(engine.KindEdited, room, ann, &engine.Edited{Message: first.ID(), Body: "y"})
		}},
		{"a deletion", "amended content", func() *engine.Event {
			return near.event(engine.KindDeleted, room, ann, &engine.Deleted{Message: first.ID()})
		}},
		{"a read marker", "marker:ann", func() *engine.Event {
			return near.event(engine.KindRead, room, ann, &engine.Read{Message: first.ID()})
		}},
		{"a nonce again, in another room", "content2", func() *engine.Event { return post(near, private, "n") }},
		{"a revoked token", "token", func() *engine.Event {
			return near.event(engine.KindTokenRevoked, zero, ann, &engine.TokenRevoked{Token: engine.ID{5}})
		}},
		{"a key", "key", func() *engine.Event {
			return near.event(engine.KindNodeKey, zero, zero, &engine.NodeKey{Public: []byte{1}})
		}},
		{"the room's end", "public room room:lobby rooms:ann rooms:bob", func() *engine.Event {
			return near.event(engine.KindRoomDeleted, room, ann, &engine.RoomDeleted{})
		}},
	} {
		e := step.event()
		if got := w.moved(s, func() { near.append(e) }); got != step.want {
			t.Errorf("%s moves %q, not %q", step.what, got, step.want)
		}
	}
}

// TestSubjectsHide (I3, I8): a nonce's earlier post, which comes later, amends the
// rooms of both.
func TestSubjectsHide(t *testing.T) {
	a, b, user := engine.ID{1}, engine.ID{2}, engine.ID{3}
	w := watch{
		"content:a": engine.About(engine.AboutContent, a, engine.ID{}), "amended:a": engine.About(engine.AboutAmended, a, engine.ID{}),
		"content:b": engine.About(engine.AboutContent, b, engine.ID{}), "amended:b": engine.About(engine.AboutAmended, b, engine.ID{}),
	}
	s := w.openApart(t)
	defer s.Close()
	near, far := newWriter(t, s), newWriter(t, s)
	far.origin = 9
	p := &engine.Posted{Body: "x", Nonce: "n"}
	near.append(near.event(engine.KindPosted, a, user, &engine.Posted{Body: "x"}), near.event(engine.KindPosted, a, user, p))
	if got := w.moved(s, func() { far.append(far.event(engine.KindPosted, b, user, p)) }); got != "amended:a amended:b content:a content:b" {
		t.Errorf("it moves %q", got)
	}
}

// TestMembersTouched (I8): a room of many members that ends leaves all their lists.
func TestMembersTouched(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	room := engine.ID{1}
	user := func(i int) engine.ID { return engine.ID{2, byte(i >> 8), byte(i)} }
	for _, n := range []int{membersTouched, membersTouched + 1} {
		p := &engine.RoomCreated{}
		for i := range n {
			p.Members = append(p.Members, engine.MemberRole{User: user(i), Role: engine.RoleMember})
		}
		room[1]++
		w.append(w.event(engine.KindRoomCreated, room, user(0), p))
		var marks []engine.Mark
		for i := range n {
			marks = append(marks, s.Mark(engine.About(engine.AboutRoomsOf, user(i), engine.ID{})))
		}
		w.append(w.event(engine.KindRoomDeleted, room, user(0), &engine.RoomDeleted{}))
		for i := range marks {
			if s.Fresh(marks[i]) {
				t.Fatalf("I8: of %d members, member %d still has the room", n, i)
			}
		}
	}
}

// TestRoomEnds: what is forgotten counts as unknown, and never as an older end.
func TestRoomEnds(t *testing.T) {
	r := newRoomEnds()
	id := func(i int) engine.ID { return engine.ID{byte(i >> 16), byte(i >> 8), byte(i)} }
	for i := range 3 * roomEndsHalf {
		r.set(id(0), id(i))
		r.set(id(i), id(i+1))
		if last, ok := r.last(id(0)); ok && last != id(i) && i > 0 {
			t.Fatalf("the end is %v, not %v", last, id(i))
		}
		if n := len(r.young) + len(r.old); n > 2*roomEndsHalf {
			t.Fatalf("I6: %d rooms are known", n)
		}
	}
	if _, ok := r.last(id(1)); ok {
		t.Error("nothing was forgotten")
	}
}

// TestRoomEndsReopened (I8): a store that has just been opened knows no room's end,
// and does not take a late post for one.
func TestRoomEndsReopened(t *testing.T) {
	mem := vfs.NewMem()
	s := openMem(t, mem)
	room, other := engine.ID{1}, engine.ID{2}
	near, far := newWriter(t, s), newWriter(t, s)
	far.origin = 9
	start := near.stamp
	post := func(w *writer, room engine.ID, at engine.Stamp) {
		w.stamp = start + at<<16
		w.append(w.event(engine.KindPosted, room, engine.ID{3}, &engine.Posted{Body: "x"}))
	}
	post(near, room, 10)
	post(near, other, 20)
	s.Close()
	s = openMem(t, mem)
	defer s.Close()
	near.s, far.s = s, s
	amended := engine.About(engine.AboutAmended, room, engine.ID{})
	for _, step := range []struct {
		what string
		w    *writer
		room engine.ID
		at   engine.Stamp
		late bool
	}{
		{"before the end", far, room, 5, true},
		{"before the end, after that", far, room, 6, true},
		{"at the end, which is not known", far, room, 15, true},
		{"above all stamps", near, room, 30, false},
		{"another room, above all", near, other, 40, false},
		{"below that, above the room's end", far, room, 35, false},
		{"below that, in another room", near, other, 50, false},
		{"at the end again", far, room, 36, false},
	} {
		mark := s.Mark(amended)
		post(step.w, step.room, step.at)
		if late := !s.Fresh(mark); late != step.late {
			t.Errorf("%s: counts as late: %v", step.what, late)
		}
		checkNewest(t, s, room, nil, 50)
	}
}
