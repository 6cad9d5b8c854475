package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

var worldKinds = []engine.Kind{
	engine.KindNodeKey, engine.KindUserCreated, engine.KindUserUpdated, engine.KindTokenRevoked, engine.KindTokenIssued,
	engine.KindRoomCreated, engine.KindRoomUpdated, engine.KindRoomDeleted, engine.KindMemberSet,
	engine.KindAccountSet, engine.KindUserBanned, engine.KindNetBanned, engine.KindInvited, engine.KindRoomArchived,
	engine.KindPosted, engine.KindEdited, engine.KindDeleted, engine.KindReacted, engine.KindRead,
}

// olderVersion is one that does not know some of the kinds.
func olderVersion(rng *rand.Rand, percent int) func(engine.Kind) bool {
	gone := map[engine.Kind]bool{}
	for _, k := range worldKinds {
		gone[k] = rng.IntN(100) < percent
	}
	return func(k engine.Kind) bool { return gone[k] }
}

// TestUnknownKinds (I3): two nodes of an older version, one of which gets a
// snapshot from the other, keep what they do not know. Upgraded, by steps or at once,
// they are the same to the byte as a node that knew all the time.
func TestUnknownKinds(t *testing.T) {
	for round := range max(*histories/4, 10) {
		t.Run(fmt.Sprint(round), func(t *testing.T) { upgrade(t, rand.New(rand.NewPCG(uint64(round), 40)), uint64(round)) })
	}
}

func upgrade(t *testing.T, rng *rand.Rand, number uint64) {
	w := newWorld(number, 3, 40+rng.IntN(100), 0)
	middle := randomPosition(w, engine.Position{}, w.end(), rng)
	v1 := olderVersion(rng, 50)
	half := olderVersion(rng, 50)
	v2 := func(k engine.Kind) bool { return v1(k) && half(k) }

	a, b := vfs.NewMem(), vfs.NewMem()
	s := openAs(t, a, 1, v1)
	apply(t, s, w, middle, rng)
	pieces := takePieces(t, s, 2000)
	(&node{t: t, s: s, w: w, rng: rng}).checkLog(middle)
	s.Close()

	other := openAs(t, b, 2, v2) // newer than the sender: it derives what that could not
	install(t, other, pieces, 2000)
	middling := openAs(t, vfs.NewMem(), 3, v2)
	defer middling.Close()
	apply(t, middling, w, middle, rng)
	if got, want := dumpOf(t, other), dumpOf(t, middling); got != want {
		t.Fatalf("I3: a snapshot of an older version:\n%s", firstDifference(want, got))
	}
	other.Close()

	for i, mem := range []*vfs.MemFS{a, b} {
		if rng.IntN(2) == 0 {
			openAs(t, mem, 9, v2).Close()
		}
		s := openMem(t, mem)
		defer s.Close()
		if got, want := dumpOf(t, s), dumpAt(t, w, middle); got != want {
			t.Fatalf("I3: node %d after its upgrade:\n%s", i, firstDifference(want, got))
		}
		(&check{t: t, s: s, o: newOracle(w.upTo(middle)), w: w, rng: rng}).all()
		apply(t, s, w, w.end(), rng)
		if got, want := dumpOf(t, s), dumpAt(t, w, w.end()); got != want {
			t.Fatalf("I3: node %d after the rest:\n%s", i, firstDifference(want, got))
		}
	}
}

// TestUnknownNewer: a snapshot of a version that knows more is refused: its views
// hold what this version would lose, without a note of what to derive again.
func TestUnknownNewer(t *testing.T) {
	newer, older := openMem(t, vfs.NewMem()), openAs(t, vfs.NewMem(), 1, func(k engine.Kind) bool { return k == engine.KindRead })
	defer newer.Close()
	defer older.Close()
	refuse(t, older, takePieces(t, newer, 1000), errOther)
}

// TestUnknownCrash (I1, I3): power fails anywhere in the first Open of a newer
// version, which has several batches to derive.
func TestUnknownCrash(t *testing.T) {
	mem := vfs.NewCrashableMem()
	s := openAs(t, mem, 1, func(k engine.Kind) bool { return k == engine.KindPosted })
	p := newPoster(s)
	p.body = "b"
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	const posts = 2*deriveBatch + 1
	for range posts {
		e := p.next()
		e.Payload = nil
		if _, _, err := tx.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	var want string
	for n := int64(1); ; n += slow {
		cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 40, 100}[n%3], RNG: rand.New(rand.NewPCG(1, uint64(n)))}
		fs, clone, armed := crashAt(mem.CrashClone(vfs.CrashCloneCfg{}), n, cfg)
		armed.Store(true)
		s := openMem(t, fs)
		armed.Store(false)
		if want == "" {
			want = replay(t, s)
		}
		got := dumpOf(t, s)
		s.Close()
		if got != want {
			t.Fatalf("I3: after the upgrade:\n%s", firstDifference(want, got))
		}
		if clone.Load() == nil {
			if n < 10 {
				t.Errorf("only %d points: the test attacks nothing", n)
			}
			return
		}
		s = openMem(t, clone.Load())
		if got := dumpOf(t, s); got != want {
			t.Fatalf("I3: after a crash at %d:\n%s", n, firstDifference(want, got))
		}
		s.Close()
	}
}

// TestUnknownMalformed: an event whose content the newer version cannot read
// does not keep it from opening, and stays in the log.
func TestUnknownMalformed(t *testing.T) {
	mem := vfs.NewMem()
	s := openAs(t, mem, 1, func(k engine.Kind) bool { return k == engine.KindRead })
	w := newWriter(t, s)
	good := w.event(engine.KindRead, engine.ID{1}, engine.ID{2}, &engine.Read{Message: engine.ID{3}})
	bad := w.event(engine.KindRead, engine.ID{1}, engine.ID{4}, &engine.Read{Message: engine.ID{3}})
	bad.Data = []byte{0xBF}
	good.Payload, bad.Payload = nil, nil
	w.append(good, bad)
	s.Close()
	for range 2 {
		s = openMem(t, mem)
		u, err := s.Unread(engine.ID{1}, engine.ID{2})
		if err != nil || u.LastRead != (engine.ID{3}) {
			t.Fatal("the good one has no view", u, err)
		}
		if v, err := s.get(unknownKey(engine.KindRead, 7, 2)); err != nil || v == nil {
			t.Fatal("the note is gone", err)
		}
		if e, err := s.logged(7, 2); !errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) || e == nil {
			t.Fatal(e, err)
		}
		s.Close()
	}
}
