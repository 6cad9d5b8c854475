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
// another's sake: that costs a read.
type cache struct {
	entries     *ristretto.Cache[[]byte, entry]
	seed        maphash.Seed
	generations [generationCount]atomic.Uint64
	hits        atomic.Uint64
	misses      atomic.Uint64
}

const generationCount = 1 << 14

// subject is what an answer depends on and a commit changes: a kind and its ids.
type subject [1 + 2*idSize]byte

// The kinds of subjects. Those that are answers too are their own first dependency.
const (
	aboutUser        = 'U'
	aboutRoom        = 'R'
	aboutRole        = 'G'
	aboutRooms       = 'L' // of a user
	aboutCredentials = 'C' // depends on the user
	aboutToken       = 'T'
	aboutContent     = 'M' // the messages of a room; as an answer, its newest
	aboutMarker      = 'V' // of a user in a room; as an answer, the unread counts
)

func about(kind byte, a, b engine.ID) (s subject) {
	s[0] = kind
	copy(s[1:], a[:])
	copy(s[1+idSize:], b[:])
	return s
}

type entry struct {
	deps  [2]generation
	value any
	err   error // ErrNotFound is an answer too
}

type generation struct {
	shard  uint32
	number uint64
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
	})
	return c, err
}

func (c *cache) close() { c.entries.Close() }

func (c *cache) shard(s *subject) uint32 {
	return uint32(maphash.Bytes(c.seed, s[:])) % generationCount
}

func (c *cache) generation(s *subject) generation {
	i := c.shard(s)
	return generation{i, c.generations[i].Load()}
}

// raise makes everything derived from a shard stale.
func (c *cache) raise(shard uint32) { c.generations[shard].Add(1) }

func (c *cache) raiseAll() {
	for i := range c.generations {
		c.generations[i].Add(1)
	}
}

func (c *cache) fresh(e *entry) bool {
	for _, d := range e.deps {
		if c.generations[d.shard].Load() != d.number {
			return false
		}
	}
	return true
}

// cached answers from the cache, or loads and keeps the answer. It depends on a and b.
func cached[T any](c *cache, answer, a, b subject, cost int64, load func() (T, error)) (T, error) {
	if e, ok := c.entries.Get(answer[:]); ok && c.fresh(&e) {
		if v, ok := e.value.(T); ok {
			c.hits.Add(1)
			return v, e.err
		}
	}
	c.misses.Add(1)
	e := entry{deps: [2]generation{c.generation(&a), c.generation(&b)}}
	v, err := load()
	if err == nil || errors.Is(err, engine.ErrNotFound) {
		e.value, e.err = v, err
		c.entries.Set(answer[:], e, entryCost+cost)
	}
	return v, err
}
