package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage/portable"
)

// chronicle reads the events between two positions, of all origins, in order of
// id, with what has become of each since. The log has them by origin and the posts
// lie by room, so it works in windows: it merges the next entries of the log, reads what they
// point at in order of the rooms, where neighbours in time are neighbours on the disk, and
// hands them out in order of time. It needs memory for a window, whatever the size of the store.
// It belongs to one goroutine; the store may be written to, and closed, meanwhile.
type chronicle struct {
	stamps map[engine.Origin]engine.Stamp // of the last event of each origin
	shown  bool                           // only what views show is wanted: fates are looked up
	merge  *merge
	rest   []told             // merged, and not handed out yet
	left   uint64             // how many are to be handed out
	size   int                // how many to look up at a time
	closed map[engine.ID]bool // whether rooms have been deleted, of some

	mu sync.Mutex       // held while the disk is read, so that Close of the store waits for that and no more
	db *pebble.Snapshot // nil: closed

	done   func()      // tells the store that nothing of it is held any more
	unhook func() bool // from the store's end
}

// told is an event of a chronicle.
type told struct {
	engine.Event
	fate portable.Fate
	// subject is the message that a post or an edit is about; zero: nothing to look up.
	subject engine.ID
	posted  bool // the content is to be read from there
}

// Bounds of a window: how many events, and bytes of contents. One event may have more.
// A window reads the blocks of every room that it has a post of, so small ones read
// each block again and again: with a thousand busy rooms one of 16 Ki events takes half as long again.
const (
	maxWindow   = 96 << 10
	windowBytes = 24 << 20
)

// chronicle opens the events that through covers and after does not. What is beyond
// through is not looked at, be it synced or not, so this works on a failed disk too.
func (s *Store) chronicle(after, through engine.Position, shown bool) (*chronicle, error) {
	c := &chronicle{shown: shown, size: maxWindow, closed: map[engine.ID]bool{}}
	if err := c.open(s); err != nil {
		return nil, err
	}
	if err := c.begin(after, through); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// open takes the snapshot. The store, when it closes, takes it away again and waits for
// that alone, not for whoever reads the chronicle: he may wait for somebody slow himself.
func (c *chronicle) open(s *Store) error {
	_, done, err := s.work.begin(context.Background())
	if err != nil {
		return err
	}
	c.db, c.done = s.db.NewSnapshot(), done
	c.unhook = context.AfterFunc(s.work.ctx, func() { _ = c.end() }) // whoever reads on is told by next
	return nil
}

func (c *chronicle) begin(after, through engine.Position) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return errClosed()
	}
	if c.stamps, err = lastStamps(c.db, through); err == nil {
		c.merge, c.left = newMerge(after, through), through.Behind(after)
	}
	return err
}

// lastStamps reads the stamp of the last event of each origin in a position.
func lastStamps(r pebble.Reader, p engine.Position) (map[engine.Origin]engine.Stamp, error) {
	stamps := map[engine.Origin]engine.Stamp{}
	probe, err := newProber(r)
	if err != nil {
		return nil, err
	}
	for o, seq := range p.All() {
		k := key{kind: kindLog, origin: o, seq: seq}
		v, err := probe.get(k.build())
		if err == nil && v == nil {
			err = errLogGap
		}
		var head engine.LogEntry
		if err == nil {
			head, _, err = readEntry(&k, v)
		}
		if err != nil {
			return nil, done(probe, fmt.Errorf("log entry %s/%d: %w", o, seq, err))
		}
		stamps[o] = head.Stamp
	}
	return stamps, done(probe, nil)
}

// window is a stretch of a chronicle. Whoever has it may read it until he gives
// it back to be filled again.
type window struct {
	events  []told
	content arena // of the posts among them
}

// next fills a window with the next events; io.EOF after the last.
func (c *chronicle) next(w *window) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return errClosed()
	}
	w.events = append(slices.Grow(w.events[:0], int(min(uint64(c.size), c.left))), c.rest...)
	if err := c.merge.take(c.db, &w.events, c.size); err != nil {
		return err
	}
	if len(w.events) == 0 {
		return io.EOF
	}
	n := len(w.events)
	for {
		fits, err := c.lookUp(w, n)
		if err != nil {
			return err
		}
		if fits {
			break
		}
		n = max(n/2, 1)
	}
	c.rest = append(c.rest[:0], w.events[n:]...)
	w.events = w.events[:n]
	c.left -= uint64(n)
	c.size = min(2*n, maxWindow)
	return nil
}

// close ends the chronicle. It may be called again, and from any goroutine.
func (c *chronicle) close() error {
	c.unhook()
	return c.end()
}

func (c *chronicle) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	db := c.db
	if c.db = nil; db == nil {
		return nil
	}
	defer c.done()
	return db.Close()
}
