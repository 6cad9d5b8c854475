package storage

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestRoomsOfFollows (I8): a user's rooms, which the cache keeps, are those of the
// last commit, however many there are and whichever of them have been deleted.
func TestRoomsOfFollows(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	user, other := engine.ID{1}, engine.ID{2}
	room := func(i int) engine.ID { return engine.ID{3, byte(i)} }
	join := func(i int, u engine.ID, r engine.Role) {
		w.append(w.event(engine.KindMemberSet, room(i), u, &engine.MemberSet{Role: r}))
	}
	want := func(when string, ids ...int) {
		t.Helper()
		for range 2 { // from the store, and then perhaps from the cache
			for _, limit := range []int{1, 2, len(ids), 100} {
				got, err := s.RoomsOf(user, engine.ID{}, max(limit, 1))
				if err != nil {
					t.Fatal(err)
				}
				var list []int
				for _, m := range got {
					list = append(list, int(m.Room[1]))
				}
				if !slices.Equal(list, ids[:min(max(limit, 1), len(ids))]) {
					t.Fatalf("I8: %s: the first %d rooms are %v of %v", when, limit, list, ids)
				}
			}
			s.cache.entries.Wait()
		}
	}
	want("nothing")
	join(1, user, engine.RoleMember)
	want("before its room is made")
	w.append(w.event(engine.KindRoomCreated, room(1), other, &engine.RoomCreated{Name: "late"}))
	want("after", 1)
	var all []int
	for i := 1; i <= roomsKept+3; i++ {
		if i > 1 {
			w.append(w.event(engine.KindRoomCreated, room(i), other, &engine.RoomCreated{}))
			join(i, user, engine.RoleMember)
		}
		all = append(all, i)
		want("joined", all...)
	}
	join(1, other, engine.RoleOwner)
	want("somebody else joined", all...)
	for len(all) > roomsKept-3 {
		join(all[0], user, engine.RoleNone)
		all = all[1:]
		want("left", all...)
	}
	w.append(w.event(engine.KindRoomDeleted, room(all[4]), other, &engine.RoomDeleted{}))
	all = slices.Delete(all, 4, 5)
	want("deleted", all...)
	join(all[0], user, engine.RoleOwner)
	got, err := s.RoomsOf(user, engine.ID{}, 1)
	if err != nil || got[0].Role != engine.RoleOwner {
		t.Fatalf("I8: the role is %v, %v", got, err)
	}
	got[0].Role = engine.RoleNone // the caller's own
	if again, _ := s.RoomsOf(user, engine.ID{}, 1); again[0].Role != engine.RoleOwner {
		t.Fatal("the cache's answer was the caller's to change")
	}
}
