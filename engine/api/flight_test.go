package api

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// oneSubject is a store about a single thing.
type oneSubject struct{ number atomic.Uint64 }

func (s *oneSubject) Mark(engine.Subject) engine.Mark { return engine.Mark{Number: s.number.Load()} }
func (s *oneSubject) Fresh(marks ...engine.Mark) bool {
	for _, m := range marks {
		if m.Number != s.number.Load() {
			return false
		}
	}
	return true
}

// TestStampede: however many ask for what is not kept, it is read once.
func TestStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &oneSubject{}
		c := newTestResponses(t, store)
		var reads atomic.Int32
		v := view{key: "k", shared: true, read: func(bool) (reading, error) {
			rd := reading{body: 1, marks: []engine.Mark{store.Mark(engine.Subject{})}}
			reads.Add(1)
			time.Sleep(time.Second) // of the bubble's clock: until all others wait
			return rd, nil
		}}
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if _, _, err := c.get("r", v, engine.ID{byte(i)}, time.Minute); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n, s := reads.Load(), c.joined.Load(); n != 1 || s != 49 {
			t.Errorf("%d reads, %d joined", n, s)
		}
	})
}

// TestFlightsGiveNothingOlderThanWhoComes (I8): somebody comes while a reading is
// under way that has seen what was before a commit which he knows of.
func TestFlightsGiveNothingOlderThanWhoComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &oneSubject{}
		c := newTestResponses(t, store)
		v := view{key: "k", shared: true, read: func(bool) (reading, error) {
			rd := reading{body: store.number.Load(), marks: []engine.Mark{store.Mark(engine.Subject{})}}
			time.Sleep(time.Second)
			return rd, nil
		}}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 130 * time.Millisecond)
				if i%3 == 0 {
					store.number.Add(1)
				}
				least := store.number.Load()
				k, _, err := c.get("r", v, engine.ID{byte(i)}, time.Minute)
				if err != nil {
					t.Error(err)
				} else if got := uint64(k.plain.body[0] - '0'); len(k.plain.body) == 2 && got < least && least < 10 {
					t.Errorf("I8: %d came after %d and got %d", i, least, got)
				}
			})
		}
		all.Wait()
	})
}

// TestFlightFails: an error is told to the one who read, and keeps no other from reading.
func TestFlightFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &oneSubject{}
		c := newTestResponses(t, store)
		var reads atomic.Int32
		broken := errors.New("broken")
		v := view{key: "k", shared: true, read: func(bool) (reading, error) {
			time.Sleep(time.Second)
			switch reads.Add(1) {
			case 1:
				return reading{}, broken
			case 2:
				panic("in the middle")
			}
			return reading{body: 1}, nil
		}}
		var failed, panicked, served atomic.Int32
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panicked.Add(1)
					}
				}()
				if _, _, err := c.get("r", v, engine.ID{}, time.Minute); err != nil {
					failed.Add(1)
				} else {
					served.Add(1)
				}
			})
		}
		all.Wait()
		if f, p, s := failed.Load(), panicked.Load(), served.Load(); f != 1 || p != 1 || s != 8 {
			t.Errorf("%d failed, %d panicked, %d were served", f, p, s)
		}
		if len(c.flights.running) > 0 {
			t.Error("a flight is left in the table")
		}
	})
}

// mapShelf is a shelf without goroutines of its own, for the bubble.
type mapShelf struct{ m sync.Map }

func (s *mapShelf) Get(key string) (*kept, bool) {
	k, ok := s.m.Load(key)
	if !ok {
		return nil, false
	}
	return k.(*kept), true
}
func (s *mapShelf) SetWithTTL(key string, k *kept, _ int64, _ time.Duration) bool {
	s.m.Store(key, k)
	return true
}
func (s *mapShelf) Wait()  {}
func (s *mapShelf) Close() {}

func newTestResponses(t *testing.T, store engine.Freshness) *responses {
	c, err := newResponses(0, store, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c.shelf = &mapShelf{}
	return c
}
