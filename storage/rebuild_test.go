package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// hurt takes a user, a name and a pointer of the log away: a rebuild brings them back.
func hurt(p *patient) {
	p.drop(kindUser, nil)
	p.drop(kindName, nil)
	p.drop(kindLog, p.middle(isPointer))
}

// TestRebuildCrash (I1): power fails at any write of a rebuild, the last ones all and of
// those before them some. What is left is the damaged store or the rebuilt one, and either can be rebuilt.
func TestRebuildCrash(t *testing.T) {
	_, _, total := rebuildCrashing(t, 0)
	points, news := 0, 0
	for n := int64(1); n <= total; n++ {
		if n < total-40 && n%8 != 0 || n%slow != 0 {
			continue
		}
		points++
		p, damaged, _ := rebuildCrashing(t, n)
		p.open()
		got := dumpOf(t, p.s)
		if names, err := p.fs.List(p.dir); err != nil || strings.Contains(strings.Join(names, " "), seedPrefix) {
			t.Fatalf("files are left: %v, %v", names, err)
		}
		p.close()
		switch got {
		case p.dump:
			news++
		case damaged:
			if r, err := p.rebuild(false); err != nil || r.Recovered != 1 {
				t.Fatal(r, err)
			}
		default:
			t.Fatalf("I1: neither before nor after:\n%s\n%s", firstDifference(damaged, got), firstDifference(p.dump, got))
		}
		if n%5 == 0 {
			p.healthy(p.dump)
		}
	}
	t.Logf("%d points of %d, %d with the rebuilt store", points, total, news)
	if points < 20/slow || news < 4/slow || news > points-4/slow {
		t.Error("too few points: the test attacks nothing")
	}
}

// rebuildCrashing rebuilds, with a power failure before the n-th write. The patient is
// what that leaves.
func rebuildCrashing(t *testing.T, n int64) (p *patient, damaged string, writes int64) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 40, 100}[n%3], RNG: rand.New(rand.NewPCG(43, uint64(n)))}
	p = newPatient(t, mem, "data")
	hurt(p)
	damaged = dumpOf(t, p.s)
	p.close()
	var count atomic.Int64
	var left atomic.Pointer[vfs.MemFS]
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && count.Add(1) == n {
			left.Store(mem.CrashClone(cfg))
		}
		return nil
	}))
	if _, err := Rebuild(t.Context(), p.dir, Options{FS: fs}, RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	if clone := left.Load(); clone != nil {
		p.fs = clone
	} else {
		p.fs = mem.CrashClone(cfg) // right after its end
	}
	return p, damaged, count.Load()
}

// TestRebuildDiskErrors (I1): a write fails, once or all from then on, after all has been derived. With an
// error all is as it was.
func TestRebuildDiskErrors(t *testing.T) {
	failures := 0
	for n := int64(1); ; n += 1 + n/20*slow {
		reached := false
		for _, ever := range []bool{false, true} {
			ops, err := rebuildFailing(t, n, ever)
			reached = reached || ops >= n
			if err != nil {
				failures++
			}
		}
		if !reached {
			break
		}
	}
	if failures < 10 {
		t.Errorf("%d failures: the test attacks nothing", failures)
	}
}

// rebuildFailing has the n-th write fail since the new tables were begun.
func rebuildFailing(t *testing.T, n int64, ever bool) (ops int64, failed error) {
	t.Helper()
	mem := vfs.NewMem()
	p := newPatient(t, mem, "data")
	hurt(p)
	damaged := dumpOf(t, p.s)
	p.close()
	var count atomic.Int64
	var begun atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, seedPrefix+"rebuild") && op.Kind == errorfs.OpMkdirAll {
			begun.Store(true)
		}
		if !begun.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpGetDiskUsage {
			return nil
		}
		if at := count.Add(1); at == n || (ever && at > n) {
			return syscall.EIO
		}
		return nil
	}))
	_, failed = Rebuild(t.Context(), p.dir, Options{FS: fs}, RebuildOptions{})
	p.open()
	got := dumpOf(t, p.s)
	p.close()
	if got != p.dump && (failed == nil || got != damaged) {
		t.Fatalf("I1: after %v:\n%s", failed, firstDifference(p.dump, got))
	}
	return count.Load(), failed
}

// TestRebuildDry changes nothing, and says what would be lost.
func TestRebuildDry(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	p.drop(kindLog, p.middle(isInline))
	before := dumpOf(t, p.s)
	p.close()
	r, err := Rebuild(t.Context(), p.dir, Options{FS: p.fs}, RebuildOptions{Dry: true, Lose: true})
	if err != nil || len(r.Lost) != 1 || r.Lost[0].Code != CodeLogGap || r.NewNode != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	p.open()
	defer p.close()
	if got := dumpOf(t, p.s); got != before {
		t.Fatal(firstDifference(before, got))
	}
}

