package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/engine"
)

// installation is one that the tests below make again and again, and what must come of it.
type installation struct {
	w             *world
	own           engine.Origin
	pieces        [][]byte
	had, want     engine.Position
	old, new, end string // dumps: before, after, and after the rest of the log
}

// newInstallation: the sender lacks the last events of the receiver's own, and, an
// older version, has left the views of some others to be derived.
func newInstallation(t *testing.T, number uint64) *installation {
	rng := rand.New(rand.NewPCG(number, 30))
	w := newWorld(number, 3, 120, 100)
	i := &installation{w: w, own: w.origins[0]}
	sent := randomPosition(w, engine.Position{}, w.end(), rng)
	i.had = randomPosition(w, engine.Position{}, sent, rng)
	i.had = i.had.With(i.own, min(sent.Seq(i.own)+5, w.end().Seq(i.own)))
	i.want = sent.Merge(i.had)
	sender := openAs(t, vfs.NewMem(), 1, func(k engine.Kind) bool { return k == engine.KindReacted || k == engine.KindRoomCreated })
	defer sender.Close()
	apply(t, sender, w, sent, rng)
	i.pieces = takePieces(t, sender, 4000)
	i.old, i.new, i.end = dumpAt(t, w, i.had), dumpAt(t, w, i.want), dumpAt(t, w, w.end())
	return i
}

// open makes the store as it is before.
func (i *installation) open(t *testing.T, fs vfs.FS, flush bool) *Store {
	s := openAs(t, fs, i.own, nil)
	apply(t, s, i.w, i.had, rand.New(rand.NewPCG(1, 31)))
	if flush {
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// attempt takes the pieces and installs them.
func (i *installation) attempt(s *Store) error {
	got, err := s.Seed()
	if err != nil {
		return err
	}
	defer got.Discard()
	got.(*seed).tables.limit = 2000
	if err := writeAll(got, i.pieces); err != nil {
		return err
	}
	return got.Install()
}

// survivor checks what is left after a crash: all of the snapshot or nothing of
// it, none of the node's own events lost, no file left over; and that it goes on from there.
func (i *installation) survivor(t *testing.T, fs vfs.FS, installed bool) (isNew bool) {
	t.Helper()
	s := openMem(t, fs)
	defer s.Close()
	switch got, pos := dumpOf(t, s), s.Position(); {
	case got == i.new && pos.Equal(i.want):
		isNew = true
	case installed:
		t.Fatalf("I1: an installed snapshot is not there:\n%s", firstDifference(i.new, got))
	case got != i.old || !pos.Equal(i.had):
		t.Fatalf("I1: neither before nor after:\n%s\n%s", firstDifference(i.old, got), firstDifference(i.new, got))
	}
	checkSettled(t, s)
	apply(t, s, i.w, i.w.end(), rand.New(rand.NewPCG(1, 32)))
	if got := dumpOf(t, s); got != i.end {
		t.Fatalf("I3: differs after the rest:\n%s", firstDifference(i.end, got))
	}
	return isNew
}

// crashAt wraps a file system so that its n-th write from now on is preceded by a
// power failure, of which the clone is what is left.
func crashAt(mem *vfs.MemFS, n int64, cfg vfs.CrashCloneCfg) (fs vfs.FS, clone *atomic.Pointer[vfs.MemFS], armed *atomic.Bool) {
	clone, armed = new(atomic.Pointer[vfs.MemFS]), new(atomic.Bool)
	ops := new(atomic.Int64)
	return errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && ops.Add(1) == n {
			clone.Store(mem.CrashClone(cfg))
		}
		return nil
	})), clone, armed
}

// TestInstallCrash (I1, I3): power fails at every point of taking and installing
// a snapshot, and again somewhere in opening what is left.
func TestInstallCrash(t *testing.T) {
	for number := range uint64(2) {
		i := newInstallation(t, number)
		points, news, again := 0, 0, 0
		for n := int64(1); ; n += slow {
			cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 40, 100}[n%3], RNG: rand.New(rand.NewPCG(number, uint64(n)))}
			mem := vfs.NewCrashableMem()
			fs, clone, armed := crashAt(mem, n, cfg)
			s := i.open(t, fs, number == 0)
			armed.Store(true)
			if err := i.attempt(s); err != nil {
				t.Fatal(err)
			}
			armed.Store(false)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if clone.Load() == nil {
				break
			}
			points++
			left := clone.Load()
			if second := i.openAndCrash(t, left, rand.New(rand.NewPCG(uint64(n), 33)), cfg); second != nil {
				left = second
				again++
			}
			if i.survivor(t, left, false) {
				news++
			}
		}
		t.Logf("%d points, %d with the snapshot, %d with a second crash", points, news, again)
		if points < 40/slow || news < 5/slow || points-news < 10/slow || again < points/8 {
			t.Error("too few points: the test attacks nothing")
		}
	}
}

