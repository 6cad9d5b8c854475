package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// CheckOptions tell how to check.
type CheckOptions struct {
	Findings int                 // how many are told of one by one, beside the counts; default 1000
	Progress func(CheckProgress) // called now and then, never twice at a time; may be nil
}

// CheckProgress is how far a check has come.
type CheckProgress struct {
	Phase string `json:"phase"`
	Done  uint64 `json:"done"`  // keys read
	Total uint64 `json:"total"` // about
}

// CheckReport is what a check has found.
type CheckReport struct {
	Findings   []Finding       `json:"findings"` // the first ones
	Counts     map[Code]uint64 `json:"counts"`   // all
	Unmendable uint64          `json:"unmendable"`
	Complete   bool            `json:"complete"` // all could be read, so all checks were made
	Tables     int             `json:"tables"`
	Keys       uint64          `json:"keys"`
	Bytes      uint64          `json:"bytes"` // of keys and values
	Events     uint64          `json:"events"`
	Messages   uint64          `json:"messages"`
	Seconds    float64         `json:"seconds"`
}

// OK tells whether nothing was found.
func (r *CheckReport) OK() bool { return len(r.Counts) == 0 && r.Complete }

const defaultFindings = 1000

// Check reads the whole store at one moment and compares everything in it with the
// log: nothing that can be derived is believed. It goes in passes, each one scan in
// order of keys, with bounded memory whatever the size of the store:
//
//	tables    the checksum of each block of each file, past all caches
//	log       I2: contiguous, stamps rise, positions. Events that are no posts derive
//	          their views once more, in a scratch store (scratch.go)
//	messages  each message with its parts, beside those of the scratch
//	indexes   nonces, mentions, replies
//	views     all other keys, beside those of the scratch, byte for byte
//
// What follows from posts is not derived again, for posts are nearly all that a
// store holds. Each of these relations (the log and the posts; nonces, hidden
// repeats, replies and mentions, and the posts) is two sets that must be one, gathered in
// different orders: their fingerprints are compared (fingerprint.go). Only where these
// differ are entries looked up one by one, to name the culprit (culprit.go).
//
// A body has no second copy: whether it is what was written, Pebble's checksums alone tell.
func (s *Store) Check(ctx context.Context, o CheckOptions) (CheckReport, error) {
	ctx, end, err := s.work.begin(ctx)
	if err != nil {
		return CheckReport{}, err
	}
	defer end()
	return s.inspect(ctx, o)
}

// Check checks the store of a node that does not run. It changes nothing, and needs
// no more of the store than that Pebble can open it.
func Check(ctx context.Context, dir string, opts Options, o CheckOptions) (r CheckReport, err error) {
	s, err := openAt(dir, opts, toExamine)
	if err != nil {
		return r, err
	}
	r, err = s.inspect(ctx, o)
	return r, errors.Join(err, s.Close())
}

// openAt opens a store that must be there already.
func openAt(dir string, opts Options, a access) (*Store, error) {
	opts = opts.withDefaults()
	if err := MustExist(dir, opts.FS); err != nil {
		return nil, err
	}
	opts.access = a
	return Open(dir, opts)
}

// inspection is one check under way.
type inspection struct {
	s       *Store
	ctx     context.Context
	cancel  context.CancelFunc
	at      pebble.Reader // the snapshot
	scratch *scratch
	found   *findings
	gaps    gapList

	pointers, nonces, hidden, replies, mentions relation

	// Whether all of a sort could be read; each written by one goroutine.
	logRead, messagesRead, indexesRead bool

	events, messages uint64 // written by one goroutine
	tables           int
	keys, bytes      atomic.Uint64
	progress         *progress
}

func (s *Store) inspect(ctx context.Context, o CheckOptions) (r CheckReport, err error) {
	if o.Findings <= 0 {
		o.Findings = defaultFindings
	}
	start := time.Now()
	snap := s.db.NewSnapshot()
	c := &inspection{s: s, ctx: ctx, at: snap, found: newFindings(o.Findings), progress: &progress{tell: o.Progress}}
	if c.scratch, err = s.newScratch(); err != nil {
		return r, errors.Join(err, snap.Close())
	}
	err = c.run()
	err = errors.Join(err, c.scratch.close(), snap.Close())
	r = c.report()
	r.Seconds = time.Since(start).Seconds()
	return r, err
}

