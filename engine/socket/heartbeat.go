package socket

import "math/rand/v2"

// awaited stands in Conn.seen while a ping has been sent and nothing has come since.
const awaited int64 = -1

// look is called by the wheel when c is due. It returns the tick of the next look.
func (c *Conn) look(now int64) int64 {
	if by := c.closeBy.Load(); by != 0 {
		if now < by {
			return by
		}
		c.abort(&ending{code: CloseAbnormal, err: ErrClosed})
		return never
	}
	whole := c.wholeBy.Load()
	if whole != 0 && now >= whole {
		c.flusher.tally.evictedUnfinished.Add(1)
		c.abort(&ending{code: CloseAbnormal, err: ErrFrameTimeout})
		return never
	}
	next := c.heartbeat(now)
	if whole != 0 && next != never {
		next = min(next, whole)
	}
	return next
}

func (c *Conn) heartbeat(now int64) int64 {
	w := c.server.wheel
	seen := c.seen.Load()
	switch {
	case seen == awaited && now < c.pinged+w.ticks(c.server.config.HeartbeatTimeout):
		return c.pinged + w.ticks(c.server.config.HeartbeatTimeout)
	case seen == awaited:
		c.flusher.tally.evictedSilent.Add(1)
		c.abort(&ending{code: CloseAbnormal, err: ErrHeartbeat})
		return never
	case now-seen < c.server.beatAfter(1):
		return seen + c.server.beatAfter(rand.Float64())
	case !c.seen.CompareAndSwap(seen, awaited): // a frame came just now
		return now + c.server.beatAfter(rand.Float64())
	}
	c.pinged = now
	_ = c.call(func() { c.handler.Beat(c) })
	c.ping()
	return now + w.ticks(c.server.config.HeartbeatTimeout)
}

// beatAfter is the silence, in ticks, after which to beat: the interval less
// the part jitter (0 to 1) of its last eighth, so that connections that came
// together do not beat together.
func (s *Server) beatAfter(jitter float64) int64 {
	interval := s.wheel.ticks(s.config.HeartbeatInterval)
	return max(1, interval-int64(jitter*float64(interval)/8))
}
