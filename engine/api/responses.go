package api

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/klatch-chat/klatch/engine"
)

// responses is the cache of answers to GETs.
//
// An answer is kept with the marks of what it was derived from, taken before it
// was read, and given only while these are fresh: then the store could have
// given it at this moment (I8). So nothing is ever taken out for being old; the
// time to live only frees memory. Answers of one user are under keys that hold
// the user; shared ones name those for whom they are not. The right to see an
// answer is none of the cache's business: see view.
//
// The cache may fail in any way but one, by giving another view's answer, and
// for that it compares keys. A failure is logged and the answer read as if there were no cache.
type responses struct {
	shelf   shelf
	figures *ristretto.Metrics // of the shelf
	flights *flights
	readers *readers
	store   engine.Freshness
	now     func() time.Time
	log     *slog.Logger

	hits, misses, joined, bypassed, failed, ahead atomic.Uint64
}

// shelf is where answers are: Ristretto, but for tests.
type shelf interface {
	Get(key string) (*kept, bool)
	SetWithTTL(key string, k *kept, cost int64, ttl time.Duration) bool
	Wait() // until what was set can be got
	Close()
}

// source is where an answer came from, as X-Cache says.
type source string

const (
	hit    source = "HIT"
	miss   source = "MISS"
	bypass source = "BYPASS"
)

// newResponses makes a cache of so many bytes; of none, one that keeps nothing.
func newResponses(bytes int64, store engine.Freshness, now func() time.Time, log *slog.Logger) (*responses, error) {
	c := &responses{flights: newFlights(), readers: newReaders(), store: store, now: now, log: log}
	if bytes <= 0 {
		return c, nil
	}
	shelf, err := ristretto.NewCache(&ristretto.Config[string, *kept]{
		NumCounters: max(1000, 10*bytes/typicalCost),
		MaxCost:     bytes,
		BufferItems: 64,
		Metrics:     true,
	})
	if err != nil {
		return nil, fmt.Errorf("make the response cache: %w", err)
	}
	c.shelf, c.figures = shelf, shelf.Metrics
	return c, nil
}

const typicalCost = 4 << 10 // of an answer, for the number of counters

func (c *responses) close() {
	c.readers.close()
	if c.shelf != nil {
		c.shelf.Close()
	}
}

// get answers a view for a user: from the cache, from somebody's reading that is
// under way, or by reading it.
func (c *responses) get(route string, v view, user engine.ID, ttl time.Duration) (*kept, source, error) {
	if c.shelf == nil {
		return c.pass(v)
	}
	k, keys := c.look(route, v, user)
	if k != nil {
		c.hits.Add(1)
		return k, hit, nil
	}
	k, others, err := c.flights.join(keys.best(),
		func(k *kept) bool { return k.key == keys.best() && k.isFor(user) },
		func(k *kept) bool { return c.store.Fresh(k.marks...) },
		func() (*kept, error) { return c.fill(keys, v, user, ttl) })
	if others {
		c.joined.Add(1)
	} else {
		c.misses.Add(1)
	}
	return k, miss, err
}

// keys is where a view's answer may be.
type keys struct {
	common string // for all; "" if it is not shared
	own    string // for one user
}

func (k keys) best() string {
	if k.common != "" {
		return k.common
	}
	return k.own
}

// look finds an answer that is kept and good now, or the keys to look for one.
func (c *responses) look(route string, v view, user engine.ID) (*kept, keys) {
	var at keys
	if v.shared {
		at.common = route + "\x01" + v.key
		if k := c.find(at.common, user); k != nil {
			return k, at
		}
	}
	at.own = route + "\x00" + string(user[:]) + v.key
	return c.find(at.own, user), at
}

// pass reads a view past all that is kept.
func (c *responses) pass(v view) (*kept, source, error) {
	c.bypassed.Add(1)
	rd, err := v.read(true)
	if err != nil {
		return nil, bypass, err
	}
	return newKept("", rd, c.now()), bypass, nil
}

// find returns a kept answer that is good now, nil if there is none.
func (c *responses) find(key string, user engine.ID) (found *kept) {
	defer c.guard(&found)
	k, ok := c.shelf.Get(key)
	if !ok || k.key != key || !k.isFor(user) || !c.store.Fresh(k.marks...) {
		return nil
	}
	return k
}

// fill reads a view and keeps it, for all if it is the same for all.
func (c *responses) fill(at keys, v view, user engine.ID, ttl time.Duration) (*kept, error) {
	rd, err := v.read(false)
	if err != nil {
		return nil, err
	}
	k := newKept(at.common, rd, c.now())
	// What changed while it was read may be half of what was and half of what is.
	if !v.shared || !k.isFor(user) || !c.store.Fresh(k.marks...) {
		k.key, k.single, k.except = at.own, false, nil
	}
	c.keep(k, ttl)
	return k, nil
}

// keep puts an answer on the shelf and waits until it is there: who comes next must find it.
func (c *responses) keep(k *kept, ttl time.Duration) {
	var none *kept
	defer c.guard(&none)
	c.shelf.SetWithTTL(k.key, k, k.cost(), ttl)
	c.shelf.Wait()
}

// guard makes of a broken cache one that has nothing.
func (c *responses) guard(found **kept) {
	v := recover()
	if v == nil {
		return
	}
	*found = nil
	if n := c.failed.Add(1); n&(n-1) == 0 { // the first, second, fourth ...: a broken cache breaks at each request
		c.log.Error("the response cache failed: answers are read instead", "err", v, "failures", n)
	}
}