// TestRebuildWithoutIdentity: what only a backup has is not made up.
func TestRebuildWithoutIdentity(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	p.del(localKey(localOrigin))
	if r := p.check(CodeLocal); r.Unmendable != 1 {
		t.Fatalf("%+v", r)
	}
	if _, err := p.rebuild(true); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

// TestRebuildKeepsOwn: the node's own values are as they were, and its origin too.
func TestRebuildKeepsOwn(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	if err := p.s.SetLocal("key", []byte("value")); err != nil {
		t.Fatal(err)
	}
	own := p.s.origin
	p.close()
	if r, err := p.rebuild(false); err != nil || r.NewNode != "" {
		t.Fatal(r, err)
	}
	p.open()
	defer p.close()
	if v, err := p.s.Local("key"); err != nil || string(v) != "value" || p.s.origin != own {
		t.Fatalf("%q, %v, origin %s", v, err, p.s.origin)
	}
}

// TestRebuildUncertainEnd (I2): where the position of the node's own log is lost, nobody
// can say whether its end is there.
func TestRebuildUncertainEnd(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	own := p.s.origin
	p.del(originKey(kindPosition, own))
	p.del(logKey(own, p.at.Seq(own)))
	p.close()
	r, err := p.rebuild(true)
	p.open()
	defer p.close()
	if err != nil || r.NewNode == "" || p.s.origin == own || p.s.origin.String() != r.NewNode {
		t.Fatalf("I2: %+v, %v: the node was %s and is %s", r, err, own, p.s.origin)
	}
}

// TestRebuildInUse: a node that runs keeps its store.
func TestRebuildInUse(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Rebuild(t.Context(), dir, Options{}, RebuildOptions{}); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	if _, err := Check(t.Context(), dir, Options{}, CheckOptions{}); !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
}

// TestDamageViewTable: a file with nothing but views is damaged. All of it comes back.
func TestDamageViewTable(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	if _, err := p.s.Compact(t.Context(), nil); err != nil { // no compaction has reason to take the new table away
		t.Fatal(err)
	}
	for _, kind := range []byte{kindRoomMember, kindUserRoom, kindReply} {
		if err := p.s.scan([]byte{kind}, func(k key, v []byte) error { p.set(k.build(), append([]byte(nil), v...)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	levels, err := p.s.db.SSTables()
	if err != nil || len(levels[0]) != 1 {
		t.Fatal(levels, err)
	}
	name := tableOf(&levels[0][0]).name
	p.close()
	flip(t, p.fs, p.fs.PathJoin(p.dir, name), 40)
	r, err := Check(t.Context(), p.dir, Options{FS: p.fs}, CheckOptions{})
	if f := firstOf(r, CodeTableDamaged); err != nil || f.Key != name || !f.Mendable || r.Complete {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err := p.rebuild(false); err != nil || len(r.Lost) > 0 || r.NewNode != "" {
		t.Fatal(r, err)
	}
	p.healthy(p.dump)
}

// TestDamageFiles: a file that is cut or gone is named, by the check or by what opens the store for it.
func TestDamageFiles(t *testing.T) {
	for _, gone := range []bool{false, true} {
		p := newPatient(t, vfs.NewMem(), "data")
		path := p.largestTable()
		p.close()
		if gone {
			if err := p.fs.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			b := contents(t, p.fs, path)
			write(t, p.fs, path, b[:len(b)/2])
		}
		r, err := Check(t.Context(), p.dir, Options{FS: p.fs}, CheckOptions{})
		named := err != nil && errors.Is(err, ErrDamaged) && strings.Contains(err.Error(), strings.TrimSuffix(p.fs.PathBase(path), ".sst"))
		if !named && r.Counts[CodeTableDamaged]+r.Counts[CodeTableMissing] == 0 {
			t.Errorf("gone %v: %+v, %v", gone, r, err)
		}
	}
}

// TestRebuildCancelled ends early, and changes nothing.
func TestRebuildCancelled(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	p.close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Rebuild(ctx, p.dir, Options{FS: p.fs}, RebuildOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.healthy(p.dump)
}

// TestRebuildFormat: a store of another format is not this version's to rebuild.
func TestRebuildFormat(t *testing.T) {
	p := newPatient(t, vfs.NewMem(), "data")
	if err := p.s.db.Set(localKey(localFormat), binary.AppendUvarint(nil, formatVersion+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	p.close()
	if _, err := p.rebuild(true); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}
