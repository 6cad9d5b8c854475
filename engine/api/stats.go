package api

// Stats are the cache's figures since New.
type Stats struct {
	Hits     uint64 // answers from the cache
	Misses   uint64 // answers read and kept
	Joined   uint64 // answers of somebody else's reading
	Bypassed uint64 // answers read past the cache
	Ahead    uint64 // pages read before anybody asked
	Failures uint64 // of the cache itself
	Bytes    uint64 // that answers take in it, about
	Evicted  uint64 // answers thrown out for others
}

// Stats implements Handler.
func (s *server) Stats() Stats {
	c := s.responses
	st := Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Joined: c.joined.Load(),
		Bypassed: c.bypassed.Load(), Ahead: c.ahead.Load(), Failures: c.failed.Load(),
	}
	if c.figures != nil {
		st.Bytes, st.Evicted = c.figures.CostAdded()-c.figures.CostEvicted(), c.figures.KeysEvicted()
	}
	return st
}
