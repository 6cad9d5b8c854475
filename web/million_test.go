package web_test

import (
	"fmt"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// fill adds messages to a room, past the node, which must not run: a million in
// half a minute. Now and then one is longer than the others.
func (n *node) fill(t *testing.T, room string, messages int) {
	t.Helper()
	id, err := engine.ParseID(room)
	if err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(n.data, storage.Options{Memory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	f := filling{t: t, store: s, room: id, seq: s.Position().Seq(s.Origin())}
	for e, err := range s.Events(s.Origin(), 0, f.seq) {
		if err != nil {
			t.Fatal(err)
		}
		f.stamp = e.Stamp
		ev, err := e.Load()
		if err != nil {
			t.Fatal(err)
		}
		f.user = ev.User // who made the room
	}
	const batch = 1000
	for first := 0; first < messages; first += batch {
		f.batch(first, min(first+batch, messages))
	}
}

// filling appends events of the node's own.
type filling struct {
	t          *testing.T
	store      *storage.Store
	room, user engine.ID
	seq        uint64
	stamp      engine.Stamp
}

func (f *filling) batch(from, to int) {
	f.t.Helper()
	tx, err := f.store.Begin()
	if err != nil {
		f.t.Fatal(err)
	}
	for i := from; i < to; i++ {
		f.seq++
		f.stamp++
		p := &engine.Posted{Body: body(i)}
		e := &engine.Event{Origin: f.store.Origin(), Seq: f.seq, Stamp: f.stamp, Kind: engine.KindPosted, Room: f.room, User: f.user, Payload: p}
		if e.Data, err = f.store.EncodePayload(p); err != nil {
			f.t.Fatal(err)
		}
		if _, _, err := tx.Append(e); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
}

// body is what people write: mostly a line, at times some, now and then code or a link.
func body(i int) string {
	switch {
	case i%50 == 7:
		return fmt.Sprintf("row %d with code\n```\nfor i := range %d {\n\tsay(i)\n}\n```", i, i)
	case i%17 == 3:
		return fmt.Sprintf("row %d is **longer** than the others, because somebody had something to say about https://example.org/%d and did not stop before it was said in full, with a word more than was needed, so that it takes some lines on any screen there is", i, i)
	}
	return fmt.Sprintf("row %d of a long talk", i)
}
