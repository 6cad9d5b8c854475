package storage

import "github.com/klatch-chat/klatch/engine"

// roomEnds knows the newest post of rooms that were posted to lately, hidden or
// not. It belongs to the committer and is bounded: when the young half is full,
// the old one is forgotten.
//
// It is exact. An entry begins with a post that is later than every event the
// node has (atEnd), which is then its room's newest, and each later post either
// moves it or is older and changes nothing. It moves only with a batch that has
// been committed; a store that opens, or takes in a snapshot, begins without any.
type roomEnds struct{ young, old map[engine.ID]engine.ID }

const roomEndsHalf = 4096 // rooms

func newRoomEnds() *roomEnds { return &roomEnds{young: map[engine.ID]engine.ID{}} }

func (r *roomEnds) last(room engine.ID) (engine.ID, bool) {
	if id, ok := r.young[room]; ok {
		return id, true
	}
	id, ok := r.old[room]
	return id, ok
}

func (r *roomEnds) set(room, id engine.ID) {
	if _, ok := r.young[room]; !ok && len(r.young) >= roomEndsHalf {
		r.old, r.young = r.young, make(map[engine.ID]engine.ID, roomEndsHalf)
	}
	r.young[room] = id
}

// atEnd tells whether a post is sure to sort after all messages of its room,
// without a look at the disk. Stamps of an origin rise, so one that is above the
// last stamp of every origin is above all that the node has: that is so for
// nearly all posts of this node's own clock. A peer's post, stamped while it
// travelled, is compared with the room's end where that is known. Whatever is
// left may come late and counts as such: to be wrong about that costs a reader
// one page.
func (t *Tx) atEnd(e *engine.Event) bool {
	id := e.ID()
	if e.Stamp <= t.newest {
		last, ok := t.ends[e.Room]
		if !ok {
			last, ok = t.base.ends.last(e.Room)
		}
		if !ok || id.Compare(last) <= 0 {
			return false
		}
	}
	t.ends[e.Room] = id
	return true
}
