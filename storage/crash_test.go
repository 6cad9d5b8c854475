package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/engine"
)

const crashPad = 3000 // bytes of body: enough for a few flushes and compactions a history

// committed follows what a store has acknowledged.
type committed struct {
	mu  sync.Mutex
	pos engine.Position
}

func (c *committed) set(p engine.Position) { c.mu.Lock(); c.pos = p; c.mu.Unlock() }

func (c *committed) get() engine.Position { c.mu.Lock(); defer c.mu.Unlock(); return c.pos }

// feed appends a world to a store until its end or the first error of Begin or
// Commit, and notes each acknowledged position.
func feed(t testing.TB, s *Store, w *world, rng *rand.Rand, acked *committed) error {
	n := &node{t: t, s: s, w: w, rng: rng}
	for target := w.end(); !s.Position().Covers(target); {
		tx, err := s.Begin()
		if err != nil {
			return err
		}
		pos := s.Position()
		for range 1 + rng.IntN(15) {
			o := w.origins[rng.IntN(len(w.origins))]
			if seq := pos.Seq(o); seq < target.Seq(o) {
				e := *w.logs[o][seq]
				if _, _, err := tx.Append(&e); err != nil {
					tx.Discard()
					return err
				}
				pos = pos.With(o, seq+1)
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		if !s.Position().Equal(pos) {
			n.t.Fatal("I1: acknowledged, but not in the position")
		}
		acked.set(pos)
	}
	return nil
}

// checkSurvivor opens what is left of a store and checks that everything
// acknowledged is there, whole, and that the views are what the log says.
func checkSurvivor(t *testing.T, fs vfs.FS, w *world, acked engine.Position) {
	t.Helper()
	s, err := Open("data", Options{FS: fs, Memory: minMemory})
	if err != nil {
		t.Fatalf("I1: does not open again: %v", err)
	}
	defer s.Close()
	if !s.Position().Covers(acked) {
		t.Fatalf("I1: lost %d acknowledged events", acked.Behind(s.Position()))
	}
	n := &node{t: t, s: s, w: w, rng: rand.New(rand.NewPCG(1, 1))}
	n.checkLog(s.Position())
	if got, want := n.dump(), replay(t, s); got != want {
		t.Fatalf("I1: views are not what the log says:\n%s", firstDifference(want, got))
	}
	// It goes on from here.
	n.applyTo(w.end())
}

// replay appends a store's log to an empty one and dumps that.
func replay(t testing.TB, s *Store) string {
	t.Helper()
	fresh := openMem(t, vfs.NewMem())
	defer fresh.Close()
	tx, err := fresh.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for o, last := range s.Position().All() {
		for entry, err := range s.Events(o, 0, last) {
			if err != nil {
				t.Fatal(err)
			}
			e, err := entry.Load()
			if err != nil {
				t.Fatal(err)
			}
			if applied, _, err := tx.Append(e); err != nil || !applied {
				t.Fatal(applied, err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return (&node{t: t, s: fresh}).dump()
}

// TestCrash (I1): power fails between any two operations on the file system,
// also in the middle of a commit, a flush or a compaction; of what was not
// synced a random part survives.
func TestCrash(t *testing.T) {
	for round := range *rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(round), 3))
			w := newWorld(uint64(round), 3, 250, crashPad)
			mem := vfs.NewCrashableMem()
			var acked, atCrash committed
			var clone atomic.Pointer[vfs.MemFS]
			var armed atomic.Bool
			at, ops := int64(1+rng.IntN(220)), atomic.Int64{}
			cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 30, 100}[round%3], RNG: rand.New(rand.NewPCG(uint64(round), 4))}
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if armed.Load() && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && ops.Add(1) == at {
					atCrash.set(acked.get())
					clone.Store(mem.CrashClone(cfg))
				}
				return nil
			}))
			s := openMem(t, fs)
			armed.Store(true)
			if err := feed(t, s, w, rng, &acked); err != nil {
				t.Fatal(err)
			}
			armed.Store(false)
			if clone.Load() == nil {
				atCrash.set(acked.get())
				clone.Store(mem.CrashClone(cfg))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			checkSurvivor(t, clone.Load(), w, atCrash.get())
		})
	}
}

// TestDiskErrors (I1): the disk fails at some write, once or from then on. No
// commit is acknowledged that is not there afterwards, the process lives, the
// store still answers with exactly what it acknowledged, and Close returns.
func TestDiskErrors(t *testing.T) {
	failures := 0
	for round := range *rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(round), 5))
			w := newWorld(uint64(round), 3, 250, crashPad)
			mem := vfs.NewCrashableMem()
			var armed atomic.Bool
			at, ops := int64(1+rng.IntN(180)), atomic.Int64{}
			ever := round%2 == 0
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpGetDiskUsage {
					return nil
				}
				if n := ops.Add(1); n == at || (ever && n > at) {
					return syscall.EIO
				}
				return nil
			}))
			s := openMem(t, fs)
			armed.Store(true)
			var acked committed
			if err := feed(t, s, w, rng, &acked); err != nil {
				failures++
				if !errors.Is(err, engine.ErrUnavailable) {
					t.Fatalf("I1: %v is not matched by ErrUnavailable", err)
				}
				checkFailed(t, s, w, acked.get())
			}
			if err := s.Close(); err != nil && !ever {
				t.Fatal(err)
			}
			armed.Store(false)
			cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng}
			checkSurvivor(t, mem.CrashClone(cfg), w, acked.get())
			checkSurvivor(t, mem, w, acked.get())
		})
	}
	if failures < *rounds/4 {
		t.Fatalf("only %d rounds failed: the test attacks nothing", failures)
	}
}

// checkFailed checks a store whose disk has failed: it shows what was
// acknowledged, no more and no less.
func checkFailed(t *testing.T, s *Store, w *world, acked engine.Position) {
	t.Helper()
	if !s.Position().Equal(acked) {
		t.Fatal("I1: the position has moved without an acknowledgement")
	}
	if s.guard.tripped() {
		if _, err := s.Begin(); !errors.Is(err, engine.ErrUnavailable) {
			t.Fatalf("I1: a failed store takes a batch: %v", err)
		}
		if err := s.SetLocal("x", nil); !errors.Is(err, engine.ErrUnavailable) {
			t.Fatalf("I1: a failed store takes a value: %v", err)
		}
		if !s.Metrics().Failed {
			t.Fatal("a failed store does not say so")
		}
	}
	var b bytes.Buffer
	if err := s.Dump(&b); err != nil {
		t.Fatal(err)
	}
	if want := replay(t, s); b.String() != want {
		t.Fatalf("I1: shows what it has not acknowledged:\n%s", firstDifference(want, b.String()))
	}
	(&check{t: t, s: s, o: newOracle(w.upTo(acked)), w: w, rng: rand.New(rand.NewPCG(1, 2))}).all()
}
