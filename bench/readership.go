package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// readers is how many connections a pool keeps, as a proxy in front of a
	// server would; writers are apart, so that no page waits behind a sync.
	readers = 64
	writers = 16

	// popularity is the exponent of the rooms' Zipf law: with 200 rooms the
	// first has a fifth of the readers, and the last half a thousandth.
	popularity = 1.1
)

// readership is the load of Pages: readers of newest pages, and writers.
type readership struct {
	// Static after prepare.
	cfg    Config
	start  time.Time
	tokens []string // of the users
	rooms  []string // ids
	header string   // of every page's request

	newest  newestOf
	number  atomic.Uint32 // of the next post
	answers atomic.Uint64 // pages that came, as they should be or not
	acks    atomic.Uint64 // posts that did, likewise

	mu    sync.Mutex
	tally tally
	found PagesResult
	bytes uint64
	posts *hdrhistogram.Histogram
}

func newReadership(cfg Config) (*readership, error) {
	p := &readership{
		cfg: cfg, start: time.Now(), rooms: make([]string, cfg.Rooms), newest: make(newestOf, cfg.Rooms),
		tally: newTally(), posts: newHistogram(), found: PagesResult{NoCache: cfg.NoCache, Posts: cfg.Posts, XCache: map[string]uint64{}},
	}
	if cfg.NoCache {
		p.header = "Cache-Control: no-cache\r\n"
	}
	k := klatch{secret: cfg.Secret}
	for i := range cfg.Users {
		token, err := k.token(&Client{Index: i, Room: i % cfg.Rooms})
		if err != nil {
			return nil, err
		}
		p.tokens = append(p.tokens, token)
	}
	return p, nil
}

// prepare makes users and rooms, by the users' tokens, and fills the rooms.
func (p *readership) prepare(ctx context.Context, phase func(string) func(float64)) error {
	err := together(ctx, readers, p.cfg.URLs, p.cfg.Users, phase("making users"), p.enter)
	if err != nil {
		return fmt.Errorf("make users: %w", err)
	}
	err = together(ctx, readers, p.cfg.URLs, p.cfg.Messages*p.cfg.Rooms, phase("filling the rooms"), func(c *caller, i int) error {
		return p.post(c, job{room: i % p.cfg.Rooms, user: i % p.cfg.Rooms, at: p.since()})
	})
	if err != nil {
		return fmt.Errorf("fill the rooms: %w", err)
	}
	return nil
}

// enter has a user look at the room that the token names, which makes both.
func (p *readership) enter(c *caller, user int) error {
	room := &Client{Room: user % p.cfg.Rooms}
	a, err := c.get(roomPath(room.RoomName()), p.tokens[user], "")
	if err == nil {
		err = wants(http.StatusOK, a)
	}
	if err == nil && user < p.cfg.Rooms {
		p.rooms[user] = quoted(after(a.body, itemKey))
	}
	return err
}

// toRead has any user read any room.
func (p *readership) toRead(w *crew) func(i int, at int64) bool {
	dice, rooms := p.dice(1)
	return func(_ int, at int64) bool {
		return w.take(job{room: int(rooms.Uint64()), user: dice.IntN(p.cfg.Users), at: at})
	}
}

// toWrite has a member of the room post in it.
func (p *readership) toWrite(w *crew) func(i int, at int64) bool {
	dice, rooms := p.dice(2)
	return func(_ int, at int64) bool {
		room := int(rooms.Uint64())
		members := (p.cfg.Users-room-1)/p.cfg.Rooms + 1
		return w.take(job{room: room, user: room + p.cfg.Rooms*dice.IntN(members), at: at})
	}
}

// dice fall the same in every run, so that runs can be compared.
func (p *readership) dice(seed uint64) (*rand.Rand, *rand.Zipf) {
	r := rand.New(rand.NewPCG(seed, 0))
	return r, rand.NewZipf(r, popularity, 1, uint64(p.cfg.Rooms-1))
}

func (p *readership) since() int64 { return int64(time.Since(p.start)) }

// done implements load.
func (p *readership) done() uint64 { return p.answers.Load() }

// interval implements load.
func (p *readership) interval() *hdrhistogram.Histogram {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := newHistogram()
	h.Merge(p.tally.interval)
	p.tally.interval.Reset()
	return h
}

func (p *readership) countFrom(nanos int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.from = nanos
}
