package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
	"github.com/klatch-chat/klatch/storage/internal/durable"
)

// Check, rebuild, backup, restore, export and import hold together: each takes what another made.

const data = "data"

func options(disk vfs.FS) storage.Options {
	return storage.Options{FS: disk, Memory: 4 << 20, Reserve: -1}
}

func open(t testing.TB, disk vfs.FS) *storage.Store {
	t.Helper()
	s, err := storage.Open(data, options(disk))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func backedUp(t testing.TB, s *storage.Store) ([]byte, error) {
	t.Helper()
	var b bytes.Buffer
	src := backup.Source{Store: s, Version: "v1", Config: map[string][]byte{"settings.yaml": []byte("memory: 8MiB\n")}, Now: time.Now}
	_, err := backup.Make(t.Context(), src, backup.NewTar(&b), nil)
	return b.Bytes(), err
}

func restored(t testing.TB, stream []byte) *storage.Store {
	t.Helper()
	disk := vfs.NewMem()
	if _, _, err := backup.Restore(t.Context(), backup.OpenTar(bytes.NewReader(stream)), data, options(disk), nil); err != nil {
		t.Fatal(err)
	}
	return open(t, disk)
}

var whole = storage.ExportOptions{Everything: true, Secrets: true}

func exported(t testing.TB, s *storage.Store, o storage.ExportOptions) ([]byte, error) {
	t.Helper()
	var b bytes.Buffer
	_, err := s.Export(t.Context(), &b, o)
	return b.Bytes(), err
}

func imported(t testing.TB, file []byte) *storage.Store {
	t.Helper()
	s := open(t, vfs.NewMem())
	if _, err := s.Import(t.Context(), bytes.NewReader(file), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPass(t testing.TB, what string, s *storage.Store) {
	t.Helper()
	r, err := s.Check(t.Context(), storage.CheckOptions{})
	if err != nil || !r.OK() {
		t.Fatalf("%s does not pass: %+v, %v", what, r, err)
	}
}

func mustEqual(t testing.TB, what string, got, want *storage.Store) {
	t.Helper()
	if got, want := storage.DumpOf(t, got), storage.DumpOf(t, want); got != want {
		t.Fatalf("I3: %s differs:\n%s", what, storage.FirstDifference(want, got))
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestTogether (I2, I3): of any history, whole or half-way, what comes out of a backup, an
// export, or one of the other, passes the check and is the same to the byte, and
// the restored store goes on as the old one does.
func TestTogether(t *testing.T) {
	for seed := range uint64(storage.Histories()) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h, s := storage.NewHistory(seed), open(t, vfs.NewMem())
			for _, to := range []func(){
				func() { h.ApplyTo(t, s, h.Somewhere()) },
				func() { h.ApplyTo(t, s, h.End()) },
			} {
				to()
				stream := must[[]byte](t)(backedUp(t, s))
				file := must[[]byte](t)(exported(t, s, whole))
				back, again := restored(t, stream), imported(t, file)
				both := restored(t, must[[]byte](t)(backedUp(t, again)))
				for what, other := range map[string]*storage.Store{"a restored store": back, "an imported store": again, "a restored import": both} {
					mustPass(t, what, other)
					mustEqual(t, what, other, s)
					if other.Origin() == s.Origin() {
						t.Errorf("I2: %s has the old one's origin", what)
					}
				}
				sameExports(t, "a restored store", back, s)
				mustPass(t, "a store of what is shown", imported(t, must[[]byte](t)(exported(t, s, storage.ExportOptions{}))))
				h.ApplyTo(t, back, h.End())
				mustPass(t, "a restored store that went on", back)
			}
		})
	}
}

// sameExports compares what two stores export, in all four forms.
func sameExports(t testing.TB, what string, got, want *storage.Store) {
	t.Helper()
	for i := range 4 {
		o := storage.ExportOptions{Everything: i&1 > 0, Secrets: i&2 > 0}
		a := storage.EventLines(must[[]byte](t)(exported(t, got, o)))
		b := storage.EventLines(must[[]byte](t)(exported(t, want, o)))
		if a != b {
			t.Fatalf("I3: %s exports otherwise, %+v:\n%s", what, o, storage.FirstDifference(b, a))
		}
	}
}

// TestRebuiltExports (I3): a rebuild changes no byte of an export, nor of what a backup brings back.
func TestRebuiltExports(t *testing.T) {
	for seed := range uint64(storage.Histories()) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			disk, old := vfs.NewMem(), vfs.NewMem()
			s, h := open(t, disk), storage.NewHistory(seed)
			h.ApplyTo(t, s, h.End())
			before := restored(t, must[[]byte](t)(backedUp(t, s)))
			must[struct{}](t)(struct{}{}, s.Close())
			if ok, err := vfs.Clone(disk, old, data, data); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if r, err := storage.Rebuild(t.Context(), data, options(disk), storage.RebuildOptions{}); err != nil || len(r.Lost) > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			rebuilt := open(t, disk)
			mustPass(t, "a rebuilt store", rebuilt)
			sameExports(t, "a rebuilt store", rebuilt, open(t, old))
			mustEqual(t, "a restored store of a rebuilt one", restored(t, must[[]byte](t)(backedUp(t, rebuilt))), before)
		})
	}
}

