package storage

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// guard stands between Pebble and the file system, for what Pebble does when a
// disk fails. A failed write or sync of its write-ahead log is Logger.Fatalf;
// failing to start the next log file is a panic with its mutexes in a state that
// no recover can mend. Both would end the process and every connection with it.
//
// So the guard trips instead. The first error on the log, or a Fatalf, means:
// from here on nothing more reaches the disk. Pebble's log writes and directory
// syncs then seem to succeed and go nowhere, and Store.Commit, which looks at
// the guard after each sync, reports the failure instead of acknowledging.
// All other writes (tables, manifest) fail, so that background work does not
// believe what did not happen. Pebble retries it at once and for ever: a failed
// write therefore takes a moment. It may not take longer, because Pebble holds
// the manifest meanwhile, and DB.Metrics waits for that.
//
// Reads pass through always. Errors on tables before the guard has tripped are
// Pebble's to retry.
type guard struct {
	vfs.FS
	onTrip func(error)

	armed   atomic.Bool // after Open: before, errors go to Open's caller
	cause   atomic.Pointer[error]
	release chan struct{} // closed by Close
	once    sync.Once
	syncs   syncMeter
}

var errFenced = errors.New("the store failed earlier and writes no more")

// retryPause spaces the retries of failed background writes.
const retryPause = 50 * time.Millisecond

func newGuard(fs vfs.FS, onTrip func(error)) *guard {
	return &guard{FS: fs, onTrip: onTrip, release: make(chan struct{})}
}

// trip ends all writing. Only the first cause counts.
func (g *guard) trip(err error) {
	if g.cause.CompareAndSwap(nil, &err) && g.onTrip != nil {
		g.onTrip(err)
	}
}

// failure is why the guard tripped, nil if it has not.
func (g *guard) failure() error {
	if p := g.cause.Load(); p != nil {
		return *p
	}
	return nil
}

func (g *guard) tripped() bool { return g.cause.Load() != nil }

// open ends the pauses. Close calls it first.
func (g *guard) open() { g.once.Do(func() { close(g.release) }) }

// table runs a write that Pebble can see fail: anything but the log.
func (g *guard) table(do func() error) error {
	err := errFenced
	if !g.tripped() {
		err = do()
	}
	if err != nil && g.armed.Load() {
		g.pause()
	}
	return err
}

// pause spaces the retries of background work, until Close ends them.
func (g *guard) pause() {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-g.release:
	}
}

// journal runs a write that Pebble must not see fail: the log, a directory sync.
func (g *guard) journal(do func() error) error {
	if g.tripped() {
		return nil
	}
	err := do()
	if err != nil && g.armed.Load() {
		g.trip(err)
		return nil
	}
	return err
}

func isJournal(name string) bool { return strings.HasSuffix(name, ".log") }

// isManifest reports whether a file is one that a marker, which is a name alone,
// will point to. Pebble syncs the file, then makes the marker, then syncs the
// directory: a crash between the last two may leave the marker's name and not the
// file's, for POSIX does not order them. So the first sync of such a file syncs its name too.
func isManifest(name string) bool { return strings.Contains(name, "MANIFEST-") }

func (g *guard) create(name string, do func() (vfs.File, error)) (f vfs.File, err error) {
	run := g.table
	if isJournal(name) {
		run = g.journal
	}
	err = run(func() (err error) { f, err = do(); return err })
	switch {
	case err != nil:
		return nil, err
	case f == nil:
		return nowhere{}, nil
	}
	file := &guardedFile{File: f, g: g, journal: isJournal(name)}
	if isManifest(name) {
		file.entry = g.FS.PathDir(name)
	}
	return file, nil
}

func (g *guard) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(name, func() (vfs.File, error) { return g.FS.Create(name, c) })
}

func (g *guard) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.create(name, func() (vfs.File, error) { return g.FS.OpenReadWrite(name, c, opts...) })
}

func (g *guard) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.create(newname, func() (vfs.File, error) { return g.FS.ReuseForWrite(oldname, newname, c) })
}

