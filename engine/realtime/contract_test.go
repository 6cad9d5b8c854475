package realtime

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// TestContract holds every frame of the contract, in both formats.
func TestContract(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) { contract(t, f) })
}

// contract speaks every frame and returns what was sent and what came.
func contract(t *testing.T, f client.Format) (sent, got []fields) {
	n := newNode(t)
	ann, bob := n.register("ann"), n.register("bob")
	lobby := n.room("lobby", ann)
	a, b := n.raw(f), n.raw(f)
	conversation{t, n, a, b, ann, bob, lobby}.run()
	again := n.raw(f)
	if ready := again.hello(ann, "garbage"); ready["resumed"] != false {
		t.Errorf("garbage was resumed: %v", ready)
	}
	again.next("reset")
	for _, r := range []*raw{a, b, again} {
		r.mu.Lock()
		sent, got = append(sent, r.sent...), append(got, r.frames...)
		r.mu.Unlock()
	}
	return sent, got
}

type conversation struct {
	t        *testing.T
	n        *node
	a, b     *raw
	ann, bob account
	lobby    engine.ID
}

func (c conversation) run() {
	cursor := c.open()
	id := c.posting()
	c.changing(id)
	c.pages(id)
	c.fleeting(id)
	c.naming()
	c.leaving()
	c.rooms()
	c.resuming(cursor)
}

func (c conversation) open() (cursor string) {
	ready := c.a.hello(c.ann, "")
	want(c.t, ready, fields{"resumed": false, "node": c.n.store.Origin().String(),
		"heartbeat": fields{"interval_ms": int64(25000), "timeout_ms": int64(20000)}})
	want(c.t, ready["user"].(fields), fields{"id": c.ann.ID.String(), "username": "ann"})
	want(c.t, ready["rooms"].([]any)[0].(fields), fields{"id": c.lobby.String(), "name": "lobby", "role": "owner", "last": nil, "last_read": ""})
	want(c.t, c.a.call(1, fields{"type": "ping"}), fields{"type": "pong"})
	c.b.hello(c.bob, "")
	joined := c.b.call(2, fields{"type": "join", "room": "lobby"})
	want(c.t, joined, fields{"type": "ack"})
	want(c.t, joined["room"].(fields), fields{"id": c.lobby.String(), "role": "member", "members": int64(2)})
	want(c.t, c.a.next("member_joined"), fields{"room": c.lobby.String(), "user": c.bob.ID.String(), "username": "bob", "role": "member"})
	return ready["cursor"].(string)
}

func (c conversation) posting() (id string) {
	c.a.send(fields{"type": "post", "ref": int64(3), "room": c.lobby.String(), "body": "héllo @bob <b>", "nonce": "n1"})
	echo := c.a.next("message") // the echo comes first, the ack in the same write
	ack := c.a.answer(3)
	want(c.t, echo, fields{"body": "héllo @bob <b>", "nonce": "n1", "user": c.ann.ID.String(), "room": c.lobby.String(), "id": ack["id"], "at": ack["at"]})
	want(c.t, echo, fields{"mentions": []any{c.bob.ID.String()}})
	want(c.t, ack, fields{"type": "ack", "position": c.n.engine.Position().String()})
	if !reflect.DeepEqual(c.b.next("message"), echo) {
		c.t.Error("bob was told something else than ann")
	}
	reply := c.b.call(4, fields{"type": "post", "room": "lobby", "body": "hi", "reply_to": ack["id"]})
	want(c.t, c.a.next("message"), fields{"id": reply["id"], "reply_to": ack["id"]})
	return ack["id"].(string)
}

