package engine

import (
	"sync/atomic"
	"time"
)

// Stats are the engine's counters since it was opened, and its present sizes.
type Stats struct {
	Sessions, Rooms int // now: sessions, and rooms that have one

	Batches, Events uint64       // committed
	Posts           uint64       // of them, messages that users posted on this node
	Commits         Distribution // seconds from taking a batch to its sync
	Groups          Distribution // events of one batch
	FailedWrites    uint64       // writes whose batch the store refused
	QueuedBytes     int          // waiting for the committer now
	Deliveries      uint64       // frames handed to sessions
	DeliveryTime    Distribution // seconds from a batch's sync to the write of one of its frames, of a sample
	RateLimited     uint64       // frames and unsafe requests refused for their user's rate

	Resumed, Resets uint64 // sessions that came with a cursor, by outcome
	ReplayedEvents  uint64 // events read from the log for them

	Conflicts uint64 // names that came to be claimed twice
	Hidden    uint64 // messages hidden as repeats of an earlier one's nonce
}

type commitStats struct {
	batches, events, posts, failedWrites atomic.Uint64

	seconds, group *Histogram

	durable time.Time // the last batch's sync; owned by the committer, which also publishes
}

func newCommitStats() *commitStats {
	return &commitStats{seconds: newLatency(), group: NewHistogram(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)}
}

// newLatency has bounds in seconds for what takes from microseconds to seconds.
func newLatency() *Histogram {
	return NewHistogram(.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
}

// batch counts a batch that has just become durable on the node origin.
func (s *commitStats) batch(events []committed, origin Origin, begun time.Time) {
	if len(events) == 0 {
		return
	}
	s.durable = time.Now()
	s.batches.Add(1)
	s.events.Add(uint64(len(events)))
	s.seconds.Observe(s.durable.Sub(begun).Seconds())
	s.group.Observe(float64(len(events)))
	for _, ev := range events {
		if ev.Kind == KindPosted && ev.Origin == origin {
			s.posts.Add(1)
		}
	}
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
		Batches: e.commits.batches.Load(), Events: e.commits.events.Load(), Posts: e.commits.posts.Load(),
		Commits: e.commits.seconds.Read(), Groups: e.commits.group.Read(),
		FailedWrites: e.commits.failedWrites.Load(),
		QueuedBytes:  queued,
		Deliveries:   e.hub.deliveries.Load(),
		DeliveryTime: e.hub.deliveryTime.Read(),
		RateLimited:  e.userRate.Refused(),
		Resumed:      e.resumed.Load(), Resets: e.resets.Load(), ReplayedEvents: e.replayed.Load(),
		Conflicts: e.conflicts.Load(), Hidden: e.hidden.Load(),
	}
}
