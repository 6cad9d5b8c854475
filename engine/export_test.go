package engine

// ShrinkRing makes the hub forget all but a few recent events, so that sessions
// that were away are served from the log.
func (e *Engine) ShrinkRing(events int) { e.hub.ringMax = events }
