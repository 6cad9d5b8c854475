package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
)

// TestI3AmendedPosts: the engine tells a post from its event alone, but where
// what came before it has made it another.
func TestI3AmendedPosts(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer s.Close()
	room, user := engine.ID{1}, engine.ID{2}
	post := func(seq uint64, stamp engine.Stamp) *engine.Event {
		return &engine.Event{Origin: 1, Seq: seq, Stamp: stamp, Kind: engine.KindPosted, Room: room, User: user, Payload: &engine.Posted{Body: "x"}}
	}
	plain, edited, deleted, liked := post(1, 10), post(2, 20), post(3, 30), post(4, 40)
	other := func(seq uint64, kind engine.Kind, payload any) *engine.Event {
		return &engine.Event{Origin: 2, Seq: seq, Stamp: engine.Stamp(100 + seq), Kind: kind, Room: room, User: user, Payload: payload}
	}
	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Discard()
	for _, step := range []struct {
		event   *engine.Event
		amended bool
	}{
		{other(1, engine.KindEdited, &engine.Edited{Message: edited.ID(), Body: "y"}), false},
		{other(2, engine.KindDeleted, &engine.Deleted{Message: deleted.ID()}), false},
		{other(3, engine.KindReacted, &engine.Reacted{Message: liked.ID(), Emoji: "+1"}), false},
		{plain, false},
		{edited, true},
		{deleted, true},
		{liked, true},
	} {
		e := step.event
		if e.Data, err = s.EncodePayload(e.Payload); err != nil {
			t.Fatal(err)
		}
		applied, effects, err := tx.Append(e)
		if err != nil || !applied || effects.Amended != step.amended {
			t.Errorf("event %s/%d: applied %v, amended %v, %v", e.Origin, e.Seq, applied, effects.Amended, err)
		}
	}
}
