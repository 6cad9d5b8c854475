package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/klatch-chat/klatch/engine"
)

// scratch is a store of its own in a directory inside the data directory, where
// views are derived again by the code that derived them first. Its memory is
// bounded: what is more goes to tables. Nothing in it is synced, and a crash leaves a
// directory that the next Open removes.
type scratch struct {
	s     *Store
	of    *Store
	dir   string
	heads heads
	tx    *Tx
	taken int // events in tx
}

const (
	scratchMemory = 32 << 20
	scratchEvents = 200_000  // a batch: what it has written it finds in a map, far sooner than in a store
	scratchBytes  = 24 << 20 // of it; the map takes some three times as much again
)

// scratchMemtable is what one memtable of a scratch may grow to. There are at most two.
const (
	scratchMemtable = 16 << 20
	scratchCache    = 4 * scratchMemtable // Pebble takes memtables from this
)

// scratchOptions are for what is written once and soon gone.
func scratchOptions(o *pebble.Options) {
	o.DisableWAL = true
	o.MemTableSize = scratchMemtable
	o.CacheSize = scratchCache
	o.L0CompactionThreshold = 2 * o.L0CompactionThreshold
	for i := range o.Levels {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
}

func (s *Store) newScratch() (*scratch, error) {
	dir := s.guard.PathJoin(s.dir, fmt.Sprintf("%sscratch-%d", seedPrefix, s.seeds.Add(1)))
	if err := s.guard.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clear scratch directory: %w", err)
	}
	c := &scratch{of: s, dir: dir}
	var err error
	c.s, err = Open(dir, Options{Memory: scratchMemory, Reserve: -1, FS: s.guard.FS, Logger: s.log, unknown: s.hidden, access: toDerive})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open scratch directory: %w", err), s.guard.FS.RemoveAll(dir))
	}
	c.heads = c.s.heads
	return c, nil
}

// do has a batch do something with an event.
func (c *scratch) do(e *engine.Event, what func(t *Tx, e *engine.Event)) error {
	if c.tx == nil {
		c.tx = newTx(c.s, c.heads)
	}
	if what(c.tx, e); c.tx.err != nil {
		return fmt.Errorf("derive event %s/%d: %w", e.Origin, e.Seq, c.tx.err)
	}
	if c.taken++; c.taken >= scratchEvents || c.tx.batch.Len() >= scratchBytes {
		return c.flush()
	}
	return nil
}

// flush writes the batch.
func (c *scratch) flush() error {
	t := c.tx
	if t == nil {
		return nil
	}
	c.tx, c.taken = nil, 0
	defer t.close()
	if err := t.seal(); err != nil {
		return err
	}
	if err := c.s.awaitRoom(t.batch.Len()); err != nil {
		return fmt.Errorf("write scratch: %w", err)
	}
	if err := c.s.db.Apply(t.batch, pebble.NoSync); err != nil {
		return fmt.Errorf("write scratch: %w", err)
	}
	c.s.raise(t)
	c.heads.advance(t)
	return nil
}

// close removes the scratch.
func (c *scratch) close() error {
	if c.tx != nil {
		c.tx.close()
		c.tx = nil
	}
	err := c.s.Close()
	return errors.Join(err, c.of.guard.FS.RemoveAll(c.dir))
}
