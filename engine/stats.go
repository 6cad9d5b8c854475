package engine

import (
	"sync/atomic"
	"time"
)

// Stats are the engine's counters since it was opened, and its present sizes.
type Stats struct {
	Sessions, Rooms int // now: sessions, and rooms that have one

	Batches, Events uint64        // committed
	CommitTime      time.Duration // spent from taking a batch to its sync, in all
	FailedWrites    uint64        // writes whose batch the store refused
	QueuedBytes     int           // waiting for the committer now
	Deliveries      uint64        // frames handed to sessions

	Resumed, Resets uint64 // sessions that came with a cursor, by outcome
	ReplayedEvents  uint64 // events read from the log for them

	Conflicts uint64 // names that came to be claimed twice
	Hidden    uint64 // messages hidden as repeats of an earlier one's nonce
}

type commitStats struct {
	batches, events, failedWrites atomic.Uint64
	nanos                         atomic.Int64
}

func (s *commitStats) batch(events int, d time.Duration) {
	if events == 0 {
		return
	}
	s.batches.Add(1)
	s.events.Add(uint64(events))
	s.nanos.Add(int64(d))
}

func (s *commitStats) failed(writes int) { s.failedWrites.Add(uint64(writes)) }

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	sessions, rooms := e.hub.sizes()
	e.committer.mu.Lock()
	queued := e.committer.bytes
	e.committer.mu.Unlock()
	return Stats{
		Sessions: sessions, Rooms: rooms,
		Batches: e.commits.batches.Load(), Events: e.commits.events.Load(),
		CommitTime:   time.Duration(e.commits.nanos.Load()),
		FailedWrites: e.commits.failedWrites.Load(),
		QueuedBytes:  queued,
		Deliveries:   e.hub.deliveries.Load(),
		Resumed:      e.resumed.Load(), Resets: e.resets.Load(), ReplayedEvents: e.replayed.Load(),
		Conflicts: e.conflicts.Load(), Hidden: e.hidden.Load(),
	}
}
