package cli

import (
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

var engineFigures = []figure[engine.Stats]{
	gauge("sessions", "Real-time sessions now.",
		func(s engine.Stats) float64 { return float64(s.Sessions) }),
	gauge("rooms_live", "Rooms that have a session now.",
		func(s engine.Stats) float64 { return float64(s.Rooms) }),
	gauge("commit_queue_bytes", "Writes that wait for the committer now.",
		func(s engine.Stats) float64 { return float64(s.QueuedBytes) }),
	counter("commit_batches", "Batches committed, each with one sync.",
		func(s engine.Stats) float64 { return float64(s.Batches) }),
	counter("commit_events", "Events committed.",
		func(s engine.Stats) float64 { return float64(s.Events) }),
	counter("commit_seconds", "Time from taking a batch to the end of its sync.",
		func(s engine.Stats) float64 { return s.CommitTime.Seconds() }),
	counter("commit_failed_writes", "Writes whose batch the store refused.",
		func(s engine.Stats) float64 { return float64(s.FailedWrites) }),
	counter("deliveries", "Frames handed to sessions.",
		func(s engine.Stats) float64 { return float64(s.Deliveries) }),
	counter("resumed_sessions", "Sessions that went on from their cursor.",
		func(s engine.Stats) float64 { return float64(s.Resumed) }),
	counter("reset_sessions", "Sessions whose cursor could not be served.",
		func(s engine.Stats) float64 { return float64(s.Resets) }),
	counter("replayed_events", "Events read from the log for resuming sessions.",
		func(s engine.Stats) float64 { return float64(s.ReplayedEvents) }),
	counter("conflicts", "Names of users or rooms that were found to be claimed twice.",
		func(s engine.Stats) float64 { return float64(s.Conflicts) }),
	counter("repeats_hidden", "Messages hidden as repeats of one that another node had taken.",
		func(s engine.Stats) float64 { return float64(s.Hidden) }),
}

var socketFigures = []figure[socket.Stats]{
	gauge("socket_connections", "WebSocket connections now.",
		func(s socket.Stats) float64 { return float64(s.Open) }),
	gauge("socket_queue_bytes", "Bytes that wait in all outboxes now.",
		func(s socket.Stats) float64 { return float64(s.QueueBytes) }),
	counter("socket_accepted", "Connections accepted.",
		func(s socket.Stats) float64 { return float64(s.Accepted) }),
	counter("socket_refused", "Handshakes refused.",
		func(s socket.Stats) float64 { return float64(s.Refused) }),
	counter("socket_evicted_full", "Connections closed because their outbox was full.",
		func(s socket.Stats) float64 { return float64(s.EvictedFull) }),
	counter("socket_evicted_stalled", "Connections closed because a write made no progress.",
		func(s socket.Stats) float64 { return float64(s.EvictedStalled) }),
	counter("socket_evicted_silent", "Connections closed for want of a sign of life.",
		func(s socket.Stats) float64 { return float64(s.EvictedSilent) }),
	counter("socket_evicted_unfinished", "Connections closed because a message that they began did not end in time.",
		func(s socket.Stats) float64 { return float64(s.EvictedUnfinished) }),
	counter("socket_frames_in", "Frames received.",
		func(s socket.Stats) float64 { return float64(s.FramesIn) }),
	counter("socket_bytes_in", "Bytes received.",
		func(s socket.Stats) float64 { return float64(s.BytesIn) }),
	counter("socket_frames_out", "Frames sent.",
		func(s socket.Stats) float64 { return float64(s.FramesOut) }),
	counter("socket_bytes_out", "Bytes sent.",
		func(s socket.Stats) float64 { return float64(s.BytesOut) }),
	counter("socket_writes", "System calls that sent them; frames out by writes is how many rode together.",
		func(s socket.Stats) float64 { return float64(s.Writes) }),
}

var answerFigures = []figure[api.Stats]{
	counter("http_cache_hits", "Answers to GET requests from the response cache.",
		func(s api.Stats) float64 { return float64(s.Hits) }),
	counter("http_cache_misses", "Answers that were read from the store and kept.",
		func(s api.Stats) float64 { return float64(s.Misses) }),
	counter("http_cache_joined", "Answers of a reading that somebody else had begun.",
		func(s api.Stats) float64 { return float64(s.Joined) }),
	counter("http_cache_bypassed", "Answers that were read past the cache.",
		func(s api.Stats) float64 { return float64(s.Bypassed) }),
	counter("http_cache_read_ahead", "Pages that were read before anybody asked for them.",
		func(s api.Stats) float64 { return float64(s.Ahead) }),
	counter("http_cache_evicted", "Answers that had to make room for others.",
		func(s api.Stats) float64 { return float64(s.Evicted) }),
	counter("http_cache_failures", "Failures of the cache itself; the answers were read from the store.",
		func(s api.Stats) float64 { return float64(s.Failures) }),
	gauge("http_cache_bytes", "What the answers in the response cache take, about.",
		func(s api.Stats) float64 { return float64(s.Bytes) }),
}

var lobbyFigures = []figure[lobbyStats]{
	gauge("http_waiting", "Connections that wait to be served now.",
		func(s lobbyStats) float64 { return float64(s.waiting) }),
	counter("http_turned_away", "Connections answered 503 because too many waited.",
		func(s lobbyStats) float64 { return float64(s.turnedAway) }),
}

var storageFigures = []figure[storage.Metrics]{
	gauge("storage_disk_bytes", "What the store takes on disk.",
		func(m storage.Metrics) float64 { return float64(m.DiskBytes) }),
	gauge("storage_free_bytes", "Free bytes of the disk, when last looked at.",
		func(m storage.Metrics) float64 { return float64(m.FreeBytes) }),
	gauge("storage_memtable_bytes", "Memory of Pebble's memtables.",
		func(m storage.Metrics) float64 { return float64(m.MemTableBytes) }),
	gauge("storage_block_cache_bytes", "Memory of Pebble's block cache.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheBytes) }),
	gauge("storage_l0_files", "Tables that wait in level 0; many mean that compaction falls behind.",
		func(m storage.Metrics) float64 { return float64(m.L0Files) }),
	gauge("storage_refusing_writes", "1 while the store takes no writes: a failed or nearly full disk.",
		func(m storage.Metrics) float64 { return boolean(m.Refusing) }),
	gauge("storage_failed", "1 when the store takes no writes until the node is started again.",
		func(m storage.Metrics) float64 { return boolean(m.Failed) }),
	counter("storage_block_cache_hits", "Blocks found in the cache.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheHits) }),
	counter("storage_block_cache_misses", "Blocks read from disk.",
		func(m storage.Metrics) float64 { return float64(m.BlockCacheMisses) }),
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
	counter("storage_flushes", "Memtables written out.",
		func(m storage.Metrics) float64 { return float64(m.Flushes) }),
	counter("storage_damaged_reads", "Reads that found damaged data.",
		func(m storage.Metrics) float64 { return float64(m.DamagedReads) }),
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
