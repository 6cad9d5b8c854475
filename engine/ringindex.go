package engine

import (
	"cmp"
	"slices"
)

// ringIndex finds what of the hub's ring concerns a session without a look at
// the rest: after a storm thousands ask, and each has missed what was posted in
// all rooms.
type ringIndex struct {
	next   uint64          // number of the next entry
	byRoom map[ID][]*entry // in order
	wide   []*entry        // those that may concern others than those in their room
	run    int             // how many of the last entries are of one origin
	origin Origin          // of these
}

func (x *ringIndex) add(en *entry) {
	if x.byRoom == nil {
		x.byRoom = map[ID][]*entry{}
	}
	en.number = x.next
	x.next++
	x.byRoom[en.room] = append(x.byRoom[en.room], en)
	if en.wide {
		x.wide = append(x.wide, en)
	}
	if en.origin != x.origin {
		x.origin, x.run = en.origin, 0
	}
	x.run++
}

// drop forgets the oldest entry.
func (x *ringIndex) drop(en *entry) {
	if left := withoutFirst(x.byRoom[en.room]); len(left) > 0 {
		x.byRoom[en.room] = left
	} else {
		delete(x.byRoom, en.room)
	}
	if en.wide {
		x.wide = withoutFirst(x.wide)
	}
}

func withoutFirst(list []*entry) []*entry {
	list[0] = nil
	return list[1:]
}

// unseen reports whether a position covers none of the ring's last entries.
func (x *ringIndex) unseen(last []*entry, from Position) bool {
	if len(last) <= x.run { // one origin's, and so in order of seq
		return last[0].seq > from.Seq(x.origin)
	}
	return !slices.ContainsFunc(last, func(en *entry) bool { return en.seq <= from.Seq(en.origin) })
}

// concerning returns, in order, the entries from a number on that mean anything
// to a user who is in rooms then, and in those that he joins on the way.
func (x *ringIndex) concerning(user ID, rooms []ID, since uint64) (list []*entry) {
	rooms = slices.Clip(rooms)
	for _, room := range rooms {
		list = append(list, atOrAfter(x.byRoom[room], since)...)
	}
	for _, en := range atOrAfter(x.wide, since) {
		if slices.Contains(en.joined, user) && !slices.Contains(rooms, en.room) {
			rooms = append(rooms, en.room)
			list = append(list, atOrAfter(x.byRoom[en.room], en.number)...)
		}
		if en.concerns(user, rooms) {
			list = append(list, en)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	return slices.Compact(list)
}

// atOrAfter returns the entries of a list in order that have a number or a higher one.
func atOrAfter(list []*entry, number uint64) []*entry {
	i, _ := slices.BinarySearchFunc(list, number, func(en *entry, n uint64) int { return cmp.Compare(en.number, n) })
	return list[i:]
}
