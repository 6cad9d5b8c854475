package engineio

import "time"

// startLocked begins the heartbeat of a session that polls.
func (h *heartbeat) startLocked(s *Session) {
	c := s.server.config
	if s.stage != alive {
		return
	}
	h.heard = c.Now()
	h.next = h.heard.Add(c.PingInterval)
	h.timer = time.AfterFunc(c.PingInterval, s.onTime)
}

func (h *heartbeat) stopLocked() {
	if h.timer != nil {
		h.timer.Stop()
	}
}

// cutOffLocked has the session end when no polls come for its last packets.
func (h *heartbeat) cutOffLocked(s *Session) {
	h.stopLocked()
	h.timer = time.AfterFunc(s.server.config.CloseTimeout, func() { s.end(s.reason) })
}

// heardLocked takes note of a sign of life.
func (h *heartbeat) heardLocked(s *Session) {
	if s.stage != alive || s.ws.Load() != nil {
		return
	}
	h.heard = s.server.config.Now()
	if h.awaiting {
		h.awaiting = false
		h.timer.Reset(s.server.config.PingInterval)
	}
}

// onTime is called when it is time to look at a session that polls.
func (s *Session) onTime() {
	s.mu.Lock()
	if s.stage != alive || s.ws.Load() != nil {
		s.mu.Unlock()
		return
	}
	beats, dead := s.beat.dueLocked(s)
	if beats {
		s.beats.Add(1)
	}
	s.mu.Unlock()
	switch {
	case dead:
		s.end(ReasonPingTimeout)
	case beats:
		s.beatAndPing()
	}
}

// dueLocked says what is due, and sets the timer for what is next.
func (h *heartbeat) dueLocked(s *Session) (beats, dead bool) {
	c := s.server.config
	if s.protocol == 3 { // the client pings
		now := c.Now()
		deadline := h.heard.Add(c.PingInterval + c.PingTimeout)
		if beats = !now.Before(h.next); beats {
			h.next = now.Add(c.PingInterval)
		}
		h.timer.Reset(min(deadline.Sub(now), h.next.Sub(now)))
		return beats, !now.Before(deadline)
	}
	if h.awaiting {
		return false, true
	}
	h.awaiting = true
	h.timer.Reset(c.PingTimeout)
	return true, false
}

func (s *Session) beatAndPing() {
	defer s.beats.Done()
	s.guard(func() { s.handler.Beat(s) })
	if s.protocol == 3 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == alive && s.ws.Load() == nil { // a WebSocket has its own pings
		s.queueLocked(pingFrame)
	}
}

// wsBeat is the wheel's beat.
func (s *Session) wsBeat() {
	s.mu.Lock()
	if s.stage != alive {
		s.mu.Unlock()
		return
	}
	s.beats.Add(1)
	s.mu.Unlock()
	defer s.beats.Done()
	s.handler.Beat(s)
}
