package cli

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
)

// staleReader asks for views, at any node, and has each answer judged.
type staleReader struct {
	x   *stale
	rng *rand.Rand
}

// read looks around.
func (r *staleReader) read() {
	for !r.x.over() {
		if r.rng.IntN(32) == 0 {
			r.lookAtList()
			continue
		}
		r.lookIn(r.x.lines[r.rng.IntN(len(r.x.lines))], nil)
	}
}

// follow looks where the others look.
func (r *staleReader) follow(volley *staleVolley) {
	for heard := 0; ; {
		v, count, ok := volley.next(heard)
		if !ok {
			return
		}
		heard = count
		r.lookIn(v.chapter.line, v)
	}
}

// lookIn looks at a view of a line's chapter, if it has it still, or any.
func (r *staleReader) lookIn(l *staleLine, v *staleView) {
	l.turn.RLock()
	defer l.turn.RUnlock()
	if v == nil || v.chapter != l.chapter {
		v = l.chapter.pick(r.rng)
	}
	r.look(v)
}

// look asks for a view, in any way. Called with the line's turn.
func (r *staleReader) look(v *staleView) {
	var had *staleAnswer
	if r.rng.IntN(5) == 0 {
		had = v.remembered(r.rng)
	}
	r.see(v, r.rng.IntN(len(r.x.nodes)), r.rng.IntN(4) > 0, r.coding(), had)
}

// see asks a node for a view, as one who has an answer already, and has what comes judged.
func (r *staleReader) see(v *staleView, node int, positioned bool, coding string, had *staleAnswer) {
	l := v.chapter.line
	from, after := l.start(node, positioned)
	c := staleCall{node: node, path: v.path, token: v.token, after: after, coding: coding}
	if had != nil && had.status == http.StatusOK {
		c.known = had.etag
	}
	got, ok := r.ask(c)
	if !ok {
		return
	}
	s := &staleSight{view: v, node: node, from: from, to: l.end(), after: after != "", got: got}
	if got.status == http.StatusNotModified {
		r.x.tally.unchanged.Add(1)
		if c.known == "" || got.etag != c.known {
			r.x.fail("%s: 304 with ETag %s to one who has %q", v.path, got.etag, c.known)
			return
		}
		s.got = *had // it says so
		s.got.cache = got.cache
	}
	l.hold(s)
}

// coding is what a client takes, most often anything as it is.
func (r *staleReader) coding() string {
	return [...]string{"", "", "", "gzip", "zstd", "gzip, zstd;q=0.5", "identity"}[r.rng.IntN(7)]
}

func (r *staleReader) ask(c staleCall) (staleAnswer, bool) {
	got, err := r.x.do(c)
	if err != nil {
		r.x.fail("GET %s: %v", c.path, err)
		return got, false
	}
	if got.status == http.StatusServiceUnavailable {
		r.x.tally.refused.Add(1)
		return got, false
	}
	return got, true
}

// lookAtList reads the list of public rooms, each room of which is what its
// writer made it: one of its states, or absent where it was private.
func (r *staleReader) lookAtList() {
	for _, room := range r.x.rooms {
		room.turn.RLock()
		defer room.turn.RUnlock()
	}
	own := r.x.rooms[r.rng.IntN(len(r.x.rooms))]
	reader := r.rng.IntN(len(own.chapter.shown))
	node := r.rng.IntN(len(r.x.nodes))
	from, after := own.start(node, r.rng.IntN(4) > 0)
	sights := make([]*staleSight, len(r.x.rooms))
	for i, room := range r.x.rooms {
		s := &staleSight{view: room.chapter.shown[staleStranger], node: node, from: from, after: after != ""}
		if room == own {
			s.view = room.chapter.shown[reader]
		} else {
			ok := false
			if s.from, ok = room.relied(node); !ok {
				return
			}
			s.after = false
		}
		sights[i] = s
	}
	got, ok := r.ask(staleCall{node: node, path: "/rooms?filter=public&limit=200", token: sights[own.number].view.token, after: after, coding: r.coding()})
	if !ok {
		return
	}
	r.judgeList(&got, sights)
}

func (r *staleReader) judgeList(got *staleAnswer, sights []*staleSight) {
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(got.body, &list); err != nil || got.status != http.StatusOK {
		r.x.fail("the list of public rooms: %d, %v: %s", got.status, err, got.body)
		return
	}
	items := map[string]json.RawMessage{}
	for _, item := range list.Items {
		id := staleID(r.x, staleAnswer{body: item})
		if items[id] != nil {
			r.x.fail("a room is twice in the list of public rooms: %s", got.body)
		}
		items[id] = item
	}
	for i, s := range sights {
		item := items[r.x.rooms[i].id]
		s.to, s.listed, s.absent = s.view.chapter.line.end(), item != nil, item == nil
		s.got = staleAnswer{status: http.StatusOK, body: append([]byte(item), '\n'), cache: got.cache}
		s.view.chapter.line.hold(s)
	}
	r.x.tally.lists.Add(1)
	r.x.tally.answer(got)
}
