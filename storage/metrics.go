package storage

import (
	"sync"
	"time"
)

// Metrics are the store's figures, for whoever shows them. Counters run since Open.
type Metrics struct {
	BlockCacheBytes  int64
	BlockCacheHits   int64
	BlockCacheMisses int64
	RecordHits       uint64 // answers from the cache of records
	RecordMisses     uint64
	RecordBytes      int64  // what the cache of records and newest pages holds, about
	RecordEvictions  uint64 // what had to make room there
	PageHits         uint64 // newest pages answered from what is kept
	PageExtensions   uint64 // and from that with what has been added since
	PageMisses       uint64 // and from the disk alone
	Seeks            uint64 // what queries cost, all of them: counted when a read ends
	Steps            uint64
	InternalSteps    uint64
	BlockBytes       uint64
	BlocksRead       int64  // by anybody, from the block cache or the disk
	DiskBytes        uint64 // what the store takes on disk
	FreeBytes        uint64 // of the disk, when last looked at; 0 if unknown
	MemTableBytes    uint64
	L0Files          int64
	Compactions      int64
	Flushes          int64
	Syncs            Latency // of the write-ahead log
	Appended         uint64  // events
	DamagedReads     uint64
	Failed           bool // no writes until the store is opened again
	Refusing         bool // no writes now: failed, tables cannot be written, or the disk is nearly full
}

// Latency is a histogram: Counts[i] are those of at most LatencyBounds[i],
// cumulative; the last bound is without end.
type Latency struct {
	Count  uint64
	Sum    time.Duration
	Counts [len(LatencyBounds)]uint64
}

// LatencyBounds are the upper bounds of Latency.Counts.
var LatencyBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond,
	2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, time.Second, 1 << 62,
}

// syncMeter times the syncs of the log.
type syncMeter struct {
	mu sync.Mutex
	l  Latency
}

func (m *syncMeter) observe(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.l.Count++
	m.l.Sum += d
	for i, b := range LatencyBounds {
		if d <= b {
			m.l.Counts[i]++
		}
	}
}

func (m *syncMeter) read() Latency {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.l
}

// Metrics returns the figures of now.
func (s *Store) Metrics() Metrics {
	p := s.db.Metrics()
	m := Metrics{
		BlockCacheBytes:  p.BlockCache.Size,
		BlockCacheHits:   p.BlockCache.Hits,
		BlockCacheMisses: p.BlockCache.Misses,
		RecordHits:       s.cache.hits.Load(),
		RecordMisses:     s.cache.misses.Load(),
		RecordBytes:      s.cache.bytes(),
		RecordEvictions:  s.cache.evictions.Load(),
		PageHits:         s.cache.pageHits.Load(),
		PageExtensions:   s.cache.pageExtensions.Load(),
		PageMisses:       s.cache.pageMisses.Load(),
		Seeks:            s.reads.seeks.Load(),
		Steps:            s.reads.steps.Load(),
		InternalSteps:    s.reads.internal.Load(),
		BlockBytes:       s.reads.bytes.Load(),
		BlocksRead:       p.BlockCache.Hits + p.BlockCache.Misses,
		DiskBytes:        p.DiskSpaceUsage(),
		MemTableBytes:    p.MemTable.Size,
		L0Files:          p.Levels[0].TablesCount,
		Compactions:      p.Compact.Count,
		Flushes:          p.Flush.Count,
		Syncs:            s.guard.syncs.read(),
		Appended:         s.appended.Load(),
		DamagedReads:     s.corrupt.Load(),
		Failed:           s.guard.tripped(),
		Refusing:         s.writable() != nil,
	}
	m.FreeBytes = s.space.last()
	return m
}
