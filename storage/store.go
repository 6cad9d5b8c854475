package storage

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// Options tell how to open a store. The zero value is a good one.
type Options struct {
	// Memory is the bytes that the store's caches may use in all: one half is
	// Pebble's block cache, a quarter its memtables, a quarter the cache of
	// records and newest pages. Default 256 MiB, least 1 MiB.
	Memory int64
	// Reserve is how many bytes of the disk must stay free: below it the store
	// takes no writes. Default 64 MiB; negative for none.
	Reserve int64
	FS      vfs.FS           // default: the disk
	Now     func() time.Time // default time.Now; paces the look at free space
	Rand    io.Reader        // makes the origin of a new store; default crypto/rand
	Logger  *slog.Logger     // default: none

	restoring bool                   // a Restoration opens it
	unknown   func(engine.Kind) bool // tests play an older version with it: kinds that it does not know
	access    access
}

// access is what a store is opened for, beside serving.
type access int

const (
	toServe   access = iota
	toExamine        // reads only, whatever state the store is in
	toRebuild        // as that, and takes in new tables
	toDerive         // a scratch: lost by a crash, and nobody minds
)

const (
	defaultMemory  = 256 << 20
	minMemory      = 1 << 20
	defaultReserve = 64 << 20
)

func (o Options) withDefaults() Options {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	o.Memory = max(o.Memory, minMemory)
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Store is an engine.Store on Pebble.
type Store struct {
	// Set by Open.
	db     *pebble.DB
	lock   *pebble.Lock
	guard  *guard
	space  space
	cache  *cache
	reads  reads
	log    *slog.Logger
	origin engine.Origin
	dir    string
	tables sstable.WriterOptions  // of what a Seed writes
	reader sstable.ReaderOptions  // of what Check reads past Pebble
	hidden func(engine.Kind) bool // kinds to treat as unknown; nil: none

	// Read by anybody, written by the committer.
	position atomic.Pointer[engine.Position]
	fallback atomic.Pointer[pebble.Snapshot] // what readers see once a commit has failed
	appended atomic.Uint64

	// The last error of a flush or compaction, until one succeeds again.
	background atomic.Pointer[error]
	corrupt    atomic.Uint64

	seeds atomic.Uint64 // how many have been begun, by anybody
	work  work

	// Owned by the committer's Tx.
	heads heads
	stall stall
	busy  atomic.Bool // a Tx is open, or a snapshot is being installed

	close    sync.Once
	closeErr error
	closed   atomic.Bool
}

var _ engine.Store = (*Store)(nil)

// heads is what the committer keeps in memory of the log and the views.
type heads struct {
	position engine.Position
	stamps   map[engine.Origin]engine.Stamp // of the last event of each origin
	newest   engine.Stamp                   // the highest of stamps
	ends     *roomEnds
	early    int // keys of kind E
}

// advance moves the heads to where a batch has brought the store.
func (h *heads) advance(t *Tx) {
	for o, m := range t.marks {
		h.position = h.position.With(o, m.seq)
		h.stamps[o] = m.stamp
	}
	h.newest = t.newest
	for room, id := range t.ends {
		h.ends.set(room, id)
	}
	h.early = t.early
}

// The names of this node's own values.
const (
	localFormat = "format"
	localOrigin = "origin"
	localUser   = "local/" // what Local and SetLocal are asked for
)

// formatVersion is the version of everything in keys.go, and of what is derived
// into it from events of known kinds. A store of an older one is migrated by Open; there
// is none yet. A snapshot of another one is refused.
const formatVersion = 1

// pebbleFormat is fixed, so that a new Pebble does not change old stores by itself.
const pebbleFormat = pebble.FormatTableFormatV6

// Open opens the store in a directory, making it if there is none. Errors are
// of type *OpenError.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	s := &Store{log: opts.Logger, dir: dir, hidden: opts.unknown}
	s.guard = newGuard(opts.FS, func(err error) {
		s.log.Error("the disk failed: no more writes until the store is opened again", "dir", dir, "err", err)
	})
	s.work.init()
	s.stall.memtable = opts.Memory / 16
	if opts.access == toDerive {
		s.stall.memtable = 2 * scratchMemtable / stallMemtables
	}
	s.space = space{fs: opts.FS, dir: dir, reserve: uint64(max(opts.Reserve, 0)), now: opts.Now}
	if err := s.open(dir, opts); err != nil {
		s.guard.open()
		err = errors.Join(err, s.shut())
		return nil, openError(dir, err)
	}
	s.guard.armed.Store(true)
	return s, nil
}

