package storage

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/klatch-chat/klatch/engine"
)

func wantOpenError(t *testing.T, dir string, o Options, reason error, words ...string) {
	t.Helper()
	s, err := Open(dir, o)
	if err == nil {
		s.Close()
		t.Fatalf("opened; want %v", reason)
	}
	var oe *OpenError
	if !errors.As(err, &oe) || !errors.Is(err, reason) {
		t.Fatalf("%v; want %v", err, reason)
	}
	for _, w := range append(words, dir) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Memory: minMemory})
	if err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, dir, Options{}, ErrLocked, "in use")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{Memory: minMemory}); err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// TestOpenOtherProcess opens a directory that another process has open.
func TestOpenOtherProcess(t *testing.T) {
	if dir := os.Getenv("STORAGE_TEST_HOLD"); dir != "" {
		s, err := Open(dir, Options{Memory: minMemory})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		os.Stdout.WriteString("open\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpenOtherProcess$")
	cmd.Env = append(os.Environ(), "STORAGE_TEST_HOLD="+dir)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := out.Read(buf); err != nil || string(buf) != "open\n" {
		t.Fatalf("%q, %v", buf, err)
	}
	wantOpenError(t, dir, Options{}, ErrLocked, "in use")
	in.Close()
	_ = cmd.Wait()
}

func TestOpenNewer(t *testing.T) {
	mem := vfs.NewMem()
	s := openMem(t, mem)
	if err := s.db.Set(localKey(localFormat), appendCount(nil, formatVersion+1), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	s.Close()
	wantOpenError(t, "data", Options{FS: mem}, ErrNewer, "newer version of klatch")
}

func TestOpenNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, file, Options{}, ErrNotWritable, "cannot write")
	wantOpenError(t, filepath.Join(file, "below"), Options{}, ErrNotWritable, "cannot write")
	mem := vfs.NewMem()
	openMem(t, mem).Close()
	for _, errno := range []syscall.Errno{syscall.EROFS, syscall.EACCES} {
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpMkdirAll {
				return &os.PathError{Op: "open", Path: op.Path, Err: errno}
			}
			return nil
		}))
		wantOpenError(t, "data", Options{FS: fs}, ErrNotWritable, "cannot write")
	}
	if os.Getuid() == 0 {
		return // root may write anywhere
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, dir, Options{}, ErrNotWritable, "cannot write")
}

// TestOpenDamaged spoils each sort of file. The store says so, at Open or at
// the read that finds it, and never answers with something else. The newest log
// is an exception that Pebble makes: damage there may pass for the torn end that
// a power loss leaves, and then what is before it is whole.
func TestOpenDamaged(t *testing.T) {
	for _, sort := range []string{"MANIFEST-", ".log", ".sst"} {
		t.Run(sort, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{Memory: 64 << 20}) // all fits in one log
			if err != nil {
				t.Fatal(err)
			}
			_, ids := fill(t, s, 2000)
			if sort != ".log" {
				if err := s.db.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			spoil(t, dir, sort)
			s, err = Open(dir, Options{Memory: minMemory})
			if err != nil {
				if !errors.Is(err, ErrDamaged) {
					t.Fatalf("%v; want %v", err, ErrDamaged)
				}
				t.Log(err)
				return
			}
			defer s.Close()
			bad := 0
			for i, id := range ids {
				if sort == ".sst" && i%100 != 0 {
					continue // Pebble looks for the flipped bit at each read of a bad block
				}
				m, err := s.Message(engine.ID{1}, id, engine.ID{})
				if err != nil {
					bad++
				} else if len(m.Body) != 250 {
					t.Fatalf("I1: half a message: %+v", m)
				}
			}
			if bad == 0 {
				t.Fatal("the damage was not noticed")
			}
			if sort == ".log" {
				if got := int(s.Position().Seq(s.origin)); got+bad != len(ids) {
					t.Fatalf("I2: position %d, %d of %d messages are gone", got, bad, len(ids))
				}
			}
		})
	}
}

// spoil overwrites the middle of the largest file of a sort.
func spoil(t *testing.T, dir, sort string) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, "*"+sort+"*"))
	var name string
	var size int64
	for _, n := range names {
		if fi, err := os.Stat(n); err == nil && fi.Size() > size {
			name, size = n, fi.Size()
		}
	}
	if name == "" {
		t.Fatalf("no %s file", sort)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	from, to := len(b)/4, len(b)/4+len(b)/8
	if sort == "MANIFEST-" {
		from = 0
	}
	copy(b[from:to], bytes.Repeat([]byte{0xA5}, to-from))
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// spaceFS tells what free space the test wants.
type spaceFS struct {
	vfs.FS
	free  uint64
	looks int
}

func (f *spaceFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	f.looks++
	return vfs.DiskUsage{AvailBytes: f.free}, nil
}

// TestFullDisk (I1): below the reserve the store refuses, and recovers by itself.
func TestFullDisk(t *testing.T) {
	now := time.Unix(1000, 0)
	fs := &spaceFS{FS: vfs.NewMem(), free: 1 << 30}
	s, err := Open("data", Options{FS: fs, Memory: minMemory, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := newPoster(s)
	p.batch(t, 1)
	fs.free, fs.looks = 63<<20, 0
	p.batch(t, 1) // within the second nobody looks
	if fs.looks != 0 {
		t.Fatalf("looked %d times in a second", fs.looks)
	}
	now = now.Add(time.Second)
	if _, err := s.Begin(); !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "63 MiB free") {
		t.Fatalf("full disk: %v", err)
	}
	if _, err := s.History(p.room, engine.Range{Limit: 10}, engine.ID{}); err != nil {
		t.Fatalf("reads must go on: %v", err)
	}
	if m := s.Metrics(); !m.Refusing || m.Failed || m.FreeBytes != fs.free {
		t.Fatalf("%+v", m)
	}
	fs.free = 65 << 20
	now = now.Add(time.Second)
	p.batch(t, 1)
}

// TestBatches: one Tx at a time, none after Close, and a discarded one leaves nothing.
func TestBatches(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	p := newPoster(s)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(); err == nil {
		t.Fatal("two batches at once")
	}
	if _, _, err := tx.Append(p.next()); err != nil {
		t.Fatal(err)
	}
	tx.Discard()
	tx.Discard()
	if err := tx.Commit(); err == nil {
		t.Fatal("a discarded batch commits")
	}
	if id, err := s.Last(p.room); err != nil || !id.IsZero() {
		t.Fatal("a discarded batch left a message", err)
	}
	if err := s.SetLocal("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Local("k"); err != nil || string(v) != "v" {
		t.Fatal(v, err)
	}
	if _, err := s.Local("none"); !errors.Is(err, engine.ErrNotFound) {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(); !errors.Is(err, engine.ErrUnavailable) {
		t.Fatal(err)
	}
}

// TestMalformedPayload (I2): what does not decode is refused and leaves no trace.
func TestMalformedPayload(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	w := newWriter(t, s)
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	e := w.event(engine.KindPosted, engine.ID{1}, engine.ID{2}, &engine.Posted{Body: "x"})
	bad := *e
	bad.Payload, bad.Data = nil, []byte{0xBF}
	if applied, _, err := tx.Append(&bad); applied || !errors.Is(err, &engine.Error{Code: engine.CodeInvalidField}) {
		t.Fatal(applied, err)
	}
	if applied, _, err := tx.Append(e); !applied || err != nil {
		t.Fatal(applied, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := s.Position().Seq(7); got != 1 {
		t.Fatalf("position %d", got)
	}
}
