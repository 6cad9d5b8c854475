package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// Rebuild makes all views again from the log, into new tables that take the place of all
// that was there in one edit of Pebble's manifest: a crash leaves the old or the new. The node
// may not run. What was there is excised, not deleted, so no damaged block is ever read again.
//
// A log entry of a post is a pointer. Where it is lost and the message is there, which
// says its own place in the log, the entry is made again. An event that is lost for
// good ends the log of its origin: a log has no gaps (I2), and what was in them is not guessed.
// So the rebuild keeps what came before the first lost event of each origin, and says what it
// leaves out; it does so only when RebuildOptions.Lose says that this is wanted. Other nodes of a
// cluster send again what was left out.
//
// If the node's own log may have lost its end, the node takes a new origin, for the
// others may hold events under the seqs that it would use again.
func Rebuild(ctx context.Context, dir string, opts Options, o RebuildOptions) (r RebuildReport, err error) {
	start := time.Now()
	opts = opts.withDefaults()
	s, err := openAt(dir, opts, toRebuild)
	if err != nil {
		return r, err
	}
	b := &rebuild{s: s, ctx: ctx, lose: o.Lose, dry: o.Dry, random: opts.Rand, progress: progress{tell: o.Progress}}
	err = errors.Join(b.run(), s.Close())
	b.report.Seconds = time.Since(start).Seconds()
	return b.report, err
}

// RebuildOptions tell what a rebuild may do.
type RebuildOptions struct {
	Lose     bool // go on although events are lost
	Dry      bool // change nothing
	Progress func(CheckProgress)
}

// RebuildReport is what a rebuild has done.
type RebuildReport struct {
	Events    uint64  `json:"events"`    // of the log, all of them derived again
	Recovered uint64  `json:"recovered"` // entries of the log that were made again from their messages
	Lost      []Loss  `json:"lost"`      // empty: nothing is
	NewNode   string  `json:"new_node,omitempty"`
	Seconds   float64 `json:"seconds"`
}

// Loss is the end of one origin's log that is left out: its first event is lost, and those
// behind it cannot be kept without it.
type Loss struct {
	Code   Code   `json:"code"`
	Origin string `json:"origin"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	What   string `json:"what"`
}

// ErrLoss is why a rebuild stops before it changes anything.
var ErrLoss = errors.New("the log has lost events")

type rebuild struct {
	s        *Store
	ctx      context.Context
	lose     bool
	dry      bool
	random   io.Reader
	salvage  *salvage
	scratch  *scratch
	report   RebuildReport
	progress progress
}

func (b *rebuild) run() (err error) {
	b.report.Lost = []Loss{}
	if b.salvage, err = b.s.survey(b.ctx); err != nil {
		return err
	}
	for _, end := range b.salvage.ends {
		b.progress.total += end
	}
	if b.scratch, err = b.s.newScratch(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.scratch.close()) }()
	for _, o := range b.salvage.origins() {
		if err := b.derive(o); err != nil {
			return err
		}
	}
	if err := b.scratch.flush(); err != nil {
		return err
	}
	if len(b.report.Lost) > 0 && !b.lose {
		return ErrLoss
	}
	if b.dry {
		return nil
	}
	local, err := b.local()
	if err != nil {
		return err
	}
	return b.replace(local)
}

// derive derives the events of one origin again, up to the first that is lost.
func (b *rebuild) derive(o engine.Origin) error {
	last := engine.Stamp(0)
	for seq := uint64(1); seq <= b.salvage.ends[o]; seq++ {
		if b.report.Events%stride == 0 {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			b.progress.at("log", b.report.Events)
		}
		e, code, why := b.salvage.event(o, seq)
		if why == nil && e.Stamp <= last {
			code, why = CodeLogOrder, errOrder
		}
		if why != nil {
			b.report.Lost = append(b.report.Lost, Loss{code, o.String(), seq, b.salvage.ends[o], why.Error()})
			return nil
		}
		last = e.Stamp
		if err := b.scratch.do(e, (*Tx).take); err != nil {
			return err
		}
		b.report.Events++
	}
	b.report.Recovered = b.salvage.recovered
	return nil
}

// local are the node's own keys, with a new origin where that is due.
func (b *rebuild) local() (list []seedEntry, err error) {
	format := false
	err = scanOf(b.s.db, []byte{kindLocal}, func(k key, v []byte) error {
		switch {
		case k.text == localOrigin && len(v) == 8 && binary.BigEndian.Uint64(v) != 0:
			b.s.origin = engine.Origin(binary.BigEndian.Uint64(v))
		case k.text == localFormat:
			n, err := parseCount(v)
			format = err == nil && n == formatVersion
		}
		list = append(list, seedEntry{k.build(), append([]byte(nil), v...)})
		return nil
	})
	if err == nil && (b.s.origin == 0 || !format) {
		err = errors.New("the node's id or the store's format is missing")
	}
	if err != nil {
		return nil, openError(b.s.dir, fmt.Errorf("%w: read the node's own values: %w", ErrDamaged, err))
	}
	if b.salvage.sure(b.s.origin) && !b.lost(b.s.origin) {
		return list, nil
	}
	return list, b.renew(list)
}

func (b *rebuild) lost(o engine.Origin) bool {
	for _, l := range b.report.Lost {
		if l.Origin == o.String() {
			return true
		}
	}
	return false
}

// renew puts a new origin among the node's own keys.
func (b *rebuild) renew(list []seedEntry) error {
	for i := range list {
		if string(list[i].key) != string(localKey(localOrigin)) {
			continue
		}
		o := make([]byte, 8)
		for binary.BigEndian.Uint64(o) == 0 {
			if _, err := io.ReadFull(b.random, o); err != nil {
				return fmt.Errorf("make the node's id: %w", err)
			}
		}
		list[i].value = o
		b.report.NewNode = engine.Origin(binary.BigEndian.Uint64(o)).String()
	}
	return nil
}

// seedEntry is a key and its value.
type seedEntry struct{ key, value []byte }

// replace writes tables of the scratch and the node's own keys, and puts them in the place of all.
func (b *rebuild) replace(local []seedEntry) (err error) {
	s := b.s
	dir := s.guard.PathJoin(s.dir, seedPrefix+"rebuild")
	if err := s.guard.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory for tables: %w", err)
	}
	defer func() { err = errors.Join(err, s.guard.RemoveAll(dir)) }()
	out := newTables(s.guard, dir, s.tables)
	out.plain = true
	defer out.abort()
	if err := b.write(out, local); err != nil {
		return err
	}
	// Open has left nothing in memory: the ingestion waits for no memtable.
	_, err = s.db.IngestAndExcise(b.ctx, out.paths, nil, nil, pebble.KeyRange{Start: firstKey, End: endOfKeys})
	if err != nil {
		return fmt.Errorf("take in the new tables: %w", err)
	}
	return s.guard.failure()
}

func (b *rebuild) write(out *tables, local []seedEntry) error {
	it, err := iterOf(b.scratch.s.db, nil)
	if err != nil {
		return err
	}
	add := func(k, v []byte) {
		if err == nil {
			err = out.add(k, v)
		}
	}
	keys := uint64(0)
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		for len(local) > 0 && compare(local[0].key, it.Key()) < 0 {
			add(local[0].key, local[0].value)
			local = local[1:]
		}
		add(it.Key(), it.Value())
		if keys++; keys%stride == 0 {
			b.progress.at("tables", b.progress.total)
			err = errors.Join(err, b.ctx.Err())
		}
	}
	for _, e := range local {
		add(e.key, e.value)
	}
	if err = done(it, err); err != nil {
		return err
	}
	return out.finish()
}
