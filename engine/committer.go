package engine

import (
	"errors"
	"sync"
	"time"
)

// Bounds of the committer. A batch is published as a whole, so its size also
// bounds how long a single write may wait for its neighbours.
const (
	commitQueueBytes = 16 << 20 // waiting writes; past it new ones are refused
	commitBatchBytes = 4 << 20
	commitBatchCount = 4096
	writeOverhead    = 256 // bytes counted for a write, and for an event, besides its body
)

// write is one request to the committer.
type write struct {
	size int
	// internal writes wait for no write concern: nobody was promised one.
	internal bool
	// prepare runs in the committer. It reads the batch's state, b.append's events, and may
	// keep results for done. An error before the first append refuses this write alone.
	prepare func(b *batch) error
	// between, instead of prepare, runs in the committer between two batches.
	between func() error
	// done runs once: after a failure or, when the write is published and its concern
	// holds, in whichever goroutine knows. It must not block.
	done func(Receipt, error)
}

// committer is the single writer of a node.
type committer struct {
	store   Store
	clock   *Clock
	origin  Origin
	publish func([]committed, Position)
	peers   Peers // nil: alone
	stats   *commitStats

	mu      sync.Mutex
	wake    sync.Cond // waiting non-empty, or closed
	waiting []write
	bytes   int
	closed  bool

	stopped chan struct{}
}

// committed is an event with what it changed besides its subject.
type committed struct {
	*Event
	effects Effects
}

func newCommitter(s Store, c *Clock, stats *commitStats, peers Peers, publish func([]committed, Position)) *committer {
	k := &committer{
		store: s, clock: c, origin: s.Origin(), publish: publish, peers: peers, stats: stats,
		stopped: make(chan struct{}),
	}
	k.wake.L = &k.mu
	go k.run()
	return k
}

// submit queues a write. It never blocks; a full queue is ErrUnavailable.
func (k *committer) submit(w write) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || k.bytes+w.size > commitQueueBytes {
		return ErrUnavailable
	}
	k.waiting = append(k.waiting, w)
	k.bytes += w.size
	k.wake.Signal()
	return nil
}

// close lets the waiting writes finish, then stops the goroutine. Those that
// wait for their concern are the peers' to answer.
func (k *committer) close() {
	k.mu.Lock()
	k.closed = true
	k.wake.Signal()
	k.mu.Unlock()
	<-k.stopped
}

func (k *committer) run() {
	defer close(k.stopped)
	var ws []write
	for {
		if ws = k.take(ws[:0]); len(ws) == 0 {
			return
		}
		if ws[0].between != nil {
			k.pause(ws[0])
		} else {
			k.commit(ws)
		}
		clear(ws)
	}
}

// take waits for writes and returns as many as one batch holds, or one that
// wants to be between two; none means closed.
func (k *committer) take(ws []write) []write {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.waiting) == 0 && !k.closed {
		k.wake.Wait()
	}
	size, n := 0, 0
	for n < len(k.waiting) && n < commitBatchCount && size < commitBatchBytes {
		alone := k.waiting[n].between != nil
		if alone && n > 0 {
			break
		}
		size += k.waiting[n].size
		if n++; alone {
			break
		}
	}
	ws = append(ws, k.waiting[:n]...)
	left := copy(k.waiting, k.waiting[n:])
	clear(k.waiting[left:])
	k.waiting = k.waiting[:left]
	k.bytes -= size
	return ws
}

// pause runs what wants to be between two batches.
func (k *committer) pause(w write) {
	if err := w.between(); err != nil {
		w.done(Receipt{}, err)
		return
	}
	w.done(Receipt{k.store.Position(), DurableLocal}, nil)
}

// commit makes one batch durable, publishes it and answers its writers. Peers
// have it first: their syncs take longer than what the hub does meanwhile.
func (k *committer) commit(ws []write) {
	b := &batch{k: k, seq: k.store.Position().Seq(k.origin)}
	errs := make([]error, len(ws))
	start := time.Now()
	err := b.fill(ws, errs)
	if err == nil && len(b.events) > 0 {
		err = b.tx.Commit()
	}
	if b.tx != nil {
		b.tx.Discard()
	}
	pos := k.store.Position()
	if err == nil {
		k.stats.batch(b.events, k.origin, start)
		k.replicate(b.events)
		k.publish(b.events, pos)
	} else {
		k.stats.failed(len(ws))
	}
	k.answer(ws, errs, pos, err)
}

// replicate gives the peers what is this node's of a batch.
func (k *committer) replicate(events []committed) {
	if k.peers == nil || len(events) == 0 {
		return
	}
	var own []*Event
	for i, ev := range events {
		if ev.Origin == k.origin {
			if own == nil {
				own = make([]*Event, 0, len(events)-i)
			}
			own = append(own, ev.Event)
		}
	}
	k.peers.Published(own)
}

// answer tells writers what has become of their writes; those with a write
// concern when it is known, which is asked once for the batch.
func (k *committer) answer(ws []write, errs []error, pos Position, err error) {
	var waiting []func(Receipt, error) // ws is used again
	for i, w := range ws {
		switch {
		case errs[i] != nil:
			w.done(Receipt{}, errs[i])
		case err != nil:
			w.done(Receipt{}, unavailable(err))
		case k.peers == nil || w.internal:
			w.done(Receipt{pos, DurableLocal}, nil)
		default:
			if waiting == nil {
				waiting = make([]func(Receipt, error), 0, len(ws)-i)
			}
			waiting = append(waiting, w.done)
		}
	}
	if len(waiting) > 0 {
		k.await(waiting, pos)
	}
}

func (k *committer) await(waiting []func(Receipt, error), pos Position) {
	k.peers.Await(pos.Seq(k.origin), func(level Durability, err error) {
		r := Receipt{pos, level}
		if err != nil {
			r, err = Receipt{}, unavailable(err)
		}
		for _, done := range waiting {
			done(r, err)
		}
	})
}

// unavailable wraps a store's error unless it already says what clients should hear.
func unavailable(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Code: ErrUnavailable.Code, Message: ErrUnavailable.Message, RetryAfter: ErrUnavailable.RetryAfter, Err: err}
}