func (c conversation) changing(id string) {
	ack := c.a.call(5, fields{"type": "edit", "id": id, "body": "better"})
	want(c.t, ack, fields{"type": "ack", "position": c.n.engine.Position().String()})
	want(c.t, c.b.next("message_edited"), fields{"id": id, "room": c.lobby.String(), "body": "better", "user": c.ann.ID.String()})
	c.b.call(6, fields{"type": "react", "id": id, "emoji": "👍"})
	want(c.t, c.a.next("reaction"), fields{"id": id, "emoji": "👍", "count": int64(1), "user": c.bob.ID.String()})
	c.b.call(7, fields{"type": "react", "id": id, "emoji": "👍", "remove": true})
	want(c.t, c.a.next("reaction"), fields{"remove": true, "count": int64(0)})
	gone := c.a.call(8, fields{"type": "post", "room": "lobby", "body": "oops"})
	c.a.call(9, fields{"type": "delete", "id": gone["id"]})
	want(c.t, c.b.next("message_deleted"), fields{"id": gone["id"], "room": c.lobby.String(), "user": c.ann.ID.String()})
}

func (c conversation) pages(id string) {
	page := c.b.call(10, fields{"type": "history", "room": "lobby", "limit": int64(2)})
	if items := page["items"].([]any); len(items) != 2 || page["next"] != nil || page["prev"] == nil {
		c.t.Errorf("newest page: %v", page)
	}
	page = c.b.call(11, fields{"type": "history", "room": "lobby", "before": page["prev"]})
	want(c.t, page["items"].([]any)[0].(fields), fields{"id": id, "body": "better"})
	page = c.b.call(12, fields{"type": "history", "room": "lobby", "after": id})
	if len(page["items"].([]any)) != 2 {
		c.t.Errorf("after the first: %v", page)
	}
	page = c.b.call(13, fields{"type": "history", "room": "lobby", "around": id, "limit": int64(200)})
	if len(page["items"].([]any)) != 3 {
		c.t.Errorf("around the first: %v", page)
	}
	c.n.room("silent", c.ann)
	page = c.b.call(14, fields{"type": "history", "room": "silent"})
	want(c.t, page, fields{"items": []any{}, "prev": nil, "next": nil})
}

func (c conversation) fleeting(id string) {
	c.b.call(20, fields{"type": "read", "room": "lobby", "id": id})
	want(c.t, c.a.next("read"), fields{"room": c.lobby.String(), "id": id, "user": c.bob.ID.String()})
	c.b.call(21, fields{"type": "typing", "room": "lobby"})
	want(c.t, c.a.next("typing"), fields{"room": c.lobby.String(), "user": c.bob.ID.String()})
	c.b.call(22, fields{"type": "presence", "status": "busy"})
	c.a.find("bob's being busy", func(f fields) bool { return f["type"] == "presence" && f["status"] == "busy" })
	data := fields{"n": int64(1), "deep": []any{true, nil, "x", 1.5}}
	want(c.t, c.b.call(23, fields{"type": "signal", "room": "lobby", "name": "app.ring", "data": data}), fields{"type": "ack"})
	want(c.t, c.a.next("signal"), fields{"room": c.lobby.String(), "user": c.bob.ID.String(), "name": "app.ring", "data": data})
}

func (c conversation) naming() {
	name := "Bobby"
	if _, _, _, err := c.n.engine.UpdateMe(testContext(c.t), c.bob.who, engine.ProfileChange{DisplayName: &name}); err != nil {
		c.t.Fatal(err)
	}
	want(c.t, c.a.next("user_updated"), fields{"id": c.bob.ID.String(), "username": "bob", "display_name": name})
}

func (c conversation) leaving() {
	want(c.t, c.b.call(30, fields{"type": "leave", "room": "lobby"}), fields{"type": "ack", "position": c.n.engine.Position().String()})
	want(c.t, c.a.next("member_left"), fields{"room": c.lobby.String(), "user": c.bob.ID.String()})
	want(c.t, c.b.call(31, fields{"type": "post", "room": "lobby", "body": "x"}), fields{"type": "error", "code": "forbidden"})
}

