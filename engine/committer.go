package engine

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Bounds of the committer. A batch is published as a whole, so its size also
// bounds how long a single write may wait for its neighbours.
const (
	commitQueueBytes = 16 << 20 // waiting writes; past it new ones are refused
	commitBatchBytes = 4 << 20
	commitBatchCount = 4096
	writeOverhead    = 256 // bytes counted for a write besides its body
)

// write is one request to the committer.
type write struct {
	size int
	// prepare runs in the committer. It reads the batch's state, b.append's events, and may
	// keep results for done. An error before the first append refuses this write alone.
	prepare func(b *batch) error
	// done runs in the committer after the batch has been published, or has failed. It must not block.
	done func(Position, error)
}

// committer is the single writer of a node.
type committer struct {
	store   Store
	clock   *Clock
	origin  Origin
	publish func([]committed, Position)
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

func newCommitter(s Store, c *Clock, stats *commitStats, publish func([]committed, Position)) *committer {
	k := &committer{store: s, clock: c, origin: s.Origin(), publish: publish, stats: stats, stopped: make(chan struct{})}
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

// close lets the waiting writes finish, then stops the goroutine.
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
		k.commit(ws)
		clear(ws)
	}
}

// take waits for writes and returns as many as one batch holds; none means closed.
func (k *committer) take(ws []write) []write {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.waiting) == 0 && !k.closed {
		k.wake.Wait()
	}
	size, n := 0, 0
	for n < len(k.waiting) && n < commitBatchCount && size < commitBatchBytes {
		size += k.waiting[n].size
		n++
	}
	ws = append(ws, k.waiting[:n]...)
	left := copy(k.waiting, k.waiting[n:])
	clear(k.waiting[left:])
	k.waiting = k.waiting[:left]
	k.bytes -= size
	return ws
}

// commit makes one batch durable, publishes it and answers its writers.
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
		k.stats.batch(len(b.events), time.Since(start))
		k.publish(b.events, pos)
	} else {
		k.stats.failed(len(ws))
	}
	for i, w := range ws {
		switch {
		case errs[i] != nil:
			w.done(Position{}, errs[i])
		case err != nil:
			w.done(Position{}, unavailable(err))
		default:
			w.done(pos, nil)
		}
	}
}

// unavailable wraps a store's error unless it already says what clients should hear.
func unavailable(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Code: ErrUnavailable.Code, Message: ErrUnavailable.Message, RetryAfter: ErrUnavailable.RetryAfter, Err: err}
}

// batch is what one commit will write. It is the view that prepare functions have.
type batch struct {
	k      *committer
	tx     Tx
	seq    uint64
	events []committed
	broken error // the store failed in the middle: nothing of the batch can be kept
}

// fill lets every write add its events. errs gets the refusals; the returned
// error is of the store and fails all.
func (b *batch) fill(ws []write, errs []error) (err error) {
	if b.tx, err = b.k.store.Begin(); err != nil {
		return err
	}
	for i, w := range ws {
		before := len(b.events)
		if errs[i] = w.prepare(b); b.broken != nil {
			errs[i] = nil
			return b.broken
		}
		if errs[i] != nil && len(b.events) > before {
			return fmt.Errorf("refused after its first event: %w", errs[i])
		}
	}
	return nil
}

// stamp returns the next time of this node: for writes that need their event's ID beforehand.
func (b *batch) stamp() Stamp { return b.k.clock.Next() }

// id is the ID that an event of this node stamped s will have.
func (b *batch) id(s Stamp) ID { return MakeID(s, b.k.origin) }

// append stamps an event of this node and adds it. Data is encoded here unless
// it has been already. An error has broken the batch: return it.
func (b *batch) append(e *Event) error {
	if e.Stamp == 0 {
		e.Stamp = b.stamp()
	}
	e.Origin, e.Seq = b.k.origin, b.seq+1
	if e.Data == nil {
		if e.Data, b.broken = b.k.store.EncodePayload(e.Payload); b.broken != nil {
			return b.broken
		}
	}
	_, effects, err := b.tx.Append(e)
	if err != nil {
		b.broken = fmt.Errorf("append event: %w", err)
		return b.broken
	}
	b.seq++
	b.events = append(b.events, committed{e, effects})
	return nil
}

// apply adds a peer's event as its origin stamped it. A repeat is no error.
func (b *batch) apply(e *Event) error {
	applied, effects, err := b.tx.Append(e)
	if err != nil {
		if !errors.Is(err, ErrGap) {
			b.broken = fmt.Errorf("apply event: %w", err)
		}
		return err
	}
	if applied {
		b.k.clock.Observe(e.Stamp)
		b.events = append(b.events, committed{e, effects})
	}
	return nil
}
