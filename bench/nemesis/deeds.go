package nemesis

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/klatch-chat/klatch/engine/client"
)

var emojis = []string{"👍", "🎉", "❤️"}

// react adds a reaction to a message that the user has seen, or takes it back.
func (u *user) react(ctx context.Context) {
	room := u.room()
	seen := u.session.see(room).recent
	if len(seen) == 0 {
		return
	}
	o := u.begin(React, room)
	o.Message, o.Emoji, o.Value = seen[u.rng.IntN(len(seen))], emojis[u.rng.IntN(len(emojis))], on
	method := http.MethodPut
	if u.rng.IntN(3) == 0 {
		method, o.Value = http.MethodDelete, off
	}
	u.send(ctx, o, roomRequest(method, room, "/messages/"+o.Message+"/reactions/"+url.PathEscape(o.Emoji), nil))
	u.rec.end(o)
	u.verify(ctx, o)
}

// move joins a room, or leaves it.
func (u *user) move(ctx context.Context) {
	room := u.floats[u.rng.IntN(len(u.floats))]
	kind, value, path := Join, on, "/join"
	if u.inside[room] {
		kind, value, path = Leave, off, "/leave"
	}
	o := u.begin(kind, room)
	o.Value = value
	u.send(ctx, o, roomRequest(http.MethodPost, room, path, nil))
	u.rec.end(o)
	switch {
	case o.Outcome != Refused:
		u.inside[room] = value == on
	case o.Why == "forbidden": // it had left: by a request without an answer, or with a disk
		u.inside[room] = false
	}
	u.verify(ctx, o)
}

// mark moves the read marker to the newest message that the user was told of.
func (u *user) mark(ctx context.Context) {
	room := u.room()
	newest := u.session.see(room).newest
	if newest == "" {
		return
	}
	o := u.begin(Mark, room)
	o.Value = newest
	u.send(ctx, o, roomRequest(http.MethodPut, room, "/read", map[string]string{"id": newest}))
	u.rec.end(o)
	u.verify(ctx, o)
}

// verify reads what was just written, on a random node, two times of three.
func (u *user) verify(ctx context.Context, w *Op) {
	if w.Outcome != Done || u.rng.IntN(3) == 0 {
		return
	}
	o := u.begin(Read, w.Room)
	o.Of = w
	path := ""
	if w.Message != "" {
		path = "/messages/" + w.Message
	}
	a := u.send(ctx, o, roomRequest(http.MethodGet, w.Room, path, nil))
	switch {
	case o.Outcome == Done:
		o.Saw = saw(w, a.body)
	case o.Why == "not_found":
		o.Outcome, o.Saw = Done, missing
	}
	u.rec.end(o)
}

// saw finds the value of a register in an answer.
func saw(w *Op, body []byte) string {
	switch w.Kind {
	case Join, Leave, Mark:
		var r client.Room
		if err := json.Unmarshal(body, &r); err != nil {
			return err.Error()
		}
		if w.Kind == Mark {
			return r.LastRead
		}
		return onOff(r.Role != "")
	}
	var m client.Message
	switch err := json.Unmarshal(body, &m); {
	case err != nil:
		return err.Error()
	case m.Deleted:
		return gone
	case w.Kind != React:
		return m.Body
	}
	for _, r := range m.Reactions {
		if r.Emoji == w.Emoji {
			return onOff(r.Me)
		}
	}
	return off
}

func onOff(b bool) string {
	if b {
		return on
	}
	return off
}