// rooms are made, changed and deleted by REST; the sessions hear of it.
func (c conversation) rooms() {
	ctx := testContext(c.t)
	v, _, err := c.n.engine.CreateRoom(ctx, c.ann.who, engine.NewRoom{Name: "plans"})
	if err != nil {
		c.t.Fatal(err)
	}
	c.a.find("the new room", func(f fields) bool { return f["type"] == "room_created" && f["name"] == "plans" })
	topic := "what to do"
	if _, _, err := c.n.engine.UpdateRoom(ctx, c.ann.who, v.ID, engine.RoomChange{Topic: &topic}); err != nil {
		c.t.Fatal(err)
	}
	want(c.t, c.a.next("room_updated"), fields{"id": v.ID.String(), "topic": topic, "name": "plans"})
	if _, err := c.n.engine.DeleteRoom(ctx, c.ann.who, v.ID); err != nil {
		c.t.Fatal(err)
	}
	want(c.t, c.a.next("room_deleted"), fields{"id": v.ID.String(), "room": v.ID.String()})
}

// resuming gets all of it again, in a second session, and then a checkpoint (I5).
func (c conversation) resuming(cursor string) {
	r := c.n.raw(c.a.format)
	want(c.t, r.hello(c.ann, cursor), fields{"resumed": true, "cursor": cursor})
	want(c.t, r.next("message"), fields{"nonce": "n1"})
	want(c.t, r.next("checkpoint"), fields{"cursor": c.n.engine.Position().String()})
	c.a.mu.Lock()
	defer c.a.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	c.a.frames = append(c.a.frames, r.frames...)
}

// want checks some fields of a frame.
func want(t testing.TB, got, want fields) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok || !reflect.DeepEqual(g, v) {
			t.Errorf("%s is %v, not %v, in %v", k, g, v, got)
		}
	}
}

// TestSignalFormats: what one format can say and the other cannot is shown as the contract has it.
func TestSignalFormats(t *testing.T) {
	n := newNode(t)
	ann, bob := n.register("ann"), n.register("bob")
	n.room("lobby", ann, bob)
	inJSON, inCBOR := n.raw(client.JSON), n.raw(client.CBOR)
	inJSON.hello(ann, "")
	inCBOR.hello(bob, "")
	bytes := []byte{0, 1, 0xFE, 0xFF}
	inCBOR.send(fields{"type": "signal", "room": "lobby", "name": "blob", "data": fields{"list": []any{bytes}, "n": int64(1) << 60}})
	want(t, inJSON.next("signal"), fields{"data": fields{"list": []any{base64.StdEncoding.EncodeToString(bytes)}, "n": int64(1) << 60}})
	want(t, inCBOR.next("signal"), fields{"data": fields{"list": []any{bytes}, "n": int64(1) << 60}})
	inJSON.send(fields{"type": "signal", "room": "lobby", "name": "number", "data": []any{int64(1) << 60, 1e30, 0.5}})
	want(t, inCBOR.next("signal"), fields{"data": []any{int64(1) << 60, 1e30, 0.5}})
	inJSON.send(fields{"type": "signal", "room": "lobby", "name": "empty"})
	if got := inCBOR.next("signal"); got["data"] != nil {
		t.Errorf("data of a signal without: %v", got)
	}
}

// TestAckOrder: the acks of posts come in the order of the posts, however many are under way.
func TestAckOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		n.room("lobby", ann)
		r := n.raw(f)
		r.hello(ann, "")
		const posts = 5 * postsAtOnce
		for i := range posts {
			r.send(fields{"type": "post", "ref": int64(i + 1), "room": "lobby", "body": fmt.Sprint(i)})
		}
		last := ""
		for i := range posts {
			ack := r.next("ack")
			id := ack["id"].(string)
			if ack["ref"] != int64(i+1) || id <= last {
				t.Fatalf("ack %d is %v after %s", i, ack, last)
			}
			last = id
		}
	})
}
