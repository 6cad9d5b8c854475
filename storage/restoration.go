package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/internal/durable"
)

// ErrNotEmpty is matched when a directory to restore into holds something already.
var ErrNotEmpty = errors.New("the directory is not empty")

// Restoration makes a new node's store out of the pieces of a Snapshot. The store
// is one that Open has made: its origin is new, so no sequence number is used
// twice, and nothing of the old node that was its alone, its signing key for one, is in it.
//
// A file marks the directory as unfinished from before anything else is written
// there until all of it is on stable storage. Open refuses it meanwhile, and
// after a crash for ever: what is left is no store.
type Restoration struct {
	fs     vfs.FS
	dir    string
	origin engine.Origin
	store  *Store // nil: closed
	seed   engine.Seed
}

// unfinishedName is the mark's. Its content is for people who look.
const (
	unfinishedName = "RESTORE-UNFINISHED"
	unfinishedText = "A restore is running here, or was stopped before its end. If none runs, empty this directory and restore again.\n"
)

// Restore begins a restoration in an empty directory, which is made if it is missing.
func Restore(dir string, opts Options) (*Restoration, error) {
	opts = opts.withDefaults()
	if err := markUnfinished(opts.FS, dir); err != nil {
		return nil, err
	}
	opts.restoring = true
	s, err := Open(dir, opts)
	if errors.Is(err, ErrLocked) {
		return nil, err // it is somebody else's
	}
	r := &Restoration{fs: opts.FS, dir: dir, store: s}
	if err == nil {
		r.origin = s.Origin()
		r.seed, err = s.Seed()
	}
	if err != nil {
		return nil, errors.Join(err, r.Discard())
	}
	return r, nil
}

// markUnfinished marks an empty directory as unfinished.
func markUnfinished(disk vfs.FS, dir string) error {
	names, err := list(disk, dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look into %s: %w", dir, err)
	case slices.Contains(names, unfinishedName):
		return unfinishedError(dir)
	case len(names) > 0:
		return fmt.Errorf("%w: %s has %s", ErrNotEmpty, dir, names[0])
	}
	if err := durable.MakeDir(disk, dir); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	return durable.WriteFile(disk, dir, unfinishedName, []byte(unfinishedText))
}

// list names what is in a directory, in order, but for what a file system itself keeps there.
func list(disk vfs.FS, dir string) ([]string, error) {
	names, err := disk.List(dir)
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "lost+found" }), err
}

func unfinishedError(dir string) error {
	return &OpenError{Dir: dir, Reason: ErrUnfinished, Err: ErrUnfinished}
}

// refuseUnfinished is Open's look at the mark.
func refuseUnfinished(disk vfs.FS, dir string) error {
	_, err := disk.Stat(disk.PathJoin(dir, unfinishedName))
	switch {
	case err == nil:
		return ErrUnfinished
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("look for an unfinished restore: %w", err)
}

// Origin is the new node's.
func (r *Restoration) Origin() engine.Origin { return r.origin }

// Write adds the next piece.
func (r *Restoration) Write(piece []byte) error { return r.seed.Write(piece) }

// File writes a file of the new node beside its store, in a directory of the data directory.
func (r *Restoration) File(part, name string, content []byte) error {
	part = r.fs.PathJoin(r.dir, part)
	if err := durable.MakeDir(r.fs, part); err != nil {
		return fmt.Errorf("make %s: %w", part, err)
	}
	return durable.WriteFile(r.fs, part, name, content)
}

// Finish installs the snapshot, and returns when the directory is a store that Open takes.
func (r *Restoration) Finish() error {
	if err := r.seed.Install(); err != nil {
		return err
	}
	if err := r.shut(); err != nil {
		return fmt.Errorf("close the restored store: %w", err)
	}
	if err := r.fs.Remove(r.fs.PathJoin(r.dir, unfinishedName)); err != nil {
		return fmt.Errorf("end the restore: %w", err)
	}
	return durable.SyncDir(r.fs, r.dir)
}

// Discard empties the directory. The mark goes last: a store that has half gone must not open.
func (r *Restoration) Discard() error {
	_ = r.shut() // what it could not write goes anyway
	names, err := list(r.fs, r.dir)
	errs := []error{err}
	for _, name := range names {
		if name != unfinishedName {
			errs = append(errs, r.fs.RemoveAll(r.fs.PathJoin(r.dir, name)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(r.fs, r.dir), r.fs.Remove(r.fs.PathJoin(r.dir, unfinishedName)), durable.SyncDir(r.fs, r.dir))
}

func (r *Restoration) shut() error {
	s := r.store
	if r.store = nil; s == nil {
		return nil
	}
	if r.seed != nil {
		r.seed.Discard()
	}
	return s.Close()
}