// TestDamagedIsNotPassedOn (I2): of a damaged store a node does not start, or an export and a backup say
// what is wrong; or they do not need what is damaged, and an import of the export is what was there before,
// while the backup is a true copy: a check of what is restored finds the same.
func TestDamagedIsNotPassedOn(t *testing.T) {
	outcomes := map[string]int{}
	for _, d := range storage.Damages() {
		t.Run(d.Name, func(t *testing.T) {
			disk, before := d.Damaged(t)
			s, err := storage.Open(data, options(disk))
			if err != nil {
				mustBeNamed(t, "open", err, storage.ErrDamaged)
				outcomes["does not open"]++
				return
			}
			defer s.Close()
			file, err := exported(t, s, whole)
			switch {
			case err != nil:
				outcomes["export refused"]++
				mustBeNamed(t, "export", err, nil)
				if _, err := open(t, vfs.NewMem()).Import(t.Context(), bytes.NewReader(file), nil); err == nil {
					t.Error("what is left of the export is taken for a whole one")
				}
			case storage.EventLines(file) != storage.EventLines(before):
				t.Errorf("I2: the export ends as if all were well, and is another:\n%s", storage.FirstDifference(storage.EventLines(before), storage.EventLines(file)))
			case d.Lossy:
				t.Error("I2: the log is damaged, and the export does not say so")
			}
			stream, err := backedUp(t, s)
			if err != nil {
				outcomes["backup refused"]++
				mustBeNamed(t, "backup", err, backup.ErrStore)
				return
			}
			outcomes["backup made"]++
			copied, err := restored(t, stream).Check(t.Context(), storage.CheckOptions{})
			if err != nil || copied.Counts[d.Code] == 0 {
				t.Errorf("the check of what was restored does not find %s: %+v, %v", d.Code, copied, err)
			}
		})
	}
	t.Log(outcomes)
	for _, what := range []string{"does not open", "export refused", "backup refused", "backup made"} {
		if outcomes[what] == 0 {
			t.Errorf("never: %s", what)
		}
	}
}

// mustBeNamed checks that an error says where: an event, a message or a key.
func mustBeNamed(t testing.TB, what string, err, reason error) {
	t.Helper()
	if reason != nil && !errors.Is(err, reason) {
		t.Errorf("%s: %v is not %v", what, err, reason)
	}
	if !strings.Contains(err.Error(), "/") && !strings.Contains(err.Error(), "of the log") && !strings.Contains(err.Error(), "the log of ") && !strings.Contains(err.Error(), "key") {
		t.Errorf("%s does not say where: %v", what, err)
	}
}

