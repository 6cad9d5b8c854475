package storage

import (
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// amendment is what the batch that is being written changes of messages that
// kept pages may hold. Such a batch can be seen before its subjects move: a reader who
// extends a page then would join what was kept, from before it, with what it adds.
// So the batch is announced before it can be seen, until its subjects have moved.
type amendment struct {
	shards []uint32
	all    bool
}

// amend announces shards; the function that it returns ends that.
func (c *cache) amend(shards []uint32) (end func()) {
	if len(shards) == 0 {
		return func() {}
	}
	return c.announce(&amendment{shards: shards})
}

func (c *cache) amendAll() (end func()) { return c.announce(&amendment{all: true}) }

func (c *cache) announce(a *amendment) (end func()) {
	c.amending.Store(a)
	return func() { c.amending.Store(nil) }
}

// unamended tells, after a look at the disk, whether it showed nothing of an
// amendment of later than the mark. The announcement is looked at first: if it
// has ended by then, the mark has moved.
func (c *cache) unamended(m engine.Mark) bool {
	if a := c.amending.Load(); a != nil && (a.all || slices.Contains(a.shards, m.Place)) {
		return false
	}
	return c.generations[m.Place].Load() == m.Number
}
