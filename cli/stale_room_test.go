package cli

import (
	"fmt"
	"math/rand/v2"
	"net/http"
)

// staleRoom is a room with its one writer, who acts for all who are in it.
type staleRoom struct {
	*staleLine
	rng    *rand.Rand
	number int
	id     string
	names  [2]string // it has one of them
	people [staleHost + 1]stalePersona
	ledger staleLedger
}

// Who has to do with a room. All but the host read.
const (
	stalePlain    = iota // a member who does nothing but post
	staleReactor         // a member who reacts
	staleGoer            // is thrown out, leaves and comes back
	staleMarker          // a member who is named, and marks what was read
	staleStranger        // no member
	staleHost            // the owner
)

var stalePeople = [...]string{"plain", "reactor", "goer", "marker", "stranger", "host"}

// newRoom makes a room with some messages in it.
func (x *stale) newRoom(i int) *staleRoom {
	name := fmt.Sprintf("room-%d", i)
	r := &staleRoom{staleLine: x.newLine(name, i%x.size.nodes), rng: x.rng(name), number: i, names: [2]string{name, name + "b"}}
	for p, role := range stalePeople {
		r.people[p] = x.persona(fmt.Sprintf("%s-%d", role, i), r.home)
	}
	private := i%4 == 3
	r.id = staleID(x, x.must(staleCall{node: r.home, method: http.MethodPost, path: "/rooms", token: r.people[staleHost].token,
		body: map[string]any{"name": r.names[0], "private": private}}))
	r.ledger = staleLedger{name: r.names[0], private: private}
	r.ledger.roles[staleHost] = "owner"
	for _, p := range []int{stalePlain, staleReactor, staleGoer, staleMarker} {
		r.do(r.admit(p, "member"), nil)
	}
	for range x.size.prefill[(i+i/4)%4] {
		if !r.do(r.post(), nil) {
			break
		}
	}
	return r
}

// write is the writer: chapter after chapter.
func (r *staleRoom) write() {
	for !r.x.over() {
		c := r.views()
		if !r.record(c) {
			return
		}
		r.begin(c)
		for n := 0; n < staleChapterLen && !r.x.over(); n++ {
			if !r.do(r.choose(), c.pickWatched(r.rng)) || !r.record(c) {
				return
			}
			// Without a rest most of what is kept is stale as the next write begins.
			if r.rng.IntN(2) == 0 {
				r.rest(r.rng.IntN(staleRest * len(r.x.nodes)))
			}
		}
	}
}

// staleRest is how many answers of one state a writer may wait for, at most, by the nodes that have to read it.
const staleRest = 300

// record records the state of all views, and holds it to the ledger.
func (r *staleRoom) record(c *staleChapter) bool {
	if !c.record() {
		return false
	}
	if err := r.ledger.check(c, r); err != nil {
		r.x.fail("%s: the uncached path itself is wrong after%s\n%v", r.name, r.story(c.recorded, c.recorded), err)
		return false
	}
	return true
}

// do sends a write and keeps the ledger.
func (r *staleRoom) do(a staleAct, watched *staleView) bool {
	answer, ok := r.staleLine.write(a.what, a.call, watched)
	if ok && a.then != nil {
		a.then(answer)
	}
	return ok
}

// views are those of the next chapter.
func (r *staleRoom) views() *staleChapter {
	c := r.newChapter()
	near, last := r.ledger.back(10), r.ledger.back(1)
	var plain map[string]*staleView
	for p := range staleHost {
		mine := map[string]*staleView{}
		add := func(often int, kind staleKind, path string) *staleView {
			v := c.add(often, &staleView{who: stalePeople[p], token: r.people[p].token, path: path, kind: kind})
			if p == staleGoer || p == staleStranger {
				v.twin = plain[path]
			}
			mine[path] = v
			return v
		}
		room := "/rooms/" + r.id
		c.shown = append(c.shown, add(3, kindRoom, room))
		newest := add(8, kindPage, room+"/messages")
		add(2, kindJoined, "/rooms")
		for _, name := range r.names {
			v := add(1, kindRoom, "/rooms/"+name)
			v.twin, v.named = c.shown[p], true
		}
		if p == staleMarker {
			continue
		}
		v := add(1, kindPage, "/rooms/"+r.names[0]+"/messages")
		v.twin, v.named = newest, true
		if newest.twin != nil {
			v.twin = newest.twin
		}
		add(3, kindPage, room+"/messages?limit=5")
		c.long = append(c.long, add(2, kindPage, room+"/messages?limit=200"))
		add(1, kindPage, room+"/messages?limit=20&before="+near.id)
		add(2, kindPage, room+"/messages?limit=20&after="+near.id)
		c.long = append(c.long, add(2, kindPage, room+"/messages?limit=200&around="+near.id))
		add(2, kindPage, room+"/messages?limit=5&after="+last.id)
		add(2, kindPage, room+"/messages/"+near.id)
		add(1, kindThread, room+"/messages/"+near.id+"/replies")
		add(1, kindThread, room+"/messages/"+near.id+"/replies?limit=2")
		add(1, kindWhole, room+"/members")
		if p == stalePlain {
			plain = mine
		}
	}
	return c
}
