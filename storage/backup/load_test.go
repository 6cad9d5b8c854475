package backup

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// crowd posts without a pause until it is stopped, and notes what was acknowledged.
type crowd struct {
	n     *node
	rooms []engine.ID
	who   []*engine.Identity
	body  string

	stop  atomic.Bool
	wg    sync.WaitGroup
	acked atomic.Uint64
	mu    sync.Mutex
	ids   []engine.ID // acknowledged, in order of acknowledgement
}

func startCrowd(n *node, posters, body int) *crowd {
	c := &crowd{n: n, body: string(bytes.Repeat([]byte("x"), body))}
	for i := range 10 {
		who, _ := n.user(fmt.Sprintf("user-%d", i))
		c.who = append(c.who, who)
		c.rooms = append(c.rooms, n.room(who, fmt.Sprintf("room-%d", i)))
	}
	for i := range posters {
		c.wg.Go(func() { c.run(i % len(c.who)) })
	}
	return c
}

func (c *crowd) run(i int) {
	for !c.stop.Load() {
		m, _, err := c.n.Post(context.Background(), c.who[i], engine.NewMessage{Room: c.rooms[i], Body: c.body})
		if err != nil {
			c.n.t.Error(err)
			return
		}
		c.mu.Lock()
		c.ids = append(c.ids, m.ID)
		c.mu.Unlock()
		c.acked.Add(1)
	}
}

// reached waits until so many posts have been acknowledged.
func (c *crowd) reached(posts uint64) {
	c.n.t.Helper()
	end := time.Now().Add(time.Minute)
	for c.acked.Load() < posts {
		if time.Now().After(end) {
			c.n.t.Fatalf("never: %d posts", posts)
		}
		<-time.After(time.Millisecond)
	}
}

func (c *crowd) sofar() []engine.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ids)
}

func (c *crowd) end() { c.stop.Store(true); c.wg.Wait() }

// TestI1UnderLoad: a backup made while a crowd posts has every post that was
// acknowledged before it began, and is the store as it was at its position, to the byte (I3).
func TestI1UnderLoad(t *testing.T) {
	n := openNode(t, vfs.NewMem(), "data")
	c := startCrowd(n, 16, 300)
	defer c.end()
	c.reached(500)
	before, k := c.sofar(), kept{}
	sum := makeSmall(t, n, k)
	c.reached(uint64(len(before)) + 500) // posting goes on, and did meanwhile
	c.end()
	if !n.store.Position().Covers(sum.Position) || n.store.Position().Equal(sum.Position) {
		t.Error("nobody posted meanwhile")
	}
	disk := vfs.NewMem()
	if _, _, err := restoreTar(k.tar(t), disk, "data"); err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open("data", storage.Options{FS: disk, Memory: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, id := range before {
		if _, err := s.RoomOf(id); err != nil {
			t.Fatalf("I1: %s was acknowledged before the backup began: %v", id, err)
		}
	}
	if got, want := dump(t, s), replay(t, n.store, sum.Position); got != want {
		t.Fatal("I3: the restored store is not what the log says at the backup's position")
	}
}

var cost = flag.Int("backup.cost", 0, "messages in the store of TestCost, which is skipped without it; 1000000 is a good one")

// TestCost: posting slows by at most a fifth while a backup is made, on a real
// disk. Times with and without a backup take turns, so that a noisy machine troubles both.
func TestCost(t *testing.T) {
	if *cost == 0 {
		t.Skip("-backup.cost is not set")
	}
	n := openNode(t, vfs.Default, t.TempDir())
	c := startCrowd(n, 256, 250)
	defer c.end()
	for c.acked.Load() < uint64(*cost) {
		<-time.After(100 * time.Millisecond)
	}
	var with, without rate
	for range 4 {
		without.measure(c, 6*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		bytes, done := make(chan int64, 1), make(chan error, 1)
		d, err := NewDirectory(vfs.Default, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		var last int64
		go func() {
			_, err := Make(ctx, source(n), d, func(n int64) { last = n })
			bytes <- last
			done <- err
		}()
		with.measure(c, 6*time.Second)
		cancel()
		t.Logf("%d MiB backed up meanwhile, %v", <-bytes>>20, <-done)
	}
	slowdown := 1 - with.perSecond()/without.perSecond()
	t.Logf("%.0f posts/s alone, %.0f during a backup: %.1f %% slower", without.perSecond(), with.perSecond(), 100*slowdown)
	if slowdown > 0.20 {
		t.Error("a backup costs posts too much")
	}
}

// rate sums posts and time over several measurements.
type rate struct {
	posts uint64
	time  time.Duration
}

func (r *rate) measure(c *crowd, d time.Duration) {
	before, start := c.acked.Load(), time.Now()
	<-time.After(d)
	r.posts += c.acked.Load() - before
	r.time += time.Since(start)
}

func (r *rate) perSecond() float64 { return float64(r.posts) / r.time.Seconds() }