// run makes the passes. Files and indexes need nothing of the rest, and are read beside the
// log; messages need what the log has derived, and are read in shares.
func (c *inspection) run() error {
	c.progress.total = c.estimate()
	c.ctx, c.cancel = context.WithCancel(c.ctx)
	defer c.cancel()
	var beside error
	var done sync.WaitGroup
	done.Go(func() {
		if beside = errors.Join(c.checkTables(), c.checkIndexes()); beside != nil {
			c.cancel()
		}
	})
	err := c.checkLog()
	if err != nil {
		c.cancel()
	}
	done.Wait()
	if err = firstCause(err, beside); err != nil {
		return err
	}
	if err := errors.Join(c.checkMessages(), c.ctx.Err()); err != nil {
		return err
	}
	if err := c.checkViews(); err != nil {
		return err
	}
	if err := c.findCulprits(); err != nil {
		return c.unreadable([]byte{kindMessage}, nil, err)
	}
	return nil
}

// firstCause is an error that is more than another's cancelling, if there is one.
func firstCause(errs ...error) (cause error) {
	for _, err := range errs {
		if err != nil && (cause == nil || errors.Is(cause, context.Canceled)) {
			cause = err
		}
	}
	return cause
}

func (c *inspection) report() CheckReport {
	f := c.found
	return CheckReport{
		Findings: f.list, Counts: f.counts, Unmendable: f.unmendable,
		Complete: c.logRead && c.messagesRead && c.indexesRead && f.counts[CodeUnreadable] == 0,
		Tables:   c.tables, Keys: c.keys.Load(), Bytes: c.bytes.Load(),
		Events: c.events, Messages: c.messages,
	}
}

// stride is how many keys are read between two looks at the clock and the context.
const stride = 4096

// each reads all keys with a prefix. Where reading stops that is a finding, and whole is false.
func (c *inspection) each(phase string, prefix []byte, fn func(key, value []byte) error) (whole bool, err error) {
	lower, upper := bounds(prefix)
	return c.within(phase, span{lower, upper}, fn)
}

// span is the keys from one up to another, of one kind.
type span struct{ lower, upper []byte }

func (s span) iter(r pebble.Reader) (*pebble.Iterator, error) {
	it, err := r.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly, LowerBound: s.lower, UpperBound: s.upper})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return it, nil
}

func (c *inspection) within(phase string, s span, fn func(key, value []byte) error) (whole bool, err error) {
	it, err := s.iter(c.at)
	if err != nil {
		return false, c.unreadable(s.lower, nil, err)
	}
	var last []byte
	var keys, bytes uint64
	for ok := it.First(); ok; ok = it.Next() {
		var v []byte
		if v, err = it.ValueAndErr(); err != nil {
			break
		}
		last = append(last[:0], it.Key()...)
		keys, bytes = keys+1, bytes+uint64(len(last)+len(v))
		if err = fn(last, v); err != nil {
			return false, done(it, err)
		}
		if keys%stride == 0 {
			if err = c.ctx.Err(); err != nil {
				return false, done(it, err)
			}
			c.progress.at(phase, c.keys.Add(stride))
		}
	}
	c.keys.Add(keys % stride)
	c.bytes.Add(bytes)
	if err == nil {
		err = it.Error()
	}
	if err = done(it, err); err != nil {
		return false, c.unreadable(s.lower, last, err)
	}
	return true, nil
}

// unreadable makes a finding of a disk's error; of one that is no damage, an error.
func (c *inspection) unreadable(prefix, last []byte, err error) error {
	if cerr := c.ctx.Err(); cerr != nil {
		return cerr
	}
	at := "the first key of kind " + kindNames[prefix[0]]
	if k, kerr := parseKey(last); kerr == nil {
		at = "after " + k.String()
	}
	c.found.add(CodeUnreadable, at, false, "%v", err)
	return nil
}

// progress tells how far a check has come.
type progress struct {
	tell  func(CheckProgress)
	total uint64
	mu    sync.Mutex
}

func (p *progress) at(phase string, done uint64) {
	if p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(CheckProgress{phase, done, max(p.total, done)})
}