// TestFlippedIsNotPassedOn (I1): wherever a bit of a table turns, what would take it along names the
// table; what does not is whole.
func TestFlippedIsNotPassedOn(t *testing.T) {
	refused, made := 0, 0
	storage.FlippedTables(t, 20, func(disk vfs.FS, table string) {
		s, err := storage.Open(data, options(disk))
		if err != nil {
			mustNameTable(t, "open", err, table)
			refused++
			return
		}
		defer s.Close()
		for what, does := range map[string]func() ([]byte, error){
			"backup": func() ([]byte, error) { return backedUp(t, s) },
			"export": func() ([]byte, error) { return exported(t, s, whole) },
		} {
			b, err := does()
			if err != nil {
				mustNameTable(t, what, err, table)
				refused++
				continue
			}
			made++
			if what == "backup" {
				mustPass(t, "what is restored from a table with a flipped bit", restored(t, b))
			} else {
				mustPass(t, "what is imported from a table with a flipped bit", imported(t, b))
			}
		}
	})
	t.Logf("%d refused, %d made", refused, made)
	if refused < 20 {
		t.Error("the test attacks nothing")
	}
}

func mustNameTable(t testing.TB, what string, err error, table string) {
	t.Helper()
	if number := strings.TrimSuffix(table, ".sst"); !strings.Contains(err.Error(), number) {
		t.Errorf("%s does not name %s: %v", what, table, err)
	}
}

// TestEveryDamagedFileIsNamed: of a backup of which all files are damaged each is named, and no other;
// of one that lacks some, those.
func TestEveryDamagedFileIsNamed(t *testing.T) {
	s, h := open(t, vfs.NewMem()), storage.NewHistory(1)
	h.ApplyTo(t, s, h.End())
	disk := vfs.NewMem()
	d := must[*backup.Directory](t)(backup.NewDirectory(disk, "backup"))
	src := backup.Source{Store: s, Version: "v1", Config: map[string][]byte{"settings.yaml": []byte("x"), "file.yaml": []byte("y")}, Now: time.Now}
	sum := must[backup.Summary](t)(backup.Make(t.Context(), src, d, nil))
	if len(sum.Files) < 3 {
		t.Fatalf("%+v", sum.Files)
	}
	rng := rand.New(rand.NewPCG(1, 51))
	for set := 1; set < 1<<len(sum.Files); set++ {
		for _, cut := range []bool{false, true} {
			spoilt := vfs.NewMem()
			if ok, err := vfs.Clone(disk, spoilt, "backup", "backup"); !ok || err != nil {
				t.Fatal(ok, err)
			}
			var want []string
			for i, f := range sum.Files {
				if set>>i&1 == 0 {
					continue
				}
				want = append(want, f.Name)
				path := spoilt.PathJoin("backup", f.Name)
				if cut {
					must[struct{}](t)(struct{}{}, spoilt.Remove(path))
				} else {
					flipIn(t, spoilt, path, rng)
				}
			}
			a := must[backup.Archive](t)(backup.OpenDirectory(spoilt, "backup"))
			_, err := backup.Verify(t.Context(), a, nil)
			var damage *backup.DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("of %v: %v", want, err)
			}
			var got []string
			for _, p := range damage.Problems {
				got = append(got, p.Part)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("damaged are %v, named %v", want, got)
			}
		}
	}
}

// flipIn turns a bit of a file.
func flipIn(t testing.TB, disk vfs.FS, path string, rng *rand.Rand) {
	t.Helper()
	f := must[vfs.File](t)(disk.Open(path))
	b := must[[]byte](t)(io.ReadAll(f))
	f.Close()
	b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
	f = must[vfs.File](t)(disk.Create(path, vfs.WriteCategoryUnspecified))
	_ = must[int](t)(f.Write(b))
	must[struct{}](t)(struct{}{}, f.Close())
}

