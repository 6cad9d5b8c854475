package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tables writes keys, which come in order, into tables for Pebble to ingest.
// Each holds a range deletion too, from where the one before it ends to where
// it ends itself. In an ingested table that deletes what was there before and not the
// table's own keys; together they cover all keys but this node's own. So one
// ingestion replaces everything, in one edit of Pebble's manifest, and old
// snapshots still see what they saw. (Pebble's excise would be cheaper, but
// takes the keys away from open snapshots too.)
type tables struct {
	fs    vfs.FS
	dir   string
	opts  sstable.WriterOptions
	limit int  // bytes of keys and values a table
	plain bool // no range deletions: who ingests the tables excises what was there

	w     *sstable.Writer
	start []byte // of the range of the open table
	size  int
	paths []string
}

const tableSize = 32 << 20

// The keys of this node alone lie between these, all others before and after.
var (
	firstKey, _          = bounds(nil)
	localStart, localEnd = bounds([]byte{kindLocal})
	endOfKeys            = []byte{0xFF, noSuffix}
)

func newTables(fs vfs.FS, dir string, opts sstable.WriterOptions) *tables {
	return &tables{fs: fs, dir: dir, opts: opts, limit: tableSize, start: firstKey}
}

// add adds a key that is greater than all before it.
func (t *tables) add(key, value []byte) error {
	switch {
	case t.beforeLocal() && compare(key, localEnd) >= 0:
		if err := t.cut(localStart, localEnd); err != nil {
			return err
		}
	case t.size >= t.limit:
		if err := t.cut(key, append([]byte(nil), key...)); err != nil {
			return err
		}
	}
	if err := t.open(); err != nil {
		return err
	}
	t.size += len(key) + len(value)
	return t.w.Set(key, value)
}

func (t *tables) beforeLocal() bool { return compare(t.start, localStart) < 0 }

func (t *tables) open() error {
	if t.w != nil {
		return nil
	}
	path := t.fs.PathJoin(t.dir, fmt.Sprintf("%06d.sst", len(t.paths)))
	f, err := t.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	t.paths = append(t.paths, path)
	t.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), t.opts)
	return nil
}

// cut ends a table and its range. The next one's begins at next.
func (t *tables) cut(end, next []byte) error {
	if err := t.open(); err != nil {
		return err
	}
	if !t.plain {
		if err := t.w.DeleteRange(t.start, end); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	w := t.w
	t.w, t.start, t.size = nil, next, 0
	if err := w.Close(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// finish ends the last table, and covers what no key has come for.
func (t *tables) finish() error {
	if t.beforeLocal() {
		if err := t.cut(localStart, localEnd); err != nil {
			return err
		}
	}
	return t.cut(endOfKeys, endOfKeys)
}

// abort lets go of an open table. Its file stays.
func (t *tables) abort() {
	if t.w != nil {
		_ = t.w.Close()
		t.w = nil
	}
}
