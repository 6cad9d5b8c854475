package engine_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

const (
	benchPosters = 512
	benchBody    = 250
)

// BenchmarkPost measures synced posts by 512 posters against raw Pebble: the
// same keys' bytes in batches as large, one sync each. The two take turns
// within one benchmark, so that a noisy machine troubles both; "ratio" is
// engine posts a second to raw posts a second.
func BenchmarkPost(b *testing.B) {
	n, who, rooms := benchNode(b)
	raw := benchRaw(b)
	body := strings.Repeat("x", benchBody)
	var engineTime, rawTime time.Duration
	var posts int
	for b.Loop() {
		before := n.Stats()
		start := time.Now()
		postAll(b, n, who, rooms, body, 8)
		engineTime += time.Since(start)
		after := n.Stats()
		count := int(after.Events - before.Events)
		posts += count
		group := max(1, count/int(after.Batches-before.Batches))
		rawTime += raw.write(b, count, group)
	}
	b.ReportMetric(float64(posts)/engineTime.Seconds(), "posts/s")
	b.ReportMetric(float64(posts)/rawTime.Seconds(), "raw/s")
	b.ReportMetric(rawTime.Seconds()/engineTime.Seconds(), "ratio")
	b.ReportMetric(float64(posts)/float64(n.Stats().Batches), "posts/batch")
}

// benchNode is a node on a real disk.
func benchNode(b *testing.B) (*engine.Engine, []*engine.Identity, []engine.ID) {
	st, err := storage.Open(b.TempDir(), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.Open(engine.Config{Store: st, Password: cheap})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close(); st.Close() })
	n := &node{Engine: e, t: b, store: st}
	who := make([]*engine.Identity, 50)
	rooms := make([]engine.ID, len(who))
	for i := range who {
		who[i] = n.user(fmt.Sprintf("user-%d", i))
		rooms[i] = n.room(fmt.Sprintf("room-%d", i), who[i])
	}
	return e, who, rooms
}

// postAll lets every poster post several times, one after the other.
func postAll(b *testing.B, e *engine.Engine, who []*engine.Identity, rooms []engine.ID, body string, each int) {
	var wg sync.WaitGroup
	var failed atomic.Value
	for i := range benchPosters {
		wg.Go(func() {
			k := i % len(who)
			for range each {
				if _, _, err := e.Post(bg, who[k], engine.NewMessage{Room: rooms[k], Body: body}); err != nil {
					failed.Store(err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(err)
	}
}

// rawStore is Pebble with nothing of ours: two sets a post, of the sizes that a post has.
type rawStore struct {
	db  *pebble.DB
	seq int
}

func benchRaw(b *testing.B) *rawStore {
	db, err := pebble.Open(b.TempDir(), &pebble.Options{Logger: quiet{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return &rawStore{db: db}
}

// write commits posts in batches of a size, each as soon as 512 waiting posters allow it.
func (r *rawStore) write(b *testing.B, posts, group int) time.Duration {
	value := make([]byte, benchBody+40)
	pointer := make([]byte, 25)
	rand.Read(value)
	start := time.Now()
	for posts > 0 {
		batch := r.db.NewBatch()
		for range min(group, posts) {
			r.seq++
			_ = batch.Set(fmt.Appendf(nil, "M%016x%016x0", r.seq%50, r.seq), value, nil)
			_ = batch.Set(fmt.Appendf(nil, "L%016x", r.seq), pointer, nil)
		}
		posts -= group
		if err := batch.Commit(pebble.Sync); err != nil {
			b.Fatal(err)
		}
		batch.Close()
	}
	return time.Since(start)
}

type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(string, ...any)        {}
func (quiet) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }
