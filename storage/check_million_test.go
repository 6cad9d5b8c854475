package storage

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

var million = flag.Int("storage.million", 20_000, "messages in the store of TestCheckRate; its ratio is held from 1000000")

const (
	rateClaim = 1_000_000
	rateRooms = 200
	rateUsers = 500
)

// crowd writes what a community does: of a hundred events some 85 are posts, all with
// a nonce, some of them replies and some that name somebody; the rest are edits, deletions,
// reactions and read markers.
type crowd struct {
	s     *Store
	rng   *rand.Rand
	tx    engine.Tx
	seq   uint64
	stamp engine.Stamp
	posts []engine.MessageRef
}

func (c *crowd) user() engine.ID {
	return engine.ID{2, byte(c.rng.IntN(rateUsers) >> 8), byte(c.rng.IntN(256))}
}

func (c *crowd) put(t testing.TB, kind engine.Kind, room, user engine.ID, payload any) engine.ID {
	c.seq++
	c.stamp += engine.Stamp(1+c.rng.IntN(3)) << 16
	e := &engine.Event{Origin: c.s.origin, Seq: c.seq, Stamp: c.stamp, Kind: kind, Room: room, User: user, Payload: payload}
	var err error
	if e.Data, err = encMode.Marshal(payload); err != nil {
		t.Fatal(err)
	}
	if c.tx == nil {
		if c.tx, err = c.s.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.tx.Append(e); err != nil {
		t.Fatal(err)
	}
	if c.seq%2048 == 0 {
		c.commit(t)
	}
	return e.ID()
}

func (c *crowd) commit(t testing.TB) {
	if c.tx == nil {
		return
	}
	if err := c.tx.Commit(); err != nil {
		t.Fatal(err)
	}
	c.tx = nil
}

func (c *crowd) say(t testing.TB) {
	room := engine.ID{1, byte(c.rng.IntN(rateRooms))}
	p := &engine.Posted{Body: worldBody[:20+c.rng.IntN(180)], Nonce: fmt.Sprintf("%08x-%08x", c.rng.Uint32(), c.seq)}
	if c.rng.IntN(20) == 0 && len(c.posts) > 0 {
		parent := c.posts[c.rng.IntN(len(c.posts))]
		room, p.ReplyTo = parent.Room, parent.Message
	}
	if c.rng.IntN(20) == 0 {
		p.Mentions = []engine.ID{c.user()}
	}
	ref := engine.MessageRef{Room: room, Message: c.put(t, engine.KindPosted, room, c.user(), p)}
	if len(c.posts) < 1000 {
		c.posts = append(c.posts, ref)
	} else {
		c.posts[c.rng.IntN(1000)] = ref
	}
}

func (c *crowd) act(t testing.TB) {
	ref := c.posts[c.rng.IntN(len(c.posts))]
	switch n := c.rng.IntN(100); {
	case n < 40:
		c.put(t, engine.KindRead, ref.Room, c.user(), &engine.Read{Message: ref.Message})
	case n < 80:
		c.put(t, engine.KindReacted, ref.Room, c.user(), &engine.Reacted{Message: ref.Message, Emoji: worldEmoji[c.rng.IntN(4)], Remove: n < 45})
	case n < 95:
		c.put(t, engine.KindEdited, ref.Room, c.user(), &engine.Edited{Message: ref.Message, Body: worldBody[:100]})
	default:
		c.put(t, engine.KindDeleted, ref.Room, c.user(), &engine.Deleted{Message: ref.Message})
	}
}

var worldBody = func() string {
	b := make([]byte, 250)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}()

func fillCrowd(t testing.TB, s *Store, messages int) {
	c := &crowd{s: s, rng: rand.New(rand.NewPCG(1, 50)), stamp: 1_700_000_000_000 << 16}
	for i := range rateUsers {
		u := engine.ID{2, byte(i >> 8), byte(i)}
		c.put(t, engine.KindUserCreated, engine.ID{}, u, &engine.UserCreated{Username: fmt.Sprint("user", i)})
	}
	for i := range rateRooms {
		r := engine.ID{1, byte(i)}
		c.put(t, engine.KindRoomCreated, r, c.user(), &engine.RoomCreated{Name: fmt.Sprint("room", i)})
		for range 20 {
			c.put(t, engine.KindMemberSet, r, c.user(), &engine.MemberSet{Role: engine.RoleMember})
		}
	}
	for range messages {
		c.say(t)
		if c.rng.IntN(100) < 15 {
			c.act(t)
		}
	}
	c.commit(t)
}

// TestCheckRate holds the claim that a check is no slower than a quarter of a bare scan
// of the same store. Both read what is on the disk, and no cache of the other's.
func TestCheckRate(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fillCrowd(t, s, *million)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	scan := timeOfScan(t, dir)
	r, err := Check(t.Context(), dir, Options{}, CheckOptions{})
	if err != nil || !r.OK() {
		t.Fatalf("%+v, %v", r, err)
	}
	ratio := scan.Seconds() / r.Seconds
	t.Logf("%d messages, %d events, %d MB: scan %.2f s, check %.2f s, a rate of %.2f of the scan's",
		r.Messages, r.Events, r.Bytes>>20, scan.Seconds(), r.Seconds, ratio)
	if r.Messages != uint64(*million) {
		t.Fatalf("%d messages were read", r.Messages)
	}
	if *million >= rateClaim && ratio < 0.25 {
		t.Errorf("a check runs at %.2f of the rate of a bare scan, not a quarter", ratio)
	}
}

// timeOfScan is how long it takes to step over a store's keys and values.
func timeOfScan(t *testing.T, dir string) time.Duration {
	s, err := openAt(dir, Options{}, toExamine)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := time.Now()
	bareScan(t, s)
	return time.Since(start)
}
