package cli

import (
	"strconv"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

var storageFigures = []figure[storage.Metrics]{
	gauge("storage_disk_bytes", "What the store takes on disk.",
		func(m storage.Metrics) float64 { return float64(m.DiskBytes) }),
	gauge("storage_free_bytes", "Free bytes of the disk, when last looked at.",
		func(m storage.Metrics) float64 { return float64(m.FreeBytes) }),
	gauge("storage_memtable_bytes", "Memory of Pebble's memtables.",
		func(m storage.Metrics) float64 { return float64(m.MemTableBytes) }),
	gauge("storage_memtables", "Pebble's memtables.",
		func(m storage.Metrics) float64 { return float64(m.MemTables) }),
	gauge("storage_wal_files", "Files of the write-ahead log.",
		func(m storage.Metrics) float64 { return float64(m.LogFiles) }),
	gauge("storage_wal_bytes", "What of the write-ahead log is not in tables yet.",
		func(m storage.Metrics) float64 { return float64(m.LogBytes) }),
	counter("storage_wal_written_bytes", "Bytes written to the write-ahead log.",
		func(m storage.Metrics) float64 { return float64(m.LogWritten) }),
	histogram("storage_sync_seconds", "Syncs of the write-ahead log, which durability waits for.",
		func(m storage.Metrics) engine.Distribution { return syncs(m.Syncs) }),
	gauge("storage_tombstones", "Deletions that are not compacted away yet, about.",
		func(m storage.Metrics) float64 { return float64(m.Tombstones) }),
	gauge("storage_iterators", "Iterators of tables, open now.",
		func(m storage.Metrics) float64 { return float64(m.Iterators) }),
	gauge("storage_block_cache_bytes", "Memory of Pebble's block cache.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheBytes) }),
	gauges("storage_level_tables", "Tables of a level; many in level 0 mean that compaction falls behind.",
		[]string{"level"}, levelSeries(func(l storage.Level) float64 { return float64(l.Tables) })),
	gauges("storage_level_bytes", "Bytes of a level's tables.",
		[]string{"level"}, levelSeries(func(l storage.Level) float64 { return float64(l.Bytes) })),
	gauges("storage_level_sorted_runs", "Sorted runs of a level: a read may have to look into each.",
		[]string{"level"}, levelSeries(func(l storage.Level) float64 { return float64(l.SortedRuns) })),
	counters("storage_level_read_bytes", "Bytes that compactions into a level read.",
		[]string{"level"}, levelSeries(func(l storage.Level) float64 { return float64(l.BytesRead) })),
	counters("storage_level_written_bytes", "Bytes that flushes and compactions wrote to a level.",
		[]string{"level"}, levelSeries(func(l storage.Level) float64 { return float64(l.BytesFlushed + l.BytesWritten) })),
	gauge("storage_read_amplification", "Sorted runs of all levels.",
		func(m storage.Metrics) float64 { return float64(m.ReadAmplification) }),
	gauge("storage_refusing_writes", "1 while the store takes no writes: a failed or nearly full disk.",
		func(m storage.Metrics) float64 { return boolean(m.Refusing) }),
	gauge("storage_failed", "1 when the store takes no writes until the node is started again.",
		func(m storage.Metrics) float64 { return boolean(m.Failed) }),
	counter("storage_block_cache_hits", "Blocks found in the cache.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheHits) }),
	counter("storage_block_cache_misses", "Blocks read from disk.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheMisses) }),
	counter("storage_table_cache_hits", "Tables that were open already.",
		func(m storage.Metrics) float64 { return float64(m.TableCacheHits) }),
	counter("storage_table_cache_misses", "Tables opened.",
		func(m storage.Metrics) float64 { return float64(m.TableCacheMisses) }),
	counter("storage_filter_hits", "Blocks that a bloom filter spared.",
		func(m storage.Metrics) float64 { return float64(m.FilterHits) }),
	counter("storage_filter_misses", "Blocks that a bloom filter could not spare.",
		func(m storage.Metrics) float64 { return float64(m.FilterMisses) }),
	counter("storage_record_hits", "Records found in the cache.",
		func(m storage.Metrics) float64 { return float64(m.RecordHits) }),
	counter("storage_record_misses", "Records read from the store.",
		func(m storage.Metrics) float64 { return float64(m.RecordMisses) }),
	counter("storage_record_evictions", "Records and pages that had to make room for others.",
		func(m storage.Metrics) float64 { return float64(m.RecordEvictions) }),
	gauge("storage_record_bytes", "What the cache of records and pages takes, about.",
		func(m storage.Metrics) float64 { return float64(m.RecordBytes) }),
	counter("storage_page_hits", "Newest pages of rooms answered from what is kept.",
		func(m storage.Metrics) float64 { return float64(m.PageHits) }),
	counter("storage_page_extensions", "Kept newest pages to which new messages were added.",
		func(m storage.Metrics) float64 { return float64(m.PageExtensions) }),
	counter("storage_page_misses", "Newest pages read whole.",
		func(m storage.Metrics) float64 { return float64(m.PageMisses) }),
	counter("storage_seeks", "Places looked up in the store by readers.",
		func(m storage.Metrics) float64 { return float64(m.Seeks) }),
	counter("storage_steps", "Keys stepped to from there.",
		func(m storage.Metrics) float64 { return float64(m.Steps) }),
	counter("storage_compactions", "Compactions done.",
		func(m storage.Metrics) float64 { return float64(m.Compactions) }),
	gauge("storage_compactions_running", "Compactions under way.",
		func(m storage.Metrics) float64 { return float64(m.CompactionsNow) }),
	counter("storage_compactions_failed", "Compactions that ended with an error.",
		func(m storage.Metrics) float64 { return float64(m.CompactionsFailed) }),
	counter("storage_compaction_seconds", "Time of compactions.",
		func(m storage.Metrics) float64 { return m.CompactionTime.Seconds() }),
	gauge("storage_compaction_debt_bytes", "Bytes to be compacted until the tree has its shape, by Pebble's estimate.",
		func(m storage.Metrics) float64 { return float64(m.CompactionDebt) }),
	counter("storage_flushes", "Memtables written out.",
		func(m storage.Metrics) float64 { return float64(m.Flushes) }),
	counter("storage_damaged_reads", "Reads that found damaged data.",
		func(m storage.Metrics) float64 { return float64(m.DamagedReads) }),
}

// levelSeries has one series for each level of the store's tree.
func levelSeries(read func(storage.Level) float64) func(storage.Metrics, series) {
	return func(m storage.Metrics, each series) {
		for i, l := range m.Levels {
			each(read(l), strconv.Itoa(i))
		}
	}
}

// syncs makes the store's histogram, whose counts are cumulative and whose last
// bound is without end, one of the engine's.
func syncs(l storage.Latency) engine.Distribution {
	last := len(storage.LatencyBounds) - 1
	d := engine.Distribution{Count: l.Count, Sum: l.Sum.Seconds()}
	below := uint64(0)
	for i, bound := range storage.LatencyBounds[:last] {
		d.Bounds = append(d.Bounds, bound.Seconds())
		d.Counts = append(d.Counts, l.Counts[i]-below)
		below = l.Counts[i]
	}
	d.Counts = append(d.Counts, l.Count-below)
	return d
}
