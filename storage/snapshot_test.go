package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/engine"
)

// openAs opens a store; a new one is of this origin.
func openAs(t testing.TB, fs vfs.FS, o engine.Origin, unknown func(engine.Kind) bool) *Store {
	t.Helper()
	s, err := Open("data", Options{
		FS: fs, Memory: minMemory, unknown: unknown,
		Rand: bytes.NewReader(binary.BigEndian.AppendUint64(nil, uint64(o))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// apply appends a world's events up to a position, in random order, as a store
// that has them from the wire: not decoded.
func apply(t testing.TB, s *Store, w *world, target engine.Position, rng *rand.Rand) {
	t.Helper()
	for !s.Position().Covers(target) {
		tx, err := s.Begin()
		if err != nil {
			t.Fatal(err)
		}
		pos := s.Position()
		for range 1 + rng.IntN(40) {
			o := w.origins[rng.IntN(len(w.origins))]
			seq := pos.Seq(o)
			if seq >= target.Seq(o) {
				continue
			}
			e := *w.logs[o][seq]
			e.Payload = nil
			if applied, _, err := tx.Append(&e); err != nil || !applied {
				t.Fatalf("append %s/%d: %v, %v", o, e.Seq, applied, err)
			}
			pos = pos.With(o, seq+1)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func dumpOf(t testing.TB, s *Store) string {
	t.Helper()
	return (&node{t: t, s: s}).dump()
}

// dumpAt is what a store with exactly these events shows.
func dumpAt(t testing.TB, w *world, pos engine.Position) string {
	t.Helper()
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	apply(t, s, w, pos, rand.New(rand.NewPCG(1, 1)))
	return dumpOf(t, s)
}

// readPieces reads a snapshot to its end, in pieces of a size, and closes it.
func readPieces(t testing.TB, snap engine.Snapshot, size int) (pieces [][]byte) {
	t.Helper()
	snap.(*snapshot).size = size
	for {
		p, err := snap.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, bytes.Clone(p))
	}
	if err := errors.Join(snap.Close(), snap.Close()); err != nil {
		t.Fatal(err)
	}
	return pieces
}

func takePieces(t testing.TB, s *Store, size int) [][]byte {
	t.Helper()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return readPieces(t, snap, size)
}

// newSeed begins a seed with small tables, so that there are several.
func newSeed(t testing.TB, s *Store, table int) *seed {
	t.Helper()
	got, err := s.Seed()
	if err != nil {
		t.Fatal(err)
	}
	d := got.(*seed)
	d.tables.limit = table
	return d
}

// writeAll hands pieces to a seed until the first error.
func writeAll(d engine.Seed, pieces [][]byte) error {
	for _, p := range pieces {
		if err := d.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func install(t testing.TB, s *Store, pieces [][]byte, table int) {
	t.Helper()
	d := newSeed(t, s, table)
	defer d.Discard()
	if err := errors.Join(writeAll(d, pieces), d.Install()); err != nil {
		t.Fatal(err)
	}
}

// checkSettled checks that nothing of an installation is left to be done.
func checkSettled(t testing.TB, s *Store) {
	t.Helper()
	err := s.scan(append([]byte{kindLocal}, localCarried...), func(k key, _ []byte) error {
		return fmt.Errorf("a note is left: %s", &k)
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := seedFiles(t, s.guard); len(left) > 0 {
		t.Fatalf("files are left: %v", left)
	}
}

// checkStamps checks that the store remembers the last stamp of each origin.
func checkStamps(t testing.TB, s *Store, w *world) {
	t.Helper()
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Discard()
	for o, seq := range s.Position().All() {
		e := &engine.Event{Origin: o, Seq: seq + 1, Stamp: w.logs[o][seq-1].Stamp, Kind: 200}
		if applied, _, err := tx.Append(e); applied || !errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) {
			t.Fatalf("I2: an event that is not later than the one before it: %v, %v", applied, err)
		}
	}
}

// randomPosition is one between two.
func randomPosition(w *world, from, to engine.Position, rng *rand.Rand) (pos engine.Position) {
	for _, o := range w.origins {
		pos = pos.With(o, from.Seq(o)+rng.Uint64N(to.Seq(o)-from.Seq(o)+1))
	}
	return pos
}

// TestSeedModel (I2, I3): a store that has some of the events, and some of its
// own that nobody else has, is seeded from a store that has more. It is then the same to the
// byte as one that has applied every event of both, before and after it opens
// again, answers as the oracle does, and takes the rest of the log.
func TestSeedModel(t *testing.T) {
	for round := range max(*histories/4, 10) {
		t.Run(fmt.Sprint(round), func(t *testing.T) { seedHistory(t, uint64(round)) })
	}
}

func seedHistory(t *testing.T, number uint64) {
	rng := rand.New(rand.NewPCG(number, 20))
	w := newWorld(number, 3, 40+rng.IntN(120), 0)
	own := w.origins[0]
	sent := randomPosition(w, engine.Position{}, w.end(), rng)
	had := randomPosition(w, engine.Position{}, sent, rng)
	if number%3 == 0 { // a new node: nothing but a few events of its own
		had = engine.Position{}
	}
	had = had.With(own, max(had.Seq(own), rng.Uint64N(w.end().Seq(own)+1)))
	want := sent.Merge(had)

	sender, mem := openMem(t, vfs.NewMem()), vfs.NewMem()
	defer sender.Close()
	apply(t, sender, w, sent, rng)
	s := openAs(t, mem, own, nil)
	apply(t, s, w, had, rng)
	if rng.IntN(2) == 0 {
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetLocal("key", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	(&check{t: t, s: s, o: newOracle(w.upTo(had)), w: w, rng: rng}).all() // fills the caches
	install(t, s, takePieces(t, sender, 100+rng.IntN(8000)), 500+rng.IntN(8000))
	for range 2 {
		checkSettled(t, s)
		if !s.Position().Equal(want) {
			t.Fatalf("I2: the position is not what both had")
		}
		if got, want := dumpOf(t, s), dumpAt(t, w, want); got != want {
			t.Fatalf("I3: differs from a store that has applied all:\n%s", firstDifference(want, got))
		}
		(&check{t: t, s: s, o: newOracle(w.upTo(want)), w: w, rng: rng}).all()
		(&node{t: t, s: s, w: w, rng: rng}).checkLog(want)
		checkStamps(t, s, w)
		if v, err := s.Local("key"); err != nil || string(v) != "mine" || s.Origin() != own {
			t.Fatal("the node's own values are gone", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openMem(t, mem)
	}
	defer s.Close()
	apply(t, s, w, w.end(), rng)
	if got, want := dumpOf(t, s), dumpAt(t, w, w.end()); got != want {
		t.Fatalf("I3: differs after the rest:\n%s", firstDifference(want, got))
	}
}

// TestSnapshotStands (I3): an open snapshot stays what it was while batches and
// a whole installation go on.
func TestSnapshotStands(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 21))
	w := newWorld(1, 3, 400, 200)
	middle := randomPosition(w, engine.Position{}, w.end(), rng)
	s, full, other := openMem(t, vfs.NewMem()), openMem(t, vfs.NewMem()), openMem(t, vfs.NewMem())
	defer s.Close()
	defer full.Close()
	defer other.Close()
	apply(t, s, w, middle, rng)
	apply(t, full, w, w.end(), rng)
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, w, randomPosition(w, middle, w.end(), rng), rng)
	install(t, s, takePieces(t, full, 5000), 20_000)
	if err := s.db.Compact(t.Context(), firstKey, endOfKeys, false); err != nil {
		t.Fatal(err)
	}
	if !snap.Position().Equal(middle) {
		t.Fatal("the snapshot's position has moved")
	}
	install(t, other, readPieces(t, snap, 5000), 20_000)
	if got, want := dumpOf(t, other), dumpAt(t, w, middle); got != want {
		t.Fatalf("I3: the snapshot has changed:\n%s", firstDifference(want, got))
	}
	if got, want := dumpOf(t, s), dumpAt(t, w, w.end()); got != want {
		t.Fatalf("I3: differs after installing under a snapshot:\n%s", firstDifference(want, got))
	}
}

// TestSnapshotSynced (I1, I2): what is visible but not synced is in no snapshot.
// The disk holds a commit's sync until the snapshot has been asked for, and then fails it.
func TestSnapshotSynced(t *testing.T) {
	release, holding := make(chan struct{}), atomic.Bool{}
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if holding.Load() && isJournal(op.Path) && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			<-release
			return syscall.EIO
		}
		return nil
	}))
	s := openMem(t, fs)
	defer s.Close()
	p := newPoster(s)
	p.batch(t, 1)
	holding.Store(true)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	e := p.next()
	if _, _, err := tx.Append(e); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	go func() { committed <- tx.Commit() }()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		if m, err := s.Message(e.Room, e.ID(), engine.ID{}); err == nil && m.ID == e.ID() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the message never became visible")
		}
	}
	taken := make(chan error, 1)
	go func() {
		snap, err := s.Snapshot()
		if err == nil {
			if snap.Position().Seq(s.Origin()) != 1 {
				err = errors.New("I2: a snapshot has what was never synced")
			}
			err = errors.Join(err, snap.Close())
		} else if errors.Is(err, engine.ErrUnavailable) {
			err = nil
		}
		taken <- err
	}()
	for len(taken) == 0 && s.db.Metrics().Snapshots.Count < 2 { // the commit's own is one
		runtime.Gosched()
	}
	close(release)
	if err := <-committed; !errors.Is(err, engine.ErrUnavailable) {
		t.Fatalf("I1: acknowledged without a sync: %v", err)
	}
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(); !errors.Is(err, engine.ErrUnavailable) {
		t.Fatalf("a failed store gives a snapshot: %v", err)
	}
}

// TestSeedMemory (I6): sending and taking a large store needs memory for a few pieces and a table.
func TestSeedMemory(t *testing.T) {
	const bound = 8 << 20
	open := func() *Store {
		s, err := Open(t.TempDir(), Options{Memory: minMemory})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	sender, s := open(), open()
	defer sender.Close()
	defer s.Close()
	fill(t, sender, 200_000/slow)
	if err := sender.db.Compact(t.Context(), firstKey, endOfKeys, false); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools keep what they hold for one more
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	snap, err := sender.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	d, err := s.Seed()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Discard()
	start, most, sent, n := heap(), uint64(0), 0, 0
	for {
		p, err := snap.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(p) > pieceSize+1024 {
			t.Fatalf("a piece of %d bytes", len(p))
		}
		if err := d.Write(p); err != nil {
			t.Fatal(err)
		}
		sent += len(p)
		if n++; n%20 == 0 {
			most = max(most, heap())
		}
	}
	if err := d.Install(); err != nil {
		t.Fatal(err)
	}
	most = max(most, heap())
	t.Logf("%d pieces of %d KiB in all; the heap grew by %d KiB at most", n, sent>>10, (int64(most)-int64(start))>>10)
	if most > start+bound {
		t.Errorf("I6: the heap grew by %d bytes", most-start)
	}
	if !s.Position().Covers(sender.Position()) {
		t.Error("I2: events are missing")
	}
}
