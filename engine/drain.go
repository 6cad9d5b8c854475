package engine

import "time"

// The pace at which a node that leaves sends its sessions away: each of them
// signs in again somewhere else.
const (
	drainStep  = 50 * time.Millisecond
	drainLimit = 2 * time.Second
	drainRate  = 5000 // sessions a second, unless that takes longer than drainLimit
)

const leaving = "the node is leaving; reconnect with your cursor"

// Drain makes Ready false and tells every session to go to another node. It
// returns when all have been told: at once where they are few, else within drainLimit.
func (e *Engine) Drain() {
	e.draining.Store(true)
	sessions := e.hub.shut()
	steps := drainSteps(len(sessions))
	pause := time.NewTicker(drainStep)
	defer pause.Stop()
	for i := range steps {
		if i > 0 {
			<-pause.C
		}
		for _, s := range sessions[len(sessions)*i/steps : len(sessions)*(i+1)/steps] {
			s.conn.Close(CloseLeaving, leaving)
		}
	}
}

// drainSteps returns in how many parts so many sessions are sent away.
func drainSteps(sessions int) int {
	return min(int(drainLimit/drainStep), 1+sessions*int(time.Second/drainStep)/drainRate)
}

// shut refuses new sessions, and returns those that there are.
func (h *hub) shut() []*Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	sessions := make([]*Session, 0, h.count)
	for _, us := range h.users {
		sessions = append(sessions, us...)
	}
	return sessions
}

// Close drains, finishes the waiting writes and stops every goroutine. Close the
// peers before it, the store after.
func (e *Engine) Close() error {
	e.closeOnce.Do(func() {
		e.Drain()
		e.committer.close()
		e.presence.close()
	})
	return nil
}