func (s *Store) open(dir string, opts Options) (err error) {
	if err := s.openFiles(dir, opts); err != nil {
		return err
	}
	switch opts.access {
	case toExamine, toRebuild:
		return nil
	case toServe:
		if err := s.identify(opts.Rand); err != nil {
			return err
		}
	}
	return s.load()
}

func (s *Store) openFiles(dir string, opts Options) (err error) {
	if err := opts.FS.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrNotWritable, err)
	}
	if !opts.restoring {
		if err := refuseUnfinished(opts.FS, dir); err != nil {
			return err
		}
	}
	if s.lock, err = lockDirectory(dir, opts.FS); err != nil {
		return err
	}
	if s.cache, err = newCache(opts.Memory / 4); err != nil {
		return err
	}
	if err := removeSeeds(opts.FS, dir); err != nil {
		return err
	}
	o := s.pebbleOptions(opts)
	if s.db, err = openPebble(dir, o); err != nil {
		return err
	}
	o.EnsureDefaults() // Open did it with a copy
	s.tables = o.MakeWriterOptions(0, s.db.TableFormat())
	s.tables.DisableValueBlocks = true // a writer keeps those in memory until its table ends
	s.reader = o.MakeReaderOptions()
	return s.guard.failure()
}

// openPebble opens the database. Pebble panics on some malformed logs.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return pebble.Open(dir, o)
}

func (s *Store) pebbleOptions(opts Options) *pebble.Options {
	o := &pebble.Options{
		FS:                          s.guard,
		Lock:                        s.lock,
		Logger:                      pebbleLogger{s},
		Comparer:                    comparer,
		FormatMajorVersion:          pebbleFormat,
		CacheSize:                   opts.Memory / 2,
		MemTableSize:                uint64(opts.Memory / 16),
		MemTableStopWritesThreshold: neverStall,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       neverStall,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		MaxOpenFiles:                1000,
		WALBytesPerSync:             1 << 20,
		EventListener: &pebble.EventListener{
			BackgroundError: s.backgroundError,
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				s.corrupt.Add(1)
				s.log.Error("damaged data on disk", "path", i.Path, "err", i.Details)
			},
			FlushEnd:      func(i pebble.FlushInfo) { s.backgroundDone(i.Err) },
			CompactionEnd: func(i pebble.CompactionInfo) { s.backgroundDone(i.Err) },
		},
	}
	o.ReadOnly = opts.access == toExamine
	if opts.access == toDerive {
		scratchOptions(o)
	}
	o.DisableAutomaticCompactions = opts.access == toRebuild // they would read what is damaged
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	return o
}

func (s *Store) backgroundError(err error) {
	if errors.Is(err, pebble.ErrCancelledCompaction) {
		return
	}
	if s.background.Swap(&err) == nil {
		s.log.Error("writing tables failed: no writes until it succeeds again", "err", err)
	}
}

func (s *Store) backgroundDone(err error) {
	if err == nil && s.background.Load() != nil {
		s.background.Store(nil)
		s.log.Info("writing tables succeeds again")
	}
}

// identify checks the format version, and writes it and the origin into a new store.
func (s *Store) identify(random io.Reader) error {
	format, err := s.get(localKey(localFormat))
	if err != nil {
		return err
	}
	if format == nil {
		return s.create(random)
	}
	v, err := parseCount(format)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the format version is unreadable", ErrDamaged)
	case v > formatVersion:
		return fmt.Errorf("%w: format %d, this program knows %d", ErrNewer, v, formatVersion)
	}
	o, err := s.get(localKey(localOrigin))
	if err != nil {
		return err
	}
	if len(o) != 8 || binary.BigEndian.Uint64(o) == 0 {
		return fmt.Errorf("%w: the node's id is missing", ErrDamaged)
	}
	s.origin = engine.Origin(binary.BigEndian.Uint64(o))
	return nil
}

