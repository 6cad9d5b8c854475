package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
)

// checkTables reads each file of the store past all caches, and has each block's
// checksum verified. A file that a compaction has removed meanwhile is not missing.
func (c *inspection) checkTables() error {
	tables, err := c.s.liveTables()
	if err != nil {
		return err
	}
	c.tables = len(tables)
	for _, t := range tables {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.s.verifyTable(t.name); err != nil {
			if err := c.damaged(t, err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *inspection) damaged(t liveTable, damage error) error {
	if !errors.Is(damage, fs.ErrNotExist) {
		c.found.add(CodeTableDamaged, t.name, t.derived(), "keys %s to %s: %v", t.first, t.last, damage)
		return nil
	}
	now, err := c.s.liveTables()
	for _, other := range now {
		if other.name == t.name {
			c.found.add(CodeTableMissing, t.name, t.derived(), "keys %s to %s: the file is not there", t.first, t.last)
		}
	}
	return err
}

// liveTable is a file of the store that holds some of what is in it now.
type liveTable struct {
	name        string
	first, last string // keys, as Dump writes them
	kinds       [2]byte
}

// derived tells whether all that a table can hold is made from the log.
func (t *liveTable) derived() bool {
	for _, kind := range []byte{kindLog, kindMessage, kindLocal} {
		if t.kinds[0] <= kind && kind <= t.kinds[1] {
			return false
		}
	}
	return true
}

func (s *Store) liveTables() (list []liveTable, err error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	for _, level := range levels {
		for i := range level {
			list = append(list, tableOf(&level[i]))
		}
	}
	return list, nil
}

func tableOf(info *pebble.SSTableInfo) liveTable {
	t := liveTable{name: fmt.Sprintf("%06d.sst", uint64(info.BackingSSTNum))}
	for i, raw := range [][]byte{info.Smallest.UserKey, info.Largest.UserKey} {
		text := fmt.Sprintf("%x", raw)
		if k, err := parseKey(raw); err == nil {
			text = k.String()
		}
		if len(raw) > 0 {
			t.kinds[i] = raw[0]
		}
		if i == 0 {
			t.first = text
		} else {
			t.last = text
		}
	}
	return t
}

// verifyTable verifies the checksums of all blocks of a file. (Pebble's own
// ValidateBlockChecksums leaves out blocks of values, where most of a message's bytes are.)
func (s *Store) verifyTable(name string) (err error) {
	defer func() {
		if r := recover(); r != nil { // Pebble believes what it has not verified yet
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	f, err := s.guard.FS.Open(s.guard.PathJoin(s.dir, name))
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(s.work.ctx, readable, s.reader)
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	return errors.Join(verifyBlocks(f, r), r.Close())
}

func verifyBlocks(f io.ReaderAt, r *sstable.Reader) error {
	l, err := r.Layout()
	if err != nil {
		return err
	}
	var sort [1]byte
	if _, err := f.ReadAt(sort[:], int64(l.Footer.Offset)); err != nil {
		return err
	}
	var buf []byte
	for _, b := range blocksOf(l) {
		n := int(b.Length) + block.TrailerLen
		buf = slices.Grow(buf[:0], n)[:n]
		if _, err := f.ReadAt(buf, int64(b.Offset)); err != nil {
			return fmt.Errorf("read block at %d: %w", b.Offset, err)
		}
		if err := block.ValidateChecksum(block.ChecksumType(sort[0]), buf, b); err != nil {
			return err
		}
	}
	return nil
}

// blocksOf are the blocks of a table in the order of the file.
func blocksOf(l *sstable.Layout) (list []block.Handle) {
	for i := range l.Data {
		list = append(list, l.Data[i].Handle)
	}
	for i := range l.Filter {
		list = append(list, l.Filter[i].Handle)
	}
	list = append(append(list, l.Index...), l.ValueBlock...)
	list = append(list, l.TopIndex, l.RangeDel, l.RangeKey, l.ValueIndex, l.Properties, l.MetaIndex, l.BlobReferenceIndex)
	list = slices.DeleteFunc(list, func(h block.Handle) bool { return h.Length == 0 })
	slices.SortFunc(list, func(a, b block.Handle) int { return cmp.Compare(a.Offset, b.Offset) })
	return list
}

// estimate is about how many keys there are, by the tables' own counts.
func (c *inspection) estimate() (keys uint64) {
	levels, err := c.s.db.SSTables(pebble.WithProperties())
	if err != nil {
		return 0 // a damaged table: it is told elsewhere
	}
	for _, level := range levels {
		for i := range level {
			if p := level[i].Properties; p != nil {
				keys += p.NumEntries
			}
		}
	}
	return keys
}
