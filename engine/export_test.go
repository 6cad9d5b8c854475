package engine

// ShrinkRing makes the hub forget all but a few recent events, so that sessions
// that were away are served from the log.
func (e *Engine) ShrinkRing(events int) { e.hub.ringMax = events }

// LimitBans sets how many bans there may be of each sort.
func (e *Engine) LimitBans(most int) { e.bans.most = most }

// StopPresence ends the telling once a second; TellPresence does it at a test's word.
func (e *Engine) StopPresence() {
	e.presence.close()
	e.presence.stop = make(chan struct{}) // for Close
}

func (e *Engine) TellPresence() { e.presence.tell() }

// Waiters is how many requests wait for a position.
func (e *Engine) Waiters() int {
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	return len(e.hub.waiters)
}