// TestTogetherCrash (I1, I2): power fails somewhere while a store is filled, and then while it is
// restored from a backup of what was left, or rebuilt. Each time what opens passes the check and
// is what was there, to the byte.
func TestTogetherCrash(t *testing.T) {
	rebuilds, restores := 0, 0
	for round := range storage.Rounds() {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(round), 52))
			survivor := crashed(vfs.NewMem(), rng, 200, func(disk vfs.FS) {
				s, h := open(t, disk), storage.NewHistory(uint64(round))
				h.ApplyTo(t, s, h.End())
				must[struct{}](t)(struct{}{}, s.Close())
			})
			s := open(t, survivor)
			mustPass(t, "what a crash left", s)
			want, stream := storage.DumpOf(t, s), must[[]byte](t)(backedUp(t, s))
			must[struct{}](t)(struct{}{}, s.Close())
			if round%2 == 0 {
				rebuilt := open(t, crashed(survivor, rng, 60, func(disk vfs.FS) {
					_ = must[storage.RebuildReport](t)(storage.Rebuild(t.Context(), data, options(disk), storage.RebuildOptions{}))
				}))
				mustPass(t, "what a crash of a rebuild left", rebuilt)
				if got := storage.DumpOf(t, rebuilt); got != want {
					t.Fatalf("I1: %s\n%v", storage.FirstDifference(want, got), rebuilt.Position())
				}
				rebuilds++
				return
			}
			left := crashed(vfs.NewMem(), rng, 150, func(disk vfs.FS) {
				if _, _, err := backup.Restore(context.Background(), backup.OpenTar(bytes.NewReader(stream)), data, options(disk), nil); err != nil {
					t.Fatal(err)
				}
			})
			if there, err := storage.Exists(data, left); !there && err == nil {
				return
			}
			back, err := storage.Open(data, options(left))
			if errors.Is(err, storage.ErrUnfinished) {
				unfinishedStays(t, left)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			mustPass(t, "what a crash of a restore left", back)
			if got := storage.DumpOf(t, back); got != want {
				t.Fatalf("I1: %s", storage.FirstDifference(want, got))
			}
			restores++
		})
	}
	t.Logf("%d rebuilds, %d restores that were finished", rebuilds, restores)
	if rebuilds == 0 {
		t.Error("the test attacks nothing")
	}
}

// unfinishedStays: neither a check nor a rebuild makes a store of half a restore.
func unfinishedStays(t *testing.T, disk vfs.FS) {
	t.Helper()
	if _, err := storage.Check(t.Context(), data, options(disk), storage.CheckOptions{}); !errors.Is(err, storage.ErrUnfinished) {
		t.Errorf("I1: a check of half a restore: %v", err)
	}
	if _, err := storage.Rebuild(t.Context(), data, options(disk), storage.RebuildOptions{Lose: true}); !errors.Is(err, storage.ErrUnfinished) {
		t.Errorf("I1: a rebuild of half a restore: %v", err)
	}
}

// crashed copies a disk, does something to the copy, and returns what is left when power fails before one of the
// first writes, or right after the last.
func crashed(from vfs.FS, rng *rand.Rand, first int, do func(vfs.FS)) vfs.FS {
	mem := vfs.NewCrashableMem()
	if _, err := from.Stat(data); err == nil {
		_, err := vfs.Clone(from, mem, data, data, vfs.CloneSync)
		if err = errors.Join(err, durable.SyncDir(mem, "")); err != nil {
			panic(err)
		}
	}
	at, ops := int64(1+rng.IntN(first)), atomic.Int64{}
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng}
	var left atomic.Pointer[vfs.MemFS]
	do(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && ops.Add(1) == at {
			left.Store(mem.CrashClone(cfg))
		}
		return nil
	})))
	if clone := left.Load(); clone != nil {
		return clone
	}
	return mem.CrashClone(cfg)
}
