package realtime

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// view is what a client knows from events alone.
type view struct {
	me string

	mu        sync.Mutex
	faults    []string
	rooms     map[string]bool
	messages  map[string]*client.Message
	order     map[string][]string // by room: ids as they came first
	reactions map[string]map[string]bool
	resumed   int
}

func newView(me engine.ID) *view {
	return &view{
		me: me.String(), rooms: map[string]bool{}, messages: map[string]*client.Message{},
		order: map[string][]string{}, reactions: map[string]map[string]bool{},
	}
}

// apply takes an event. Events may come again, so each says a state and not a change.
func (v *view) apply(e client.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e.Type {
	case client.TypeReady:
		decodeInto(v, e, func(r client.Ready) { v.ready(r) })
	case client.TypeReset:
		v.faults = append(v.faults, "reset: "+string(e.Data))
	case client.TypeMessage:
		decodeInto(v, e, func(m client.Message) { v.message(m) })
	case client.TypeMessageEdited:
		decodeInto(v, e, func(m client.Message) {
			if known := v.messages[m.ID]; known != nil {
				known.Body = m.Body
			}
		})
	case client.TypeMessageDeleted:
		decodeInto(v, e, func(d client.Deleted) {
			if known := v.messages[d.ID]; known != nil {
				known.Deleted = true
			}
		})
	case client.TypeReaction:
		decodeInto(v, e, func(r client.Reaction) { v.reaction(r) })
	case client.TypeMemberJoined, client.TypeMemberLeft:
		decodeInto(v, e, func(m client.Member) {
			if m.User == v.me {
				v.rooms[m.Room] = e.Type == client.TypeMemberJoined
			}
		})
	}
}

func decodeInto[T any](v *view, e client.Event, use func(T)) {
	var x T
	if err := e.Decode(&x); err != nil {
		v.faults = append(v.faults, fmt.Sprintf("decode %s: %v", e.Type, err))
		return
	}
	use(x)
}

func (v *view) ready(r client.Ready) {
	if r.Resumed {
		v.resumed++
	}
	clear(v.rooms)
	for _, room := range r.Rooms {
		v.rooms[room.ID] = true
	}
}

func (v *view) message(m client.Message) {
	if v.messages[m.ID] == nil {
		v.order[m.Room] = append(v.order[m.Room], m.ID)
	}
	v.messages[m.ID] = &m
}

func (v *view) reaction(r client.Reaction) {
	if v.reactions[r.ID] == nil {
		v.reactions[r.ID] = map[string]bool{}
	}
	key := r.Emoji + " " + r.User
	if r.Remove {
		delete(v.reactions[r.ID], key)
	} else {
		v.reactions[r.ID][key] = true
	}
}

func (v *view) has(id engine.ID) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.messages[id.String()] != nil
}

// equals compares the view of a room that the client never left with the room.
func (v *view) equals(t *testing.T, room engine.ID, history []engine.Message) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range v.faults {
		t.Error(f)
	}
	ids := make([]string, len(history))
	for i, m := range history {
		ids[i] = m.ID.String()
		known := v.messages[ids[i]]
		if known == nil {
			t.Errorf("message %d of %d (%s) is missing", i, len(history), ids[i])
			continue
		}
		if known.Deleted != m.Deleted || (!m.Deleted && known.Body != m.Body) {
			t.Errorf("message %d is %+v, not %+v", i, known, m)
		}
		want := 0
		for _, r := range m.Reactions {
			want += r.Count
		}
		if got := len(v.reactions[ids[i]]); !m.Deleted && got != want {
			t.Errorf("message %d has %d reactions, not %d", i, got, want)
		}
	}
	// First sight in the order of the room: then nothing was skipped and filled in later (I4).
	if !slices.Equal(v.order[room.String()], ids) {
		t.Errorf("room %s came in another order than it has, or with more: %d and %d", room, len(v.order[room.String()]), len(ids))
	}
}
