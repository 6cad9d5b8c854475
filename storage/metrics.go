package storage

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Metrics are the store's figures, for whoever shows them. Counters run since Open.
type Metrics struct {
	BlockCacheBytes   int64
	BlockCacheHits    int64
	BlockCacheMisses  int64
	RecordHits        uint64 // answers from the cache of records
	RecordMisses      uint64
	RecordBytes       int64  // what the cache of records and newest pages holds, about
	RecordEvictions   uint64 // what had to make room there
	PageHits          uint64 // newest pages answered from what is kept
	PageExtensions    uint64 // and from that with what has been added since
	PageMisses        uint64 // and from the disk alone
	Seeks             uint64 // what queries cost, all of them: counted when a read ends
	Steps             uint64
	InternalSteps     uint64
	BlockBytes        uint64
	BlocksRead        int64  // by anybody, from the block cache or the disk
	DiskBytes         uint64 // what the store takes on disk
	FreeBytes         uint64 // of the disk, when last looked at; 0 if unknown
	MemTableBytes     uint64
	MemTables         int64
	Levels            []Level // of the tree of tables, from the newest
	ReadAmplification int     // sorted runs that a read may have to look into
	Compactions       int64
	CompactionsNow    int64
	CompactionsFailed int64
	CompactionDebt    uint64        // bytes to be compacted until the tree has its shape
	CompactionTime    time.Duration // in all
	Flushes           int64
	LogFiles          int64  // of the write-ahead log
	LogBytes          uint64 // in them that are still needed
	LogWritten        uint64 // bytes
	TableCacheHits    int64  // tables that were open already
	TableCacheMisses  int64
	FilterHits        int64 // blocks that a filter spared
	FilterMisses      int64
	Tombstones        uint64  // deletions that are not compacted away yet, about
	Iterators         int64   // of tables, open now
	Syncs             Latency // of the write-ahead log
	Appended          uint64  // events
	DamagedReads      uint64
	Failed            bool // no writes until the store is opened again
	Refusing          bool // no writes now: failed, tables cannot be written, or the disk is nearly full
}

// Level is one level of Pebble's tree.
type Level struct {
	Tables, Bytes                         int64
	SortedRuns                            int32
	BytesFlushed, BytesRead, BytesWritten uint64 // by flushes and compactions
}

func levels(p *pebble.Metrics) (all []Level) {
	for i := range p.Levels {
		l := &p.Levels[i]
		all = append(all, Level{
			Tables: l.TablesCount, Bytes: l.TablesSize, SortedRuns: l.Sublevels,
			BytesFlushed: l.TableBytesFlushed, BytesRead: l.TableBytesRead, BytesWritten: l.TableBytesCompacted,
		})
	}
	return all
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
		BlockCacheBytes:   p.BlockCache.Size,
		BlockCacheHits:    p.BlockCache.Hits,
		BlockCacheMisses:  p.BlockCache.Misses,
		RecordHits:        s.cache.hits.Load(),
		RecordMisses:      s.cache.misses.Load(),
		RecordBytes:       s.cache.bytes(),
		RecordEvictions:   s.cache.evictions.Load(),
		PageHits:          s.cache.pageHits.Load(),
		PageExtensions:    s.cache.pageExtensions.Load(),
		PageMisses:        s.cache.pageMisses.Load(),
		Seeks:             s.reads.seeks.Load(),
		Steps:             s.reads.steps.Load(),
		InternalSteps:     s.reads.internal.Load(),
		BlockBytes:        s.reads.bytes.Load(),
		BlocksRead:        p.BlockCache.Hits + p.BlockCache.Misses,
		DiskBytes:         p.DiskSpaceUsage(),
		MemTableBytes:     p.MemTable.Size,
		MemTables:         p.MemTable.Count,
		Levels:            levels(p),
		ReadAmplification: p.ReadAmp(),
		Compactions:       p.Compact.Count,
		CompactionsNow:    p.Compact.NumInProgress,
		CompactionsFailed: p.Compact.FailedCount,
		CompactionDebt:    p.Compact.EstimatedDebt,
		CompactionTime:    p.Compact.Duration,
		Flushes:           p.Flush.Count,
		LogFiles:          p.WAL.Files,
		LogBytes:          p.WAL.Size,
		LogWritten:        p.WAL.BytesWritten,
		TableCacheHits:    p.FileCache.Hits,
		TableCacheMisses:  p.FileCache.Misses,
		FilterHits:        p.Filter.Hits,
		FilterMisses:      p.Filter.Misses,
		Tombstones:        p.Keys.TombstoneCount,
		Iterators:         p.TableIters,
		Syncs:             s.guard.syncs.read(),
		Appended:          s.appended.Load(),
		DamagedReads:      s.corrupt.Load(),
		Failed:            s.guard.tripped(),
		Refusing:          s.writable() != nil,
	}
	m.FreeBytes = s.space.last()
	return m
}