func (g *guard) OpenDir(name string) (vfs.File, error) {
	f, err := g.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, g: g, journal: true, dir: true}, nil
}

func (g *guard) Link(oldname, newname string) error {
	return g.table(func() error { return g.FS.Link(oldname, newname) })
}

func (g *guard) Rename(oldname, newname string) error {
	return g.table(func() error { return g.FS.Rename(oldname, newname) })
}

// Remove does not wait: Pebble logs what it cannot remove and goes on.
func (g *guard) Remove(name string) error {
	if g.tripped() {
		return errFenced
	}
	return g.FS.Remove(name)
}

func (g *guard) RemoveAll(name string) error {
	if g.tripped() {
		return errFenced
	}
	return g.FS.RemoveAll(name)
}

func (g *guard) Unwrap() vfs.FS { return g.FS }

// guardedFile is a file or directory under a guard.
type guardedFile struct {
	vfs.File
	g       *guard
	journal bool
	dir     bool
	entry   string // the directory to sync with the file's first sync; empty: none
}

func (f *guardedFile) run(do func() error) error {
	if f.journal {
		return f.g.journal(do)
	}
	return f.g.table(do)
}

func (f *guardedFile) Write(p []byte) (int, error) {
	n := len(p)
	err := f.run(func() (err error) {
		var wrote int
		if wrote, err = f.File.Write(p); err == nil && wrote < n {
			err = io.ErrShortWrite
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (f *guardedFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.run(func() error { _, err := f.File.WriteAt(p, off); return err })
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *guardedFile) Preallocate(offset, length int64) error {
	return f.run(func() error { return f.File.Preallocate(offset, length) })
}

func (f *guardedFile) Sync() error { return f.run(f.metered(f.entered(f.File.Sync))) }

func (f *guardedFile) SyncData() error { return f.run(f.metered(f.entered(f.File.SyncData))) }

func (f *guardedFile) entered(sync func() error) func() error {
	if f.entry == "" {
		return sync
	}
	return func() error {
		if err := sync(); err != nil {
			return err
		}
		if err := f.g.syncDirectory(f.entry); err != nil {
			return err
		}
		f.entry = ""
		return nil
	}
}

func (g *guard) syncDirectory(name string) error {
	d, err := g.FS.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *guardedFile) SyncTo(length int64) (full bool, err error) {
	err = f.run(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Close of a log that could not be written must not be seen to fail either.
func (f *guardedFile) Close() error {
	err := f.File.Close()
	if f.journal && !f.dir && f.g.armed.Load() {
		if err != nil {
			f.g.trip(err)
		}
		return nil
	}
	return err
}

func (f *guardedFile) metered(sync func() error) func() error {
	if !f.journal || f.dir {
		return sync
	}
	return func() error {
		start := time.Now()
		err := sync()
		f.g.syncs.observe(time.Since(start))
		return err
	}
}

// nowhere is the log file of a tripped store.
type nowhere struct{}

func (nowhere) Close() error                           { return nil }
func (nowhere) Read([]byte) (int, error)               { return 0, io.EOF }
func (nowhere) ReadAt([]byte, int64) (int, error)      { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error)            { return len(p), nil }
func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nowhere) Preallocate(int64, int64) error         { return nil }
func (nowhere) Stat() (vfs.FileInfo, error)            { return nowhereInfo{}, nil }
func (nowhere) Sync() error                            { return nil }
func (nowhere) SyncTo(int64) (bool, error)             { return true, nil }
func (nowhere) SyncData() error                        { return nil }
func (nowhere) Prefetch(int64, int64) error            { return nil }
func (nowhere) Fd() uintptr                            { return vfs.InvalidFd }

type nowhereInfo struct{}

func (nowhereInfo) Name() string           { return "" }
func (nowhereInfo) Size() int64            { return 0 }
func (nowhereInfo) Mode() os.FileMode      { return 0 }
func (nowhereInfo) ModTime() time.Time     { return time.Time{} }
func (nowhereInfo) IsDir() bool            { return false }
func (nowhereInfo) Sys() any               { return nil }
func (nowhereInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
