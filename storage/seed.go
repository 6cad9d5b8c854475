package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// seed takes the pieces of a snapshot and writes them to tables in a directory
// of its own, inside the data directory. It belongs to one goroutine at a time.
type seed struct {
	s        *Store
	dir      string
	in       pieceReader
	tables   *tables
	stage    byte // the sort of piece expected; 0: the end has been
	preamble preamble
	ledger   ledger
	last     []byte // key
	keys     uint64
	err      error // of the first piece that failed: no more are taken
	done     bool
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
	return &seed{
		s: s, dir: dir, stage: pieceBegin,
		tables: newTables(s.guard, dir, s.tables),
		ledger: ledger{heads: map[engine.Origin]mark{}},
	}, nil
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
	sort, body, err := d.in.open(piece)
	if err != nil {
		return err
	}
	switch {
	case sort == pieceBegin && d.stage == pieceBegin:
		return d.begin(body)
	case sort == pieceData && d.stage == pieceData:
		return d.data(body)
	case sort == pieceEnd && d.stage == pieceData:
		return d.end(body)
	}
	return fmt.Errorf("%w: sort %d is out of place", errPiece, sort)
}

// begin refuses the snapshots of versions whose views are not what this one would derive.
func (d *seed) begin(body []byte) (err error) {
	if d.preamble, err = parsePreamble(body); err != nil {
		return err
	}
	if d.preamble.format != formatVersion {
		return fmt.Errorf("%w: format %d, this program has %d", errOther, d.preamble.format, formatVersion)
	}
	known := d.s.kinds()
	for k := range 256 {
		if k := engine.Kind(k); d.preamble.kinds.has(k) && !known.has(k) {
			return fmt.Errorf("%w: a newer one, which knows events of kind %d", errOther, k)
		}
	}
	d.stage = pieceData
	return nil
}

func (d *seed) data(body []byte) error {
	if len(body) == 0 {
		return fmt.Errorf("%w: it is empty", errPiece)
	}
	for len(body) > 0 {
		var k, v []byte
		var err error
		if k, v, body, err = takeEntry(body); err != nil {
			return err
		}
		if err := d.check(k, v); err != nil {
			return err
		}
		if err := d.tables.add(k, v); err != nil {
			return err
		}
	}
	return nil
}

func (d *seed) check(k, v []byte) error {
	parsed, err := parseKey(k)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w %x", errPiece, err, k[:min(len(k), 64)])
	case parsed.kind == kindLocal:
		return fmt.Errorf("%w: a key of one node alone", errPiece)
	case d.keys > 0 && compare(k, d.last) <= 0:
		return fmt.Errorf("%w: keys are out of order", errPiece)
	}
	d.last = append(d.last[:0], k...)
	d.keys++
	return d.ledger.add(&parsed, v)
}

func (d *seed) end(body []byte) error {
	keys, err := parseEnd(body)
	if err != nil {
		return err
	}
	if keys != d.keys {
		return fmt.Errorf("%w: %d keys of %d have come", errPiece, d.keys, keys)
	}
	if err := d.ledger.close(d.preamble.position); err != nil {
		return err
	}
	d.stage = 0
	return d.tables.finish()
}

// Install implements engine.Seed.
func (d *seed) Install() error {
	switch {
	case d.done:
		return errors.New("the seed is done")
	case d.err != nil:
		return fmt.Errorf("install a snapshot: %w", d.err)
	case d.stage != 0:
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

// ledger checks that the log of a snapshot is whole (I2): contiguous for each
// origin, with rising stamps, up to its position. Log keys come before positions.
type ledger struct {
	heads  map[engine.Origin]mark
	closed int // positions that have come
}

func (l *ledger) add(k *key, v []byte) error {
	switch k.kind {
	case kindLog:
		head, e, err := parseEntry(v)
		last := l.heads[k.origin]
		if err != nil || k.seq != last.seq+1 || head.Stamp <= last.stamp || (e != nil && (e.Origin != k.origin || e.Seq != k.seq)) {
			return fmt.Errorf("%w: log entry %s/%d", errPiece, k.origin, k.seq)
		}
		l.heads[k.origin] = mark{k.seq, head.Stamp}
	case kindPosition:
		if len(v) != 8 || binary.BigEndian.Uint64(v) != l.heads[k.origin].seq {
			return fmt.Errorf("%w: position of %s", errPiece, k.origin)
		}
		l.closed++
	}
	return nil
}

func (l *ledger) close(pos engine.Position) error {
	n := 0
	for o, seq := range pos.All() {
		if n++; l.heads[o].seq != seq {
			return fmt.Errorf("%w: the log of %s ends at %d, not %d", errPiece, o, l.heads[o].seq, seq)
		}
	}
	if n != l.closed || n != len(l.heads) {
		return fmt.Errorf("%w: positions are missing", errPiece)
	}
	return nil
}
