package socket

import "sync/atomic"

// Stats is a count of what a Server has done. All but the first three only grow.
type Stats struct {
	Open       int   // connections
	Parked     int   // of them, those that no goroutine reads
	QueueBytes int64 // in all outboxes

	Accepted uint64
	Refused  uint64 // handshakes

	EvictedFull       uint64 // the outbox was past its bound
	EvictedStalled    uint64 // no progress for Config.WriteTimeout
	EvictedSilent     uint64 // no sign of life
	EvictedUnfinished uint64 // a message that took longer than Config.FrameTimeout

	FramesIn, BytesIn           uint64
	FramesOut, BytesOut, Writes uint64 // of WebSocket frames, without the handshake
}

// tally is one flusher's part of the counts, so that processors do not fight for one cache line.
type tally struct {
	evictedFull, evictedStalled      atomic.Uint64
	evictedSilent, evictedUnfinished atomic.Uint64
	framesIn, bytesIn                atomic.Uint64
	framesOut, bytesOut, writes      atomic.Uint64
}

func (t *tally) wrote(frames, bytes int) {
	t.framesOut.Add(uint64(frames))
	t.bytesOut.Add(uint64(bytes))
	t.writes.Add(1)
}

func (t *tally) addTo(s *Stats) {
	s.EvictedFull += t.evictedFull.Load()
	s.EvictedStalled += t.evictedStalled.Load()
	s.EvictedSilent += t.evictedSilent.Load()
	s.EvictedUnfinished += t.evictedUnfinished.Load()
	s.FramesIn += t.framesIn.Load()
	s.BytesIn += t.bytesIn.Load()
	s.FramesOut += t.framesOut.Load()
	s.BytesOut += t.bytesOut.Load()
	s.Writes += t.writes.Load()
}

// Stats sums up. It asks every connection, so call it for a scrape, not for a frame.
func (s *Server) Stats() Stats {
	conns := s.all()
	sum := Stats{Open: len(conns), Accepted: s.accepted.Load(), Refused: s.refused.Load()}
	for _, c := range conns {
		sum.QueueBytes += int64(c.Queued())
		if c.parked.Load() {
			sum.Parked++
		}
	}
	for _, f := range s.flushers {
		f.tally.addTo(&sum)
	}
	return sum
}
