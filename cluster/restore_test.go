package cluster

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
)

// backUp makes a backup of a running node, as a tar stream.
func (n *node) backUp() []byte {
	n.t.Helper()
	var b bytes.Buffer
	if _, err := backup.Make(n.t.Context(), backup.Source{Store: n.store, Version: "v1", Now: time.Now}, backup.NewTar(&b), nil); err != nil {
		n.t.Fatal(err)
	}
	return b.Bytes()
}

// restored is a disk with a new node's store out of a backup.
func restored(t *testing.T, b []byte) (vfs.FS, engine.Origin) {
	t.Helper()
	disk := vfs.NewMem()
	_, origin, err := backup.Restore(t.Context(), backup.OpenTar(bytes.NewReader(b)), "data", storage.Options{FS: disk, Memory: 8 << 20}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return disk, origin
}

// TestI2RestoredNode (I2, I3): a node of three loses its disk and comes back from a
// backup, while the others write. What it had written after the backup comes from
// them, it writes on under a name of its own, and all three end up alike to the byte.
func TestI2RestoredNode(t *testing.T) {
	a := openNode(t, vfs.NewMem(), engine.DurableOne)
	b := openNode(t, vfs.NewMem(), engine.DurableOne, a)
	c := openNode(t, vfs.NewMem(), engine.DurableOne, b)
	eventually(t, "linked", linked(a, b, c))
	_, token, _, err := c.Register(context.Background(), engine.Registering{Username: "ann", Password: "password-ann"})
	if err != nil {
		t.Fatal(err)
	}
	ann := c.signIn(token)
	room := c.room(ann, "hall")
	for _, body := range many("before", 100) {
		c.post(ann, room, body)
	}
	kept := c.backUp()
	for _, body := range many("after", 100) {
		c.post(ann, room, body)
	}
	converge(t, a, b, c)
	old, last := c.store.Origin(), c.store.Position()
	c.stop()

	disk, origin := restored(t, kept)
	stop, posted := make(chan struct{}), sync.WaitGroup{}
	for _, n := range []*node{a, b} {
		posted.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				body := fmt.Sprint(n.store.Origin(), i)
				if _, _, err := n.Post(context.Background(), ann, engine.NewMessage{Room: room, Body: body}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer posted.Wait()
	ended := sync.OnceFunc(func() { close(stop) })
	defer ended()
	d := openNode(t, disk, engine.DurableOne, a)
	eventually(t, "linked again", linked(a, b, d))
	// The old node's token is good here, and the restored node's own posts are its own.
	who := d.signIn(token)
	m, r, err := d.Post(context.Background(), who, engine.NewMessage{Room: room, Body: "back"})
	if err != nil || m.ID.Origin() != origin || origin == old {
		t.Errorf("I2: %s writes on as %s: %v", old, m.ID.Origin(), err)
	}
	ended()
	posted.Wait()
	if got := r.Position.Seq(old); got > last.Seq(old) {
		t.Errorf("I2: the old node's seq went on to %d from %d", got, last.Seq(old))
	}
	converge(t, a, b, d)
	for _, n := range []*node{a, b, d} {
		if r, err := n.store.Check(t.Context(), storage.CheckOptions{}); err != nil || !r.OK() || r.Events != n.store.Position().Behind(engine.Position{}) {
			t.Errorf("I3: the store of %s does not pass: %+v, %v", n.store.Origin(), r, err)
		}
	}
	if got := d.store.Position(); !got.Covers(last) || got.Seq(old) != last.Seq(old) {
		t.Errorf("I2: of the old node %d events are here, it wrote %d", got.Seq(old), last.Seq(old))
	}
}