// openAndCrash opens a store and has power fail in between; nil if it did not.
func (i *installation) openAndCrash(t *testing.T, mem *vfs.MemFS, rng *rand.Rand, cfg vfs.CrashCloneCfg) *vfs.MemFS {
	fs, clone, armed := crashAt(mem, 1+rng.Int64N(60), cfg)
	armed.Store(true)
	s := openMem(t, fs)
	armed.Store(false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return clone.Load()
}

// TestInstallAcknowledged (I1): power fails right after Install has returned.
func TestInstallAcknowledged(t *testing.T) {
	for number := range uint64(max(*rounds/6, 3)) {
		i := newInstallation(t, number)
		mem := vfs.NewCrashableMem()
		s := i.open(t, mem, number%2 == 0)
		if err := i.attempt(s); err != nil {
			t.Fatal(err)
		}
		clone := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(number%3) * 50, RNG: rand.New(rand.NewPCG(number, 34))})
		if got := dumpOf(t, s); got != i.new {
			t.Fatalf("I3: %s", firstDifference(i.new, got))
		}
		s.Close()
		i.survivor(t, clone, true)
	}
}

// TestInstallDiskErrors (I1): the disk fails at every write of taking and
// installing a snapshot, once or from then on. Without an error all is there;
// with one the store shows what it showed before, and either takes writes still
// or says that it does not until it is opened again.
func TestInstallDiskErrors(t *testing.T) {
	i := newInstallation(t, 5)
	failures, tripped := 0, 0
	for n := int64(1); ; n += slow {
		reached := false
		for _, ever := range []bool{false, true} {
			mem := vfs.NewCrashableMem()
			var ops atomic.Int64
			var armed atomic.Bool
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpGetDiskUsage {
					return nil
				}
				if at := ops.Add(1); at == n || (ever && at > n) {
					return syscall.EIO
				}
				return nil
			}))
			s := i.open(t, fs, n%2 == 0)
			armed.Store(true)
			err := i.attempt(s)
			armed.Store(ever)
			reached = reached || ops.Load() >= n
			i.afterError(t, s, err)
			if err != nil {
				failures++
			}
			if s.guard.tripped() {
				tripped++
			}
			if cerr := s.Close(); cerr != nil && !ever {
				t.Fatal(cerr)
			}
			armed.Store(false)
			cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: int(n%3) * 50, RNG: rand.New(rand.NewPCG(1, uint64(n)))}
			i.survivor(t, mem.CrashClone(cfg), err == nil)
			i.survivor(t, mem, err == nil)
		}
		if !reached {
			break
		}
	}
	t.Logf("%d installations failed, %d of them for good", failures, tripped)
	if failures < 60/slow || tripped < 10/slow {
		t.Error("too few failures: the test attacks nothing")
	}
}

func (i *installation) afterError(t *testing.T, s *Store, err error) {
	t.Helper()
	want, pos := i.new, i.want
	if err != nil {
		want, pos = i.old, i.had
	}
	if !s.Position().Equal(pos) {
		t.Fatalf("I1: after %v the position is neither before nor after", err)
	}
	if got := dumpOf(t, s); got != want {
		t.Fatalf("I1: after %v:\n%s", err, firstDifference(want, got))
	}
	(&check{t: t, s: s, o: newOracle(i.w.upTo(pos)), w: i.w, rng: rand.New(rand.NewPCG(1, 35))}).all()
	tx, berr := s.Begin()
	switch {
	case berr == nil:
		tx.Discard()
	case !errors.Is(berr, engine.ErrUnavailable):
		t.Fatal(berr)
	}
	if s.guard.tripped() && berr == nil {
		t.Fatal("I1: a failed store takes a batch")
	}
}

// TestInstallReaders (I8): readers go on while a snapshot is installed. Whoever starts
// after the position has moved sees what it says; nobody sees an error.
func TestInstallReaders(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 36))
	sender, s := openMem(t, vfs.NewMem()), openMem(t, vfs.NewMem())
	defer sender.Close()
	defer s.Close()
	w := newWriter(t, sender)
	user, room := engine.ID{1}, engine.ID{2}
	const versions = 12
	var streams [versions][][]byte
	for v := range versions {
		name := fmt.Sprint(v)
		w.append(w.event(engine.KindUserCreated, engine.ID{}, user, &engine.UserCreated{Username: "u", DisplayName: name}),
			w.event(engine.KindRoomCreated, room, user, &engine.RoomCreated{Name: "r", Topic: name}))
		streams[v] = takePieces(t, sender, 1000)
	}
	install(t, s, streams[0], 1000)
	var stop atomic.Bool
	var wrong atomic.Pointer[string]
	done := make(chan struct{})
	readers := 3
	for range readers {
		go func() {
			defer func() { done <- struct{}{} }()
			for !stop.Load() && wrong.Load() == nil {
				floor := s.Position().Seq(7)/2 - 1
				u, err := s.User(user)
				r, rerr := s.Room(room)
				if err = errors.Join(err, rerr); err != nil || atoi(u.DisplayName) < floor || atoi(r.Topic) < floor {
					msg := fmt.Sprintf("I8: at version %d: user %q, room %q, %v", floor, u.DisplayName, r.Topic, err)
					wrong.Store(&msg)
				}
			}
		}()
	}
	for _, pieces := range streams[1:] {
		install(t, s, pieces, 500+rng.IntN(1000))
	}
	stop.Store(true)
	for range readers {
		<-done
	}
	if msg := wrong.Load(); msg != nil {
		t.Fatal(*msg)
	}
}

func atoi(s string) (n uint64) {
	_, _ = fmt.Sscan(s, &n)
	return n
}
