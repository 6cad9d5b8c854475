package storage

import (
	"context"
	"fmt"
	"time"
)

// Compacted is what a compaction has made of the store's tables.
type Compacted struct {
	Before int64 `json:"before_bytes"`
	After  int64 `json:"after_bytes"`
}

// Compact has Pebble rewrite all tables without what was overwritten or deleted. The
// store serves meanwhile. It needs free space for a copy of the tables. tell hears now and
// then how many bytes have been written, of about how many; it may be nil.
func (s *Store) Compact(ctx context.Context, tell func(CheckProgress)) (c Compacted, err error) {
	ctx, end, err := s.work.begin(ctx)
	if err != nil {
		return c, err
	}
	defer end()
	if err := s.writable(); err != nil {
		return c, err
	}
	if err := s.db.Flush(); err != nil {
		return c, fmt.Errorf("write memtables: %w", err)
	}
	c.Before = s.tableBytes()
	if err := s.compact(ctx, tell); err != nil {
		return c, fmt.Errorf("compact: %w", err)
	}
	c.After = s.tableBytes()
	return c, s.guard.failure()
}

const compactTick = 250 * time.Millisecond

// compact waits for Pebble, and tells how far it has come.
func (s *Store) compact(ctx context.Context, tell func(CheckProgress)) error {
	done := make(chan error, 1)
	start := s.compactedBytes()
	total := uint64(s.tableBytes())
	go func() { done <- s.db.Compact(ctx, firstKey, endOfKeys, true) }()
	tick := time.NewTicker(compactTick)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if tell != nil {
				written := s.compactedBytes() - start
				tell(CheckProgress{"compacting", written, max(total, written)})
			}
		}
	}
}

func (s *Store) compactedBytes() uint64 {
	m := s.db.Metrics()
	total := m.Total()
	return total.TableBytesCompacted + uint64(m.Compact.InProgressBytes)
}

// tableBytes are those of the tables that hold the store, without files that wait for removal.
func (s *Store) tableBytes() int64 {
	m := s.db.Metrics()
	total := m.Total()
	return total.TablesSize
}
