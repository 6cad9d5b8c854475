package engine

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// I9: the whole permission table, spelled out a second time as who gets what.
func TestPermissions(t *testing.T) {
	const (
		ok = iota
		no // forbidden
		hidden
	)
	public, private, direct := Room{}, Room{Private: true}, Room{Private: true, Direct: true}
	// The columns: stranger, member, moderator, owner; then the same as a server administrator.
	for _, c := range []struct {
		act                     action
		public, private, direct [8]int
	}{
		{actRead, [8]int{ok, ok, ok, ok, ok, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actJoin, [8]int{ok, ok, ok, ok, ok, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actLeave, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actPost, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actReact, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actSignal, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actEditOwn, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actDeleteOwn, [8]int{no, ok, ok, ok, no, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}, [8]int{hidden, ok, ok, ok, hidden, ok, ok, ok}},
		{actDeleteOthers, [8]int{no, no, ok, ok, ok, ok, ok, ok}, [8]int{hidden, no, ok, ok, hidden, no, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actRename, [8]int{no, no, ok, ok, ok, ok, ok, ok}, [8]int{hidden, no, ok, ok, hidden, no, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actInvite, [8]int{no, no, ok, ok, ok, ok, ok, ok}, [8]int{hidden, no, ok, ok, hidden, no, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actPromote, [8]int{no, no, no, ok, ok, ok, ok, ok}, [8]int{hidden, no, no, ok, hidden, no, no, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actRemove, [8]int{no, no, ok, ok, ok, ok, ok, ok}, [8]int{hidden, no, ok, ok, hidden, no, ok, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
		{actDeleteRoom, [8]int{no, no, no, ok, ok, ok, ok, ok}, [8]int{hidden, no, no, ok, hidden, no, no, ok}, [8]int{hidden, no, no, no, hidden, no, no, no}},
	} {
		for kind, want := range map[*Room][8]int{&public: c.public, &private: c.private, &direct: c.direct} {
			for i, w := range want {
				err := allow(c.act, *kind, Role(i%4), i >= 4)
				got := ok
				if errors.Is(err, ErrNotFound) {
					got = hidden
				} else if err != nil {
					got = no
				}
				if got != w {
					t.Errorf("action %d in %+v as %q, admin %v: %v", c.act, *kind, Role(i%4), i >= 4, err)
				}
			}
		}
	}
	for act := range permissions {
		may := slices.Contains([]action{actRead, actLeave, actSignal, actDeleteOwn, actDeleteOthers, actRemove, actDeleteRoom}, act)
		err := allow(act, Room{Archived: true}, RoleOwner, true)
		if (err == nil) != may || (!may && AsError(err).Code != CodeConflict) {
			t.Errorf("action %d in an archived room: %v", act, err)
		}
		if err := allow(act, Room{Private: true, Archived: true}, RoleNone, true); !errors.Is(err, ErrNotFound) {
			t.Errorf("I9: action %d in a stranger's archived room: %v", act, err)
		}
	}
	if len(permissions) != 14 {
		t.Errorf("the table has %d actions, this test 14", len(permissions))
	}
}

func TestLimiterForgetsOnlyTheIdle(t *testing.T) {
	now := Time(0)
	l := NewLimiter[int](Rate{PerSecond: 1, Burst: 2}, func() time.Time { return now.Std() })
	if _, ok := l.Allow(-1); !ok {
		t.Fatal("the first is refused")
	}
	l.Allow(-1)
	for i := range limiterTable * 3 {
		l.Allow(i)
		if i%1000 == 0 { // keeps asking, so keeps its empty bucket
			if wait, ok := l.Allow(-1); ok || wait <= 0 {
				t.Fatalf("after %d others the bucket was new", i)
			}
		}
	}
	if n := len(l.cur) + len(l.prev); n > 2*limiterTable {
		t.Errorf("%d buckets are kept", n)
	}
	now += 1000
	if _, ok := l.Allow(-1); !ok {
		t.Error("a second later there is none")
	}
}
