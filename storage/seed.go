package storage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// seed takes the pieces of a snapshot and writes them to tables in a directory
// of its own, inside the data directory. It belongs to one goroutine at a time.
type seed struct {
	intake
	s      *Store
	dir    string
	tables *tables
	err    error // of the first piece that failed: no more are taken
	done   bool
}

var _ engine.Seed = (*seed)(nil)

const seedPrefix = "seed-" // of the directories

// Seed implements engine.Store.
func (s *Store) Seed() (engine.Seed, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	dir := s.guard.PathJoin(s.dir, fmt.Sprintf("%s%d", seedPrefix, s.seeds.Add(1)))
	if err := s.guard.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make seed directory: %w", err)
	}
	t := newTables(s.guard, dir, s.tables)
	return &seed{intake: newIntake(s.kinds(), t), s: s, dir: dir, tables: t}, nil
}

// removeSeeds clears away what a crash has left of seeds.
func removeSeeds(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("list data directory: %w", err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, seedPrefix) {
			continue
		}
		if err := fs.RemoveAll(fs.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("remove an old seed: %w", err)
		}
	}
	return nil
}

// Write implements engine.Seed.
func (d *seed) Write(piece []byte) error {
	if d.done {
		return errors.New("the seed is done")
	}
	if d.err == nil {
		d.err = d.write(piece)
	}
	return d.err
}

func (d *seed) write(piece []byte) error {
	if err := d.s.writable(); err != nil {
		return err
	}
	return d.take(piece)
}

// Install implements engine.Seed.
func (d *seed) Install() error {
	switch {
	case d.done:
		return errors.New("the seed is done")
	case d.err != nil:
		return fmt.Errorf("install a snapshot: %w", d.err)
	case !d.complete():
		return errors.New("install a snapshot: it is not complete")
	}
	if err := d.s.install(d.preamble.position, d.tables.paths); err != nil {
		return err
	}
	d.Discard()
	return nil
}

// Discard implements engine.Seed. What cannot be removed now is at the next Open.
func (d *seed) Discard() {
	if d.done {
		return
	}
	d.done = true
	d.tables.abort()
	if err := d.s.guard.RemoveAll(d.dir); err != nil {
		d.s.log.Warn("a seed's files stay until the next start", "err", err)
	}
}
