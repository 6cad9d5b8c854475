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
	if frame := c.steady.Load(); frame != nil {
		return c.steadyBeat(now, *frame)
	}
	w := c.server.wheel
	seen := c.seen.Load()
	switch {
	case seen == awaited && now < c.pinged+w.ticks(c.server.config.HeartbeatTimeout):
		return c.pinged + w.ticks(c.server.config.HeartbeatTimeout)
	case seen == awaited:
		return c.silent()
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

// silent ends a connection that gave no sign of life.
func (c *Conn) silent() int64 {
	c.flusher.tally.evictedSilent.Add(1)
	c.abort(&ending{code: CloseAbnormal, err: ErrHeartbeat})
	return never
}

// steadyBeat is heartbeat after PingWith. A ping waits for the answer to the one before it.
func (c *Conn) steadyBeat(now int64, frame []byte) int64 {
	w := c.server.wheel
	interval, timeout := w.ticks(c.server.config.HeartbeatInterval), w.ticks(c.server.config.HeartbeatTimeout)
	deadline := c.seen.Load() + interval + timeout // where nothing is sent
	if len(frame) > 0 {
		deadline = never
		if c.seen.Load() == awaited {
			deadline = c.pinged + timeout
		}
	}
	switch {
	case deadline != never && now >= deadline:
		return c.silent()
	case c.pinged != 0 && now < c.pinged+interval:
		return earlier(c.pinged+interval, deadline)
	case deadline != never && len(frame) > 0:
		return deadline
	}
	c.pinged = now
	if len(frame) > 0 { // first: what comes from now on may be the answer
		c.seen.Store(awaited)
		deadline = now + timeout
	}
	_ = c.call(func() { c.handler.Beat(c) })
	c.Send(frame)
	return earlier(now+interval, deadline)
}

func earlier(a, b int64) int64 {
	if b == never {
		return a
	}
	return min(a, b)
}

// beatAfter is the silence, in ticks, after which to beat: the interval less
// the part jitter (0 to 1) of its last eighth, so that connections that came
// together do not beat together.
func (s *Server) beatAfter(jitter float64) int64 {
	interval := s.wheel.ticks(s.config.HeartbeatInterval)
	return max(1, interval-int64(jitter*float64(interval)/8))
}