func (s *Store) create(random io.Reader) error {
	var o [8]byte
	for s.origin == 0 {
		if _, err := io.ReadFull(random, o[:]); err != nil {
			return fmt.Errorf("make the node's id: %w", err)
		}
		s.origin = engine.Origin(binary.BigEndian.Uint64(o[:]))
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := errors.Join(
		b.Set(localKey(localFormat), appendCount(nil, formatVersion), nil),
		b.Set(localKey(localOrigin), o[:], nil),
		b.Commit(pebble.Sync),
	); err != nil {
		return err
	}
	return s.guard.failure()
}

// load reads what the committer keeps in memory, and does what an installed
// snapshot or an older version has left to do.
func (s *Store) load() error {
	h, err := s.readHeads()
	if err == nil {
		err = s.settle(&h)
	}
	if err != nil {
		return err
	}
	s.adopt(h)
	return nil
}

func (s *Store) readHeads() (h heads, err error) {
	h.stamps, h.ends = map[engine.Origin]engine.Stamp{}, newRoomEnds()
	if h.position, err = readPosition(s.view()); err != nil {
		return h, err
	}
	for o, seq := range h.position.All() {
		head, err := s.logHead(o, seq)
		if errors.Is(err, engine.ErrNotFound) {
			err = errLogGap
		}
		if err != nil {
			return h, fmt.Errorf("%w: log entry %s/%d: %w", ErrDamaged, o, seq, err)
		}
		h.stamps[o] = head.Stamp
		h.newest = max(h.newest, head.Stamp)
	}
	if err := s.checkEnds(h.position); err != nil {
		return h, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	err = s.scan([]byte{kindEarly}, func(_ key, _ []byte) error { h.early++; return nil })
	return h, err
}

// adopt makes heads the store's. Whoever sees the position finds no older answer
// in the cache: this comes last.
func (s *Store) adopt(h heads) {
	s.heads = h
	s.position.Store(&h.position)
}

// Begin implements engine.Store.
func (s *Store) Begin() (engine.Tx, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if !s.busy.CompareAndSwap(false, true) {
		return nil, errors.New("a batch is open already")
	}
	return newTx(s, s.heads), nil
}

// writable says why the store takes no writes, nil if it does.
func (s *Store) writable() error {
	if s.closed.Load() {
		return errClosed()
	}
	if err := s.guard.failure(); err != nil {
		return unavailable("the node's disk has failed: it takes no writes until it is started again", err)
	}
	if p := s.background.Load(); p != nil {
		return unavailable("the node's disk fails: it takes no writes until that ends", *p)
	}
	return s.space.check()
}

// Origin implements engine.Log.
func (s *Store) Origin() engine.Origin { return s.origin }

// Position implements engine.Log.
func (s *Store) Position() engine.Position { return *s.position.Load() }

// Local implements engine.Store.
func (s *Store) Local(name string) ([]byte, error) {
	return absent(s.get(localKey(localUser + name)))
}

// SetLocal implements engine.Store.
func (s *Store) SetLocal(name string, value []byte) error {
	if err := s.writable(); err != nil {
		return err
	}
	err := s.db.Set(localKey(localUser+name), value, pebble.Sync)
	if err == nil {
		err = s.guard.failure()
	}
	if err != nil {
		return unavailable("the node's disk has failed", err)
	}
	return nil
}

func localKey(name string) []byte { return textKey(kindLocal, name) }

// view is what readers read: the database, or after a failed commit its last good state.
func (s *Store) view() pebble.Reader {
	if snap := s.fallback.Load(); snap != nil {
		return snap
	}
	return s.db
}

// Close implements engine.Store. Nobody may use the store any more.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.closed.Store(true)
		s.work.stop()
		s.guard.open()
		s.closeErr = s.shut()
	})
	return s.closeErr
}

func (s *Store) shut() error {
	var errs []error
	if snap := s.fallback.Swap(nil); snap != nil {
		errs = append(errs, snap.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if s.cache != nil {
		s.cache.close()
	}
	if s.guard.tripped() {
		return nil // it has been said, and what Pebble could not finish is replayed
	}
	return errors.Join(errs...)
}

// pebbleLogger takes Pebble's words. Fatalf must not end the process: see guard.
type pebbleLogger struct{ s *Store }

func (l pebbleLogger) Infof(format string, args ...any) {
	l.s.log.Debug(fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.s.log.Warn(fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.s.guard.trip(fmt.Errorf(format, args...))
}
