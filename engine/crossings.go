package engine

import (
	"slices"
	"sync"
)

// crossingsMax bounds the posts that crossings remember.
const crossingsMax = 4096

// crossings are the posts of nonces that were repeated, on nodes that had not met,
// so that some are hidden. A session that missed one of them may have seen, on
// another node, a second in another room be visible or hidden when it was not; so each
// is told in the rooms of all. They are few: who reads the log for a session need
// not load every post of every room to find them. Of posts before its base it knows nothing.
type crossings struct {
	store  Reader
	nonces map[userNonce]struct{} // of posts; the committer's

	mu    sync.Mutex
	base  Position
	posts map[ID][]ID // the rooms of all posts of its nonce
}

// userNonce is what posts that repeat each other have in common.
type userNonce struct {
	user  ID
	nonce string
}

func newCrossings(s Reader, base Position) *crossings {
	return &crossings{store: s, base: base, nonces: map[userNonce]struct{}{}, posts: map[ID][]ID{}}
}

// restart forgets everything before a position. Only the committer calls it.
func (x *crossings) restart(base Position) {
	clear(x.nonces)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.base = base
	clear(x.posts)
}

// note takes a committed event; pos is the position of its batch. An error has
// made it forget everything, which costs time and loses nothing.
//
// A post may change nothing and yet belong to what another has hidden: that one may
// have come first, or be of another day.
func (x *crossings) note(c committed, pos Position) error {
	p, ok := c.Payload.(*Posted)
	if !ok || p.Nonce == "" {
		return nil
	}
	name := userNonce{c.User, p.Nonce}
	if _, known := x.nonces[name]; !known && len(c.effects.Hidden) == 0 && len(c.effects.Shown) == 0 {
		return nil
	}
	visible, hidden, err := x.store.Nonce(c.User, p.Nonce)
	group := append(visible, hidden...)
	if err != nil || !x.add(group) {
		x.restart(pos)
		return err
	}
	x.nonces[name] = struct{}{}
	return nil
}

// add remembers the posts of one nonce, if there is space.
func (x *crossings) add(group []MessageRef) bool {
	var rooms []ID
	for _, ref := range group {
		if !slices.Contains(rooms, ref.Room) {
			rooms = append(rooms, ref.Room)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.posts)+len(group) > crossingsMax {
		return false
	}
	for _, ref := range group {
		x.posts[ref.Message] = rooms
	}
	return true
}

// reaches reports whether a post of another room may have changed one of these.
func (x *crossings) reaches(post originEntry, rooms []ID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if post.Seq <= x.base.Seq(post.origin) {
		return !x.alone(post.origin)
	}
	return slices.ContainsFunc(x.posts[MakeID(post.Stamp, post.origin)], func(id ID) bool { return slices.Contains(rooms, id) })
}

// alone reports whether there was no other node whose posts could be repeated.
func (x *crossings) alone(o Origin) bool {
	return len(x.base.marks) == 1 && x.base.Seq(o) > 0
}
