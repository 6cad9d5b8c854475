package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// getter is what lookups need, of the store or of a batch on top of it.
type getter interface {
	// get returns the value of a key, nil when there is none. It is the caller's to read, not to change.
	get(key []byte) ([]byte, error)
	// message returns what is stored of a message.
	message(room, id engine.ID) (*message, error)
}

func (s *Store) get(key []byte) ([]byte, error) {
	s.reads.seeks.Add(1)
	return getOf(s.view(), key)
}

func getOf(r pebble.Reader, key []byte) ([]byte, error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	return out, closer.Close()
}

// iter opens an iterator over keys with a prefix. Close it with done.
func (s *Store) iter(prefix []byte) (*iterator, error) {
	lower, upper := bounds(prefix)
	return s.within(lower, upper)
}

// within opens an iterator over keys from one up to another.
func (s *Store) within(lower, upper []byte) (*iterator, error) {
	it, err := s.view().NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly, LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return &iterator{it, &s.reads}, nil
}

func iterOf(r pebble.Reader, prefix []byte) (*pebble.Iterator, error) {
	o := &pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly}
	o.LowerBound, o.UpperBound = bounds(prefix)
	it, err := r.NewIter(o)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return it, nil
}

// done closes an iterator. Its error, or err if that came first, is the scan's.
func done(it io.Closer, err error) error {
	if cerr := it.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("read: %w", cerr)
	}
	return err
}

// scan calls fn for every key with a prefix, in order. Values are valid until fn returns.
func (s *Store) scan(prefix []byte, fn func(k key, value []byte) error) error {
	return scanOf(s.view(), prefix, fn)
}

func scanOf(r pebble.Reader, prefix []byte, fn func(k key, value []byte) error) error {
	it, err := iterOf(r, prefix)
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var k key
		if k, err = parseKey(it.Key()); err == nil {
			err = fn(k, it.Value())
		}
	}
	return done(it, err)
}

// listAfter calls fn for at most limit keys of a list, from the one after a
// given key on; start is the first key there could be.
func (s *Store) listAfter(prefix, start []byte, fn func(k key, value []byte) (more bool, err error)) error {
	it, err := s.iter(prefix)
	if err != nil {
		return err
	}
	more := true
	for ok := it.SeekGE(start); ok && more && err == nil; ok = more && err == nil && it.Next() {
		if bytes.Equal(it.Key(), start) {
			continue
		}
		var k key
		if k, err = parseKey(it.Key()); err == nil {
			more, err = fn(k, it.Value())
		}
	}
	return done(it, err)
}

// prober looks up keys that are mostly not there: unlike Get it asks the bloom
// filters of the last level too, so that a miss reads nothing.
type prober struct {
	it *pebble.Iterator
}

func newProber(r pebble.Reader) (*prober, error) {
	it, err := r.NewIter(&pebble.IterOptions{KeyTypes: pebble.IterKeyTypePointsOnly, UseL6Filters: true})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return &prober{it}, nil
}

func (p *prober) get(key []byte) ([]byte, error) {
	if !p.it.SeekPrefixGE(key) || !bytes.Equal(p.it.Key(), key) {
		if err := p.it.Error(); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		return nil, nil
	}
	v, err := p.it.ValueAndErr()
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return append(make([]byte, 0, len(v)), v...), nil
}

func (p *prober) close() error { return p.it.Close() }

// Close lets done close it.
func (p *prober) Close() error { return p.close() }

// probe looks one such key up.
func (s *Store) probe(key []byte) ([]byte, error) {
	p, err := newProber(s.view())
	if err != nil {
		return nil, err
	}
	v, err := p.get(key)
	s.reads.add(p.it)
	return v, errors.Join(err, p.close())
}
