package engine

import "time"

// sample chooses which deliveries are timed: one of each batch, of the first notice
// that anybody gets, with the sessions of a room by turns. So its cost is a batch's
// and not a delivery's, and a crowd's last is timed as often as its first.
type sample struct {
	since time.Time // the batch's sync; zero: nothing is left to time
	turn  int
}

// pick returns the index of the session that is timed, or -1.
func (s *sample) pick(sessions int) int {
	if s.since.IsZero() || sessions == 0 {
		return -1
	}
	s.turn++
	return s.turn % sessions
}

// tellLocked sends a delivery to its audience.
func (h *hub) tellLocked(audience []*Session, d *delivery) {
	timed := h.sample.pick(len(audience))
	for i, s := range audience {
		if i != timed {
			h.sendLocked(s, d)
			continue
		}
		h.timeLocked(s, d)
	}
}

// timeLocked is sendLocked, timed where the connection can.
func (h *hub) timeLocked(s *Session, d *delivery) {
	conn, ok := s.conn.(TimedConn)
	if !ok {
		h.sendLocked(s, d)
		return
	}
	since := h.sample.since
	h.sample.since = time.Time{}
	conn.SendTimed(frameLocked(s, d), func() { h.deliveryTime.Observe(time.Since(since).Seconds()) })
	h.deliveries.Add(1)
}
