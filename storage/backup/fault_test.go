package backup

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/storage"
)

// writes wraps a file system, and calls before each of its writes.
func writes(disk vfs.FS, before func(n int64) error) vfs.FS {
	var n atomic.Int64
	return errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpGetDiskUsage {
			return nil
		}
		return before(n.Add(1))
	}))
}

// crashedAt is what is left of the disk when power fails before its n-th write; nil if there was none.
func crashedAt(n int64, do func(vfs.FS)) *vfs.MemFS {
	mem := vfs.NewCrashableMem()
	cfg := vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 40, 100}[n%3], RNG: rand.New(rand.NewPCG(1, uint64(n)))}
	var clone atomic.Pointer[vfs.MemFS]
	do(writes(mem, func(at int64) error {
		if at == n {
			clone.Store(mem.CrashClone(cfg))
		}
		return nil
	}))
	return clone.Load()
}

// TestMakeCrash (I1): power fails at every point of making a backup. What is left
// is refused, or whole.
func TestMakeCrash(t *testing.T) {
	n := openNode(t, vfs.NewMem(), "data")
	chat(n)
	whole, points := 0, 0
	for at := int64(1); ; at++ {
		var made Summary
		left := crashedAt(at, func(disk vfs.FS) {
			d, err := NewDirectory(disk, "/a/backup")
			if err != nil {
				t.Fatal(err)
			}
			made = makeSmall(t, n, d)
		})
		if left == nil {
			break
		}
		points++
		a, err := OpenDirectory(left, "/a/backup")
		if err != nil {
			continue // not even the directory
		}
		sum, err := Verify(t.Context(), a, nil)
		if err == nil {
			if whole++; sum.SHA256 != made.SHA256 {
				t.Fatal("another backup")
			}
			continue
		}
		mustName(t, err, manifestName)
	}
	t.Logf("%d points, %d whole", points, whole)
	if points < 20 || whole == 0 || whole == points {
		t.Error("the test attacks nothing")
	}
}

// TestMadeIsOnDisk (I1): power fails right after Make has returned.
func TestMadeIsOnDisk(t *testing.T) {
	n := openNode(t, vfs.NewMem(), "data")
	chat(n)
	mem := vfs.NewCrashableMem()
	d, err := NewDirectory(mem, "/a/backup")
	if err != nil {
		t.Fatal(err)
	}
	makeSmall(t, n, d)
	if _, err := verifyDirectory(t, mem.CrashClone(vfs.CrashCloneCfg{}), "/a/backup"); err != nil {
		t.Errorf("I1: %v", err)
	}
}

// TestMakeDiskFull: the disk is full at every write. The backup is refused in
// words, leaves nothing behind, and the node goes on.
func TestMakeDiskFull(t *testing.T) {
	n := openNode(t, vfs.NewMem(), "data")
	who, _, room := chat(n)
	failures := 0
	for at := int64(1); ; at++ {
		mem := vfs.NewMem()
		var full atomic.Bool
		disk := writes(mem, func(i int64) error {
			if i == at {
				full.Store(true)
				return syscall.ENOSPC
			}
			return nil
		})
		d, err := NewDirectory(disk, "/backup")
		if err == nil {
			m := newMaking(t.Context(), source(n), d, nil)
			m.fileSize = 100 << 10
			_, err = m.make(source(n))
		}
		if !full.Load() {
			break
		}
		failures++
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("write %d: %v", at, err)
		}
		if names := left(t, mem, "/"); len(names) > 0 {
			t.Fatalf("write %d: %v is left", at, names)
		}
	}
	if failures < 20 {
		t.Errorf("only %d failures: the test attacks nothing", failures)
	}
	n.post(who, room, "goes on")
}

// TestRestoreCrash (I1): power fails at every point of a restore. What is left is
// nothing, or refused as unfinished, or whole; never a node that lacks something.
func TestRestoreCrash(t *testing.T) {
	n, k := backedUp(t)
	want, position, b := dump(t, n.store), n.store.Position(), k.tar(t)
	outcomes := map[string]int{}
	for at := int64(1); ; at += slow {
		left := crashedAt(at, func(disk vfs.FS) {
			if _, _, err := restoreTar(b, disk, "/a/data"); err != nil {
				t.Fatal(err)
			}
		})
		if left == nil {
			break
		}
		outcomes[outcome(t, left, want)]++
	}
	t.Log(outcomes)
	if outcomes["nothing"] == 0 || outcomes["unfinished"] < 100/slow {
		t.Error("the test attacks nothing")
	}
	mem := vfs.NewCrashableMem()
	if _, _, err := restoreTar(b, mem, "/a/data"); err != nil {
		t.Fatal(err)
	}
	if got := outcome(t, mem.CrashClone(vfs.CrashCloneCfg{}), want); got != "whole" {
		t.Errorf("I1: after Restore has returned, power failed, and %s is there", got)
	}
	if position.Seq(n.store.Origin()) == 0 {
		t.Error("the backup is empty")
	}
}

// outcome says what a crash has left.
func outcome(t *testing.T, disk vfs.FS, want string) string {
	t.Helper()
	if names, err := disk.List("/a/data"); err != nil || len(names) == 0 {
		return "nothing"
	}
	s, err := storage.Open("/a/data", storage.Options{FS: disk, Memory: 4 << 20})
	if errors.Is(err, storage.ErrUnfinished) {
		if _, _, err := restoreTar(nil, disk, "/a/data"); !errors.Is(err, storage.ErrUnfinished) {
			t.Errorf("a second restore says %v", err)
		}
		return "unfinished"
	}
	if err != nil {
		t.Fatalf("I1: %v", err)
	}
	defer s.Close()
	if dump(t, s) != want {
		t.Fatal("I1: a node opens, and something is missing")
	}
	if _, err := disk.Stat("/a/data/restored/settings.yaml"); err != nil {
		t.Errorf("the configuration is missing: %v", err)
	}
	return "whole"
}

// TestRestoreDiskErrors (I1): the disk fails at every write of a restore, once or
// from then on. Without an error all is there; with one, nothing that opens.
func TestRestoreDiskErrors(t *testing.T) {
	n, k := backedUp(t)
	want, b := dump(t, n.store), k.tar(t)
	failures := 0
	for at := int64(1); ; at += slow {
		var reached atomic.Bool
		for _, ever := range []bool{false, true} {
			mem := vfs.NewMem()
			_, _, err := restoreTar(b, writes(mem, func(i int64) error {
				if i == at || ever && i > at {
					reached.Store(true)
					return syscall.ENOSPC
				}
				return nil
			}), "/a/data")
			got := outcome(t, mem, want)
			switch {
			case err == nil && got != "whole":
				t.Fatalf("I1: write %d failed, restored, and %s is there", at, got)
			case err != nil && got == "whole" && !slices.Contains(left(t, mem, "/a/data"), "restored"):
				t.Fatalf("write %d: %v, and a node opens", at, err)
			case err != nil:
				failures++
			}
		}
		if !reached.Load() {
			break
		}
	}
	if failures < 60/slow {
		t.Errorf("only %d failures: the test attacks nothing", failures)
	}
}
