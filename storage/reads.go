package storage

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// reads sums what all queries have cost, by Pebble's own counters; not what the
// committer reads inside a batch, nor snapshots. A look-up of one key counts as a seek.
type reads struct {
	seeks    atomic.Uint64
	steps    atomic.Uint64 // asked for
	internal atomic.Uint64 // that Pebble made for them, over old versions and deletions too
	bytes    atomic.Uint64 // of the blocks that iterators looked into
}

// add takes what an iterator has cost, before it is closed.
func (r *reads) add(it *pebble.Iterator) {
	s := it.Stats()
	r.seeks.Add(uint64(s.ForwardSeekCount[pebble.InterfaceCall] + s.ReverseSeekCount[pebble.InterfaceCall]))
	r.steps.Add(uint64(s.ForwardStepCount[pebble.InterfaceCall] + s.ReverseStepCount[pebble.InterfaceCall]))
	r.internal.Add(uint64(s.ForwardStepCount[pebble.InternalIterCall] + s.ReverseStepCount[pebble.InternalIterCall]))
	r.bytes.Add(s.InternalStats.BlockBytes)
}

// iterator is Pebble's, counted.
type iterator struct {
	*pebble.Iterator
	reads *reads
}

func (it *iterator) Close() error {
	it.reads.add(it.Iterator)
	return it.Iterator.Close()
}
