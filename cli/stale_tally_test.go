package cli

import (
	"fmt"
	"sync/atomic"
)

// staleTally counts answers that were judged, by what they were.
type staleTally struct {
	hits, misses, past      atomic.Uint64 // by X-Cache; past: BYPASS, of views that are never kept
	refusals                atomic.Uint64 // 401 and 404: no X-Cache
	unchanged, coded, lists atomic.Uint64 // of them: 304s, with a content coding, lists of public rooms
	torn, wrong             atomic.Uint64
	refused                 atomic.Uint64 // 503: no answers
}

// judged counts a sight, and returns how many are wrong by now.
func (t *staleTally) judged(s *staleSight, v staleVerdict) uint64 {
	switch v {
	case staleTorn:
		t.torn.Add(1)
	case staleWrong:
		t.wrong.Add(1)
	}
	if !s.listed && !s.absent {
		t.answer(&s.got)
	}
	return t.wrong.Load()
}

// answer counts one by how it was made.
func (t *staleTally) answer(a *staleAnswer) {
	switch a.cache {
	case "HIT":
		t.hits.Add(1)
	case "MISS":
		t.misses.Add(1)
	case "BYPASS":
		t.past.Add(1)
	default:
		t.refusals.Add(1)
	}
	if a.coding != "" {
		t.coded.Add(1)
	}
}

// cached is how many went the way of the cache.
func (t *staleTally) cached() uint64 { return t.hits.Load() + t.misses.Load() }

func (t *staleTally) answers() uint64 {
	return t.hits.Load() + t.misses.Load() + t.past.Load() + t.refusals.Load()
}

// allSorts reports whether there was one at least of each.
func (t *staleTally) allSorts() bool {
	for _, n := range []*atomic.Uint64{&t.hits, &t.misses, &t.past, &t.refusals, &t.unchanged, &t.coded, &t.lists} {
		if n.Load() == 0 {
			return false
		}
	}
	return true
}

func (t *staleTally) String() string {
	return fmt.Sprintf("%d answers: %d HIT, %d MISS, %d BYPASS, %d refusals; of them %d 304, %d coded, %d lists; %d torn, %d wrong; %d not caught up",
		t.answers(), t.hits.Load(), t.misses.Load(), t.past.Load(), t.refusals.Load(),
		t.unchanged.Load(), t.coded.Load(), t.lists.Load(), t.torn.Load(), t.wrong.Load(), t.refused.Load())
}
