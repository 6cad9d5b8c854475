package cluster

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

func TestI1I3TwoNodes(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	ann := a.user("ann")
	room := a.room(ann, "hall")
	r := a.post(ann, room, "hello")
	if r.Durability != engine.DurableOne {
		t.Errorf("acknowledged as %q", r.Durability)
	}
	// I1: the peer has it by now; I8: it can be read there.
	if !b.store.Position().Covers(r.Position) {
		t.Error("I1: acknowledged, and not at the peer")
	}
	page, err := b.store.History(room, engine.Range{Limit: 10}, ann.User)
	if err != nil || len(page.Items) != 1 || page.Items[0].Body != "hello" {
		t.Errorf("%v, %v", page, err)
	}
	converge(t, a, b)
}

func TestI3ThreeNodesWriteAtOnce(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableMajority)
	b := openNode(t, vfs.NewMem(), engine.DurableMajority, a)
	c := openNode(t, vfs.NewMem(), engine.DurableMajority, b)
	nodes := []*node{a, b, c}
	eventually(t, "linked", linked(nodes...))
	ann := a.user("ann")
	room := a.room(ann, "hall")
	converge(t, nodes...)
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			for _, body := range many(strings.Repeat("x", i+1), 200) {
				if _, r, err := n.Post(context.Background(), ann, engine.NewMessage{Room: room, Body: body, Nonce: body}); err != nil || r.Durability != engine.DurableMajority {
					t.Errorf("%v, %v", r.Durability, err)
				}
			}
		})
	}
	wg.Wait()
	converge(t, nodes...)
	r, _, err := c.messages(room)
	if err != nil || r == 0 {
		t.Error(r, err)
	}
}

// messages counts a room's messages.
func (n *node) messages(room engine.ID) (count int, last engine.ID, err error) {
	for {
		page, err := n.store.History(room, engine.Range{After: last, Limit: 200}, engine.ID{})
		if err != nil || len(page.Items) == 0 {
			return count, last, err
		}
		count += len(page.Items)
		last = page.Items[len(page.Items)-1].ID
	}
}

func TestI1NodeDiesAndReturns(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	ann := a.user("ann")
	room := a.room(ann, "hall")
	a.post(ann, room, "before")
	b.stop()
	if r := a.post(ann, room, "alone"); r.Durability != engine.DurableLocal {
		t.Errorf("acknowledged as %q with nobody there", r.Durability)
	}
	for _, body := range many("gone", 300) {
		a.post(ann, room, body)
	}
	b = openNode(t, b.fs, engine.DurableOne, a)
	eventually(t, "linked again", linked(a, b))
	if r := b.post(ann, room, "back"); r.Durability != engine.DurableOne {
		t.Errorf("acknowledged as %q", r.Durability)
	}
	converge(t, a, b)
}

// TestI2LostTail: a disk that forgot what it had promised gets it back from the
// peers before its node writes, so that no seq is used twice.
func TestI2LostTail(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	disk := vfs.NewCrashableMem()
	b := openNode(t, disk, engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	bob := b.user("bob")
	room := b.room(bob, "hall")
	old := disk.CrashClone(vfs.CrashCloneCfg{})
	lost := b.post(bob, room, "promised")
	b.stop()
	b = openNode(t, old, engine.DurableOne, a)
	r := b.post(bob, room, "next")
	if !r.Covers(lost.Position) || r.Seq(b.store.Origin()) <= lost.Seq(b.store.Origin()) {
		t.Errorf("I2: a seq was used twice: %d after %d", r.Seq(b.store.Origin()), lost.Seq(b.store.Origin()))
	}
	converge(t, a, b)
}

// TestI5Forwarding: a node that the origin cannot reach gets its events through another.
func TestI5Forwarding(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	ann := a.user("ann")
	room := a.room(ann, "hall")
	a.post(ann, room, "from a")
	converge(t, a, b)
	a.stop() // and c has never met it
	c := openNode(t, vfs.NewMem(), engine.DurableOne, b)
	converge(t, b, c)
	if n, _, err := c.messages(room); err != nil || n != 1 {
		t.Error(n, err)
	}
}

func TestSeeding(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	ann := a.user("ann")
	room := a.room(ann, "hall")
	for _, body := range many("m", 500) {
		a.post(ann, room, body)
	}
	b := openNodeSeeded(t, vfs.NewMem(), a)
	eventually(t, "linked and ready", linked(a, b))
	if s := b.cluster.Stats(); s.Seeded != 1 {
		t.Errorf("%d snapshots", s.Seeded)
	}
	b.post(ann, room, "mine")
	converge(t, a, b)
}

// openNodeSeeded opens a node that takes a snapshot when it is 100 events behind.
func openNodeSeeded(t *testing.T, fs vfs.FS, join *node) *node {
	t.Helper()
	return openNodeWith(t, fs, func(c *Config) {
		c.Join, c.seedAfter = []string{join.cluster.Addr()}, 100
	})
}

func TestSameIdentityIsRefused(t *testing.T) {
	disk := vfs.NewCrashableMem()
	a := openNode(t, disk, engine.DurableOne)
	said := &saying{words: errSelf.Error()}
	twin := openNodeWith(t, disk.CrashClone(vfs.CrashCloneCfg{}), func(c *Config) {
		c.Join, c.twinAfter, c.Logger = []string{a.cluster.Addr()}, time.Millisecond, slog.New(slog.NewTextHandler(said, nil))
	})
	eventually(t, "the administrator is told", said.heard)
	if len(a.cluster.allLinks())+len(twin.cluster.allLinks()) != 0 {
		t.Error("a node is linked with its copy")
	}
}

// saying waits for words in a log.
type saying struct {
	words string
	found atomic.Bool
}

func (s *saying) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.words) {
		s.found.Store(true)
	}
	return len(b), nil
}

func (s *saying) heard() bool { return s.found.Load() }

func TestMajorityIsRefusedAlone(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableMajority)
	b := openNode(t, vfs.NewMem(), engine.DurableMajority, a)
	eventually(t, "linked", linked(a, b))
	ann := a.user("ann")
	room := a.room(ann, "hall")
	b.stop()
	eventually(t, "refused", func() bool {
		_, _, err := a.Post(context.Background(), ann, engine.NewMessage{Room: room, Body: "x"})
		return engine.AsError(err).Code == engine.CodeUnavailable
	})
	if err := a.cluster.Forget(b.cluster.Node()); err != nil {
		eventually(t, "known to be dead", func() bool { return a.cluster.Forget(b.cluster.Node()) == nil })
	}
	a.post(ann, room, "a cluster of one")
}

func TestLeave(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	eventually(t, "linked", linked(a, b))
	if err := b.cluster.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "gone", func() bool {
		m := a.cluster.Members()
		return len(m) == 2 && m[1].State == StateDead
	})
	b.stop()
}
