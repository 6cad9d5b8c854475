package cluster

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

var catchUpEvents = flag.Int("cluster.events", 100_000, "events of lag in BenchmarkCatchUp")

// BenchmarkCatchUp takes a node through a lag, on the disk: by the log, and by a
// snapshot; and, to compare, appends the same events to a lone node in large
// batches. One iteration is one lag.
func BenchmarkCatchUp(b *testing.B) {
	first := openStore(b, b.TempDir())
	n := uint64(*catchUpEvents)
	bulkAppend(b, first, n)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			st := openStore(b, b.TempDir())
			begun := time.Now()
			bulkAppend(b, st, n)
			report(b, n, begun)
		}
	})
	b.Run("log", func(b *testing.B) { benchmarkCatchUp(b, first, n, math.MaxUint64) })
	b.Run("snapshot", func(b *testing.B) { benchmarkCatchUp(b, first, n, 1) })
}

func report(b *testing.B, n uint64, begun time.Time) {
	b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "events/s")
}

func benchmarkCatchUp(b *testing.B, first *storage.Store, n, seedAfter uint64) {
	origin := benchOrigin
	for b.Loop() {
		from := startNode(b, first, func(*Config) {})
		begun := time.Now()
		to := startNode(b, openStore(b, b.TempDir()), func(c *Config) {
			c.Join, c.seedAfter = []string{from.cluster.Addr()}, seedAfter
		})
		eventually(b, "caught up", func() bool { return to.store.Position().Seq(origin) >= n })
		report(b, n, begun)
		to.end()
		from.end()
	}
}

const benchOrigin = engine.Origin(42)

func openStore(b *testing.B, dir string) *storage.Store {
	st, err := storage.Open(dir, storage.Options{Memory: 256 << 20, FS: vfs.Default})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	return st
}

// bulkAppend applies posts of one origin, 2,000 in a batch, several batches under way.
func bulkAppend(b *testing.B, st *storage.Store, n uint64) {
	e, err := engine.Open(engine.Config{Store: st})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	room := engine.MakeID(1, benchOrigin)
	places := make(chan struct{}, applying)
	stamp := engine.StampAt(time.Now())
	const batch = 2000
	for from := uint64(0); from < n; from += batch {
		evs := make([]*engine.Event, 0, batch)
		for i := range min(batch, n-from) {
			evs = append(evs, benchPost(b, st, room, from+i, stamp))
		}
		places <- struct{}{}
		err := e.ApplyAsync(evs, func(_ engine.Position, err error) {
			if err != nil {
				b.Error(err)
			}
			<-places
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for range applying {
		places <- struct{}{}
	}
}

func benchPost(b *testing.B, st *storage.Store, room engine.ID, i uint64, stamp engine.Stamp) *engine.Event {
	ev := &engine.Event{Origin: benchOrigin, Seq: i + 1, Stamp: stamp + engine.Stamp(i), Kind: engine.KindPosted, Room: room, User: room,
		Payload: &engine.Posted{Body: fmt.Sprintf("message %d of a long conversation about nothing in particular", i)}}
	data, err := st.EncodePayload(ev.Payload)
	if err != nil {
		b.Fatal(err)
	}
	ev.Data = data
	return ev
}

// running is a node whose store is the benchmark's.
type running struct {
	*engine.Engine
	b       *testing.B
	store   *storage.Store
	cluster *Cluster
}

func startNode(b *testing.B, st *storage.Store, change func(*Config)) *running {
	cfg := Config{Store: st, Bind: "127.0.0.1:0", Key: testKey}
	change(&cfg)
	c, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.Open(engine.Config{Store: st, Peers: c})
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(b.Context(), e); err != nil {
		b.Fatal(err)
	}
	return &running{e, b, st, c}
}

func (r *running) end() {
	if err := r.cluster.Close(); err != nil {
		r.b.Error(err)
	}
	if err := r.Engine.Close(); err != nil {
		r.b.Error(err)
	}
}
