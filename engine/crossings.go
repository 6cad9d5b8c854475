package engine

import (
	"slices"
	"sync"
)

// crossingsMax bounds the events that crossings remember.
const crossingsMax = 4096

// crossings are the posts that have hidden or shown messages of other rooms: one
// nonce posted in two rooms, on nodes that had not met. They are few. Who reads the log
// for a session need not load every post of every room to find them. Of posts
// before its base it knows nothing.
type crossings struct {
	mu    sync.Mutex
	base  Position
	posts map[eventName][]ID // rooms, besides the post's own
}

// eventName is what names an event for ever.
type eventName struct {
	origin Origin
	seq    uint64
}

func newCrossings(base Position) *crossings {
	return &crossings{base: base, posts: map[eventName][]ID{}}
}

// restart forgets everything before a position.
func (x *crossings) restart(base Position) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.base = base
	clear(x.posts)
}

// note takes a committed event; pos is the position of its batch.
func (x *crossings) note(c committed, pos Position) {
	if len(c.effects.Hidden) == 0 && len(c.effects.Shown) == 0 {
		return
	}
	var rooms []ID
	for _, ref := range slices.Concat(c.effects.Hidden, c.effects.Shown) {
		if ref.Room != c.Room && !slices.Contains(rooms, ref.Room) {
			rooms = append(rooms, ref.Room)
		}
	}
	if len(rooms) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.posts) >= crossingsMax {
		x.base = pos
		clear(x.posts)
		return
	}
	x.posts[eventName{c.Origin, c.Seq}] = rooms
}

// reaches reports whether a post of another room may have changed one of these.
func (x *crossings) reaches(post eventName, rooms []ID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if post.seq <= x.base.Seq(post.origin) {
		return !x.alone(post.origin)
	}
	return slices.ContainsFunc(x.posts[post], func(id ID) bool { return slices.Contains(rooms, id) })
}

// alone reports whether there was no other node whose posts could be repeated.
func (x *crossings) alone(o Origin) bool {
	return len(x.base.marks) == 1 && x.base.Seq(o) > 0
}
