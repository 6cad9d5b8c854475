package storage

import (
	"errors"
	"hash/maphash"
	"sync/atomic"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/klatch-chat/klatch/engine"
)

// cache holds answers that are asked for often. It must never keep an old one.
//
// Ristretto alone cannot promise that: its Set is buffered, and a reader that
// read before a commit may Set after the commit's Del. So nothing is ever
// deleted. Each entry carries the generations of what it was derived from, taken
// before the reader looked at the disk; a commit raises those generations after
// its data is visible and before it returns; an entry whose generations are not
// the current ones is a miss. A late Set of an old answer is therefore dead on
// arrival. Generations are shared by hash, so now and then an entry dies for
// another's sake: that costs a read. Which subjects answers depend on is in subject.go.
type cache struct {
	entries     *ristretto.Cache[[]byte, entry]
	seed        maphash.Seed
	generations [generationCount]atomic.Uint64
	hits        atomic.Uint64
	misses      atomic.Uint64
	evictions   atomic.Uint64

	pageHits, pageExtensions, pageMisses atomic.Uint64 // see newest.go

	amending atomic.Pointer[amendment]
}

const generationCount = 1 << 16

// aboutCredentials names an answer of its own, which depends on the user.
const aboutCredentials engine.SubjectKind = 'C'

type entry struct {
	deps  [2]engine.Mark
	value any
	err   error // ErrNotFound is an answer too
}

const entryCost = 256 // bytes, about, with Ristretto's own

func newCache(bytes int64) (*cache, error) {
	c := &cache{seed: maphash.MakeSeed()}
	var err error
	c.entries, err = ristretto.NewCache(&ristretto.Config[[]byte, entry]{
		NumCounters:        max(1000, bytes/entryCost*4),
		MaxCost:            max(1<<16, bytes),
		BufferItems:        64,
		IgnoreInternalCost: true,
		OnEvict:            func(*ristretto.Item[entry]) { c.evictions.Add(1) },
	})
	return c, err
}

// bytes is the cost of all entries.
func (c *cache) bytes() int64 { return c.entries.MaxCost() - c.entries.RemainingCost() }

func (c *cache) close() { c.entries.Close() }

func (c *cache) shard(s *engine.Subject) uint32 {
	return uint32(maphash.Bytes(c.seed, s[:])) % generationCount
}

func (c *cache) mark(s *engine.Subject) engine.Mark {
	i := c.shard(s)
	return engine.Mark{Place: i, Number: c.generations[i].Load()}
}

// raise makes everything derived from a shard stale.
func (c *cache) raise(shard uint32) { c.generations[shard].Add(1) }

func (c *cache) raiseAll() {
	for i := range c.generations {
		c.generations[i].Add(1)
	}
}

func (c *cache) fresh(marks []engine.Mark) bool {
	for _, m := range marks {
		if m.Place >= generationCount || c.generations[m.Place].Load() != m.Number {
			return false
		}
	}
	return true
}

// Mark implements engine.Freshness.
func (s *Store) Mark(about engine.Subject) engine.Mark { return s.cache.mark(&about) }

// Fresh implements engine.Freshness.
func (s *Store) Fresh(marks ...engine.Mark) bool { return s.cache.fresh(marks) }

// cached answers from the cache, or loads and keeps the answer. It depends on a and b.
func cached[T any](c *cache, answer, a, b engine.Subject, cost int64, load func() (T, error)) (T, error) {
	if e, ok := c.entries.Get(answer[:]); ok && c.fresh(e.deps[:]) {
		if v, ok := e.value.(T); ok {
			c.hits.Add(1)
			return v, e.err
		}
	}
	c.misses.Add(1)
	e := entry{deps: [2]engine.Mark{c.mark(&a), c.mark(&b)}}
	v, err := load()
	if err == nil || errors.Is(err, engine.ErrNotFound) {
		e.value, e.err = v, err
		c.entries.Set(answer[:], e, entryCost+cost)
	}
	return v, err
}
