package nemesis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/klatch-chat/klatch/engine/client"
)

// newPost begins a post. Its nonce and body say whose it is and which.
func (u *user) newPost(room string) *Op {
	o := u.begin(Post, room)
	o.Nonce = fmt.Sprintf("u%d-%d", u.index, o.Seq)
	o.Value = fmt.Sprintf("message %s of %s", o.Nonce, u.name)
	return o
}

// say posts through the session, which repeats the post on its next connection.
// Where that takes too long the user tries elsewhere.
func (u *user) say(ctx context.Context) {
	o := u.newPost(u.room())
	before := u.session.see(o.Room)
	o.Node, o.Attempts, o.Above, o.Beyond = before.node, 1, before.here, before.newest
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	posted, err := before.client.Post(call, client.Post{Room: o.Room, Body: o.Value, Nonce: o.Nonce})
	if after := u.session.see(o.Room); after.conn != before.conn {
		// It may have been sent twice, to nodes that do not know what the user had seen.
		o.Above, o.Attempts, o.Node = "", 2, after.node
	}
	var refused *client.Error
	switch {
	case err == nil:
		o.Outcome, o.Message, o.Level = Done, posted.ID, string(posted.Durability)
		u.acknowledged(o, posted.Position, false)
	case errors.As(err, &refused) && refused.Code != "unavailable":
		o.Outcome, o.Why = Refused, refused.Code
	default:
		o.Outcome, o.Why, o.Above = Unknown, err.Error(), ""
		u.insist(ctx, o)
	}
	u.finish(ctx, o)
}

// post posts by REST.
func (u *user) post(ctx context.Context) {
	o := u.newPost(u.room())
	o.Outcome, o.Beyond = Unknown, u.session.see(o.Room).newest
	u.insist(ctx, o)
	u.finish(ctx, o)
}

// insist repeats a post, with its nonce, until a node says what has become of it.
func (u *user) insist(ctx context.Context, o *Op) {
	open := o.Attempts > 0 // an attempt may have been carried out
	for range postAttempts {
		a := u.send(ctx, o, roomRequest(http.MethodPost, o.Room, "/messages", map[string]string{"body": o.Value, "nonce": o.Nonce}))
		var m struct{ ID string }
		if o.Outcome == Done {
			if err := json.Unmarshal(a.body, &m); err != nil || m.ID == "" {
				o.Outcome, o.Why = Unknown, "an answer without an id"
				return
			}
			o.Message = m.ID
			if p := u.posted[o.Room]; p != nil && o.covers(p) && !open {
				o.Above = p.Message
			}
			return
		}
		retry := o.Outcome == Unknown || o.Why == "not_caught_up" || o.Why == "unreachable"
		open = open || o.Outcome == Unknown
		if open {
			o.Outcome = Unknown // what is refused now may have been done before
		}
		if !retry || ctx.Err() != nil {
			return
		}
	}
}

// finish writes down a post, and sometimes looks whether it is there.
func (u *user) finish(ctx context.Context, o *Op) {
	u.rec.end(o)
	if o.Outcome != Done {
		return
	}
	u.posted[o.Room] = o
	// A post that was made twice may leave for its twin: nobody should build on it.
	if o.Attempts == 1 {
		u.mine = append(u.mine, o)
		u.mine = u.mine[max(0, len(u.mine)-mineKept):]
	}
	u.verify(ctx, o)
}

// pick takes one of the user's own messages.
func (u *user) pick() (i int, o *Op) {
	if len(u.mine) == 0 {
		return 0, nil
	}
	i = u.rng.IntN(len(u.mine))
	return i, u.mine[i]
}

func (u *user) forget(i int) { u.mine = append(u.mine[:i:i], u.mine[i+1:]...) }

func (u *user) edit(ctx context.Context) {
	i, p := u.pick()
	if p == nil {
		return
	}
	o := u.begin(Edit, p.Room)
	o.Message, o.Of, o.Value = p.Message, p, fmt.Sprintf("%s, edit %d", p.Value, o.Seq)
	u.send(ctx, o, roomRequest(http.MethodPatch, o.Room, "/messages/"+o.Message, map[string]string{"body": o.Value}))
	u.rec.end(o)
	switch {
	case o.Outcome == Done:
		u.verify(ctx, o)
	case o.Why == "not_found":
		u.forget(i)
	}
}

func (u *user) remove(ctx context.Context) {
	i, p := u.pick()
	if p == nil {
		return
	}
	o := u.begin(Delete, p.Room)
	o.Message, o.Of, o.Value = p.Message, p, gone
	u.send(ctx, o, roomRequest(http.MethodDelete, o.Room, "/messages/"+o.Message, nil))
	u.rec.end(o)
	if o.Outcome != Refused || o.Why == "not_found" {
		u.forget(i)
	}
	if o.Outcome == Done {
		u.verify(ctx, o)
	}
}
