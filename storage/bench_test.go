package storage

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

var deep = flag.Int("storage.deep", 20_000, "messages in the room of TestDeepHistory; its ratios are held from 1000000")

const deepClaim = 1_000_000

// poster makes posts of one origin.
type poster struct {
	s     *Store
	room  engine.ID
	seq   uint64
	stamp engine.Stamp
	body  string
	nonce bool
}

func newPoster(s *Store) *poster {
	body := make([]byte, 250)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range body {
		body[i] = byte('a' + rng.IntN(26))
	}
	return &poster{s: s, room: engine.ID{1}, stamp: 1_700_000_000_000 << 16, body: string(body)}
}

func (p *poster) next() *engine.Event {
	p.seq++
	p.stamp += 1 << 16
	e := &engine.Event{
		Origin: p.s.Origin(), Seq: p.seq, Stamp: p.stamp, Kind: engine.KindPosted, Room: p.room,
		User: engine.ID{2, byte(p.seq % 100)},
	}
	post := &engine.Posted{Body: p.body}
	if p.nonce {
		post.Nonce = fmt.Sprintf("nonce-%d", p.seq)
	}
	e.Payload = post
	e.Data, _ = p.s.EncodePayload(post)
	return e
}

func (p *poster) batch(t testing.TB, n int) {
	tx, err := p.s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, _, err := tx.Append(p.next()); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

const benchBatch = 512

// BenchmarkAppend is one committer that appends posts of 250 bytes, 512 to a
// synced batch on a real disk; raw is Pebble alone with the same keys and bytes
// in the same groups.
func BenchmarkAppend(b *testing.B) {
	for _, nonce := range []bool{false, true} {
		b.Run(fmt.Sprintf("store/nonce=%v", nonce), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			p := newPoster(s)
			p.nonce = nonce
			for b.Loop() {
				p.batch(b, benchBatch)
			}
			b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "posts/s")
		})
		b.Run(fmt.Sprintf("raw/nonce=%v", nonce), func(b *testing.B) { benchRaw(b, nonce) })
	}
}

func benchRaw(b *testing.B, nonce bool) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p := newPoster(s)
	p.nonce = nonce
	for b.Loop() {
		batch := s.db.NewBatch()
		for range benchBatch {
			e := p.next()
			_ = batch.Set(logKey(e.Origin, e.Seq), appendPointer(nil, e), nil)
			_ = batch.Set(messageKey(e.Room, e.ID(), subPost), appendPost(nil, e), nil)
			if nonce {
				_ = batch.Set(textKey(kindNonce, e.Payload.(*engine.Posted).Nonce, e.User), appendPairs(nil, []idPair{{e.ID(), e.Room}}), nil)
			}
		}
		_ = batch.Set(originKey(kindPosition, s.origin), binary.BigEndian.AppendUint64(nil, p.seq), nil)
		if err := batch.Commit(pebble.Sync); err != nil {
			b.Fatal(err)
		}
		batch.Close()
	}
	b.ReportMetric(float64(b.N)*benchBatch/b.Elapsed().Seconds(), "posts/s")
}

// fill posts n messages into one room, and returns their ids.
func fill(t testing.TB, s *Store, n int) (*poster, []engine.ID) {
	p := newPoster(s)
	ids := make([]engine.ID, 0, n)
	for len(ids) < n {
		size := min(benchBatch, n-len(ids))
		for i := range size {
			ids = append(ids, engine.MakeID(p.stamp+engine.Stamp(i+1)<<16, s.Origin()))
		}
		p.batch(t, size)
	}
	return p, ids
}

// TestDeepHistory holds the claim that a page costs the same at any depth: the
// newest page, read past every cache of records, against the deepest ones. The
// ratios are held at the depth that the claim is about; less deep, only the pages are.
func TestDeepHistory(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, ids := fill(t, s, *deep)
	// Compactions in the background would be all that is measured.
	lower, upper := bounds([]byte{kindMessage})
	if err := s.db.Compact(t.Context(), lower, upper, false); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	oldest := func() engine.ID { return ids[100+rng.IntN(len(ids)/100)] }
	measure := func(name string, r func() engine.Range) time.Duration {
		times := make([]time.Duration, 2000)
		for i := range times {
			rg := r()
			rg.Limit = 50
			start := time.Now()
			page, err := s.History(p.room, rg, engine.ID{})
			times[i] = time.Since(start)
			if err != nil || len(page.Items) != 50 {
				t.Fatal(len(page.Items), err)
			}
		}
		slices.Sort(times)
		mid, high := times[len(times)/2], times[len(times)*99/100]
		t.Logf("%-8s p50 %v p99 %v", name, mid, high)
		return mid
	}
	newest := func() engine.Range { return engine.Range{} }
	measure("warm-up", newest)
	base := measure("newest", newest)
	for _, c := range []struct {
		name string
		r    func() engine.Range
	}{
		{"before", func() engine.Range { return engine.Range{Before: oldest()} }},
		{"after", func() engine.Range { return engine.Range{After: oldest()} }},
		{"around", func() engine.Range { return engine.Range{Around: oldest()} }},
		{"middle", func() engine.Range { return engine.Range{Before: ids[len(ids)/2]} }},
	} {
		if got := measure(c.name, c.r); *deep >= deepClaim && float64(got) > 1.5*float64(base) {
			t.Errorf("%s costs %.2f times the newest page", c.name, float64(got)/float64(base))
		}
	}
}

// BenchmarkNewest is the newest page of a room of 1,000 messages: read from the
// disk each time, kept, and extended by one post a page.
func BenchmarkNewest(b *testing.B) {
	s, err := Open("data", Options{FS: vfs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p, _ := fill(b, s, 1000)
	about := engine.About(engine.AboutContent, p.room, engine.ID{})
	reader := engine.ID{9}
	b.Run("history", func(b *testing.B) {
		for b.Loop() {
			uncached(b, s, p.room, 50, reader)
		}
	})
	newest := func(b *testing.B) {
		if _, err := s.Newest(p.room, 50, reader); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			newest(b)
		}
	})
	b.Run("extended by none", func(b *testing.B) {
		for b.Loop() {
			s.cache.raise(s.cache.shard(&about))
			newest(b)
		}
	})
	b.Run("posted and extended", func(b *testing.B) {
		for b.Loop() {
			p.batch(b, 1)
			newest(b)
		}
	})
	b.Run("posted and read anew", func(b *testing.B) {
		for b.Loop() {
			p.batch(b, 1)
			uncached(b, s, p.room, 50, reader)
		}
	})
}
