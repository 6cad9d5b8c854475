package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// page and rooms are lists as clients read them.
type page struct {
	Items []engine.Message
	Prev  *string
	Next  *string
}

type roomList struct {
	Items []engine.RoomView
	Next  *string
}

type memberList struct {
	Items []engine.Member
	Next  *string
}

// TestWalk goes through the whole table of the contract with several users, and
// has made every documented operation succeed at its end.
func TestWalk(t *testing.T) {
	n := newNode(t, nil)
	admin := n.admin(t)
	ann, bob, cat := n.user(t, "ann"), n.user(t, "bob"), n.user(t, "cat")
	walkAccounts(t, n, admin, ann)
	room := walkRooms(t, ann, bob, admin)
	walkMembers(t, room, ann, bob, cat)
	walkSessions(t, cat)
	walkMessages(t, room, ann, bob)
	walkAdmin(t, admin, bob)
	walkEnds(t, room, ann, bob)
	for _, path := range []string{"/healthz", "/readyz", basePath + "/openapi.json"} {
		n.anonymous(t).raw("GET", path, nil).want(200)
	}
	for _, rt := range routes {
		if !n.seen[fmt.Sprintf("%s %d", rt.id, rt.status)] {
			t.Errorf("the walk never had %s answer %d", rt.id, rt.status)
		}
	}
}

func walkAccounts(t *testing.T, n *node, admin, ann caller) {
	var inv invite
	admin.do("POST", "/invites", map[string]any{"admin": true}).want(201).into(&inv)
	second := n.invited(t, "second", inv.Invite)
	var u engine.User
	second.do("GET", "/me", nil).want(200).into(&u)
	if !u.Admin() {
		t.Errorf("the invite did not make an administrator: %+v", u)
	}
	n.anonymous(t).do("POST", "/register", map[string]any{"username": "third", "password": "correct horse", "invite": inv.Invite}).
		refused(403, engine.CodeForbidden)
	admin.do("POST", "/invites", nil).want(201)

	ann.do("PATCH", "/me", map[string]any{"display_name": "Ann <3"}).want(200).into(&u)
	if u.DisplayName != "Ann <3" || u.Username != "ann" {
		t.Errorf("the profile did not change: %+v", u)
	}
	for _, ref := range []string{"ann", ann.user.String(), strings.ToLower(ann.user.String())} {
		var got engine.User
		admin.do("GET", "/users/"+ref, nil).want(200).into(&got)
		if got != u {
			t.Errorf("%s: %+v, want %+v", ref, got, u)
		}
	}

	var in signedIn
	n.anonymous(t).do("POST", "/login", map[string]any{"username": "ann", "password": "correct horse"}).want(200).into(&in)
	again := caller{t: t, n: n, token: in.Token}
	again.do("GET", "/me", nil).want(200)
	again.do("POST", "/logout", nil).want(204)
	again.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	ann.do("GET", "/me", nil).want(200)
}

func walkRooms(t *testing.T, ann, bob, admin caller) string {
	room := ann.room("garden", false)
	if room.Role != engine.RoleOwner || room.Members != 1 || room.Last != nil {
		t.Errorf("a new room: %+v", room)
	}
	ann.room("shed", true)
	ann.do("POST", "/rooms", map[string]any{"name": "garden"}).refused(409, engine.CodeConflict)
	var got engine.RoomView
	ann.do("PATCH", "/rooms/garden", map[string]any{"topic": "beans & peas"}).want(200).into(&got)
	bob.do("GET", "/rooms/garden", nil).want(200).into(&got)
	if got.ID != room.ID || got.Topic != "beans & peas" || got.Role != engine.RoleNone {
		t.Errorf("the room as a stranger sees it: %+v", got)
	}
	bob.do("POST", "/rooms/"+room.ID.String()+"/join", nil).want(200).into(&got)
	if got.Role != engine.RoleMember || got.Members != 2 {
		t.Errorf("after joining: %+v", got)
	}
	var l roomList
	admin.do("GET", "/rooms?filter=public", nil).want(200).into(&l)
	if len(l.Items) != 1 || l.Items[0].Name != "garden" || l.Next != nil {
		t.Errorf("public rooms: %+v", l)
	}
	ann.do("GET", "/rooms?filter=joined", nil).want(200).into(&l)
	if len(l.Items) != 2 {
		t.Errorf("joined rooms: %+v", l)
	}
	var direct, same engine.RoomView
	ann.do("POST", "/rooms/direct", map[string]any{"users": []string{"bob"}}).want(200).into(&direct)
	bob.do("POST", "/rooms/direct", map[string]any{"users": []string{ann.user.String()}}).want(200).into(&same)
	if direct.ID != same.ID || !direct.Direct || direct.Members != 2 {
		t.Errorf("direct rooms: %+v and %+v", direct, same)
	}
	ann.room("direct", false) // the name of another route's path
	ann.do("GET", "/rooms/direct", nil).want(200)
	ann.do("DELETE", "/rooms/direct", nil).want(204)
	return room.ID.String()
}

func walkMembers(t *testing.T, room string, ann, bob, cat caller) {
	ann.do("PUT", "/rooms/"+room+"/members/cat", map[string]any{"role": "member"}).want(204)
	ann.do("PUT", "/rooms/"+room+"/members/"+bob.user.String(), map[string]any{"role": "moderator"}).want(204)
	seen := map[string]engine.Role{}
	for next := ""; ; {
		var l memberList
		cat.do("GET", "/rooms/"+room+"/members?limit=1&after="+next, nil).want(200).into(&l)
		for _, m := range l.Items {
			seen[m.Username] = m.RoomRole
		}
		if l.Next == nil {
			break
		}
		next = *l.Next
	}
	want := map[string]engine.Role{"ann": engine.RoleOwner, "bob": engine.RoleModerator, "cat": engine.RoleMember}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("members %v, want %v", seen, want)
	}
	bob.do("DELETE", "/rooms/"+room+"/members/cat", nil).want(204)
	bob.do("DELETE", "/rooms/"+room+"/members/cat", nil).refused(404, engine.CodeNotFound)
}

func walkSessions(t *testing.T, cat caller) {
	second, third := cat.signIn(), cat.signIn()
	var l list[engine.SignIn]
	second.do("GET", "/me/sessions", nil).want(200).into(&l)
	if len(l.Items) != 3 || !l.Items[1].Current || l.Items[2].ID.String() != cat.session() || l.Next != nil {
		t.Errorf("three sign-ins, the second asks: %+v", l)
	}
	cat.do("DELETE", "/me/sessions/"+third.session(), nil).want(204)
	third.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	cat.do("DELETE", "/me/sessions", nil).want(204)
	second.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	cat.do("GET", "/me/sessions", nil).want(200).into(&l)
	if len(l.Items) != 1 || !l.Items[0].Current {
		t.Errorf("after the others were signed out: %+v", l)
	}
}

func walkMessages(t *testing.T, room string, ann, bob caller) {
	messages := "/rooms/" + room + "/messages"
	first := ann.post(room, "hello @bob")
	if len(first.Mentions) != 1 || first.Mentions[0] != bob.user {
		t.Errorf("mentions: %+v", first)
	}
	at := messages + "/" + first.ID.String()
	var m engine.Message
	ann.do("PATCH", at, map[string]any{"body": "hello"}).want(200).into(&m)
	if m.Body != "hello" || m.EditedAt == 0 {
		t.Errorf("edited: %+v", m)
	}
	bob.do("PUT", at+"/reactions/"+escape("🌱"), nil).want(204)
	bob.do("PUT", at+"/reactions/"+escape("+1"), nil).want(204)
	bob.do("DELETE", at+"/reactions/"+escape("+1"), nil).want(204)
	bob.do("GET", at, nil).want(200).into(&m)
	if len(m.Reactions) != 1 || m.Reactions[0] != (engine.ReactionCount{Emoji: "🌱", Count: 1, Me: true}) {
		t.Errorf("reactions: %+v", m.Reactions)
	}
	var reply engine.Message
	bob.do("POST", messages, map[string]any{"body": "hi", "nonce": "n1", "reply_to": first.ID}).want(201).into(&reply)
	var p page
	ann.do("GET", at+"/replies", nil).want(200).into(&p)
	if len(p.Items) != 1 || p.Items[0].ID != reply.ID || p.Prev != nil || p.Next != nil {
		t.Errorf("replies: %+v", p)
	}
	ann.do("GET", messages, nil).want(200).into(&p)
	if len(p.Items) != 2 || p.Items[0].ID != first.ID {
		t.Errorf("messages: %+v", p)
	}
	var v engine.RoomView
	ann.do("GET", "/rooms/"+room, nil).want(200).into(&v)
	if v.Unread != 1 || v.Last == nil || v.Last.ID != reply.ID {
		t.Errorf("before reading: %+v", v)
	}
	ann.do("PUT", "/rooms/"+room+"/read", map[string]any{"id": reply.ID}).want(204)
	ann.do("GET", "/rooms/"+room, nil).want(200).into(&v)
	if v.Unread != 0 || v.LastRead != reply.ID {
		t.Errorf("after reading: %+v", v)
	}
	bob.do("DELETE", at, nil).want(204)
	ann.do("GET", at, nil).want(200).into(&m)
	if !m.Deleted || m.Body != "" {
		t.Errorf("a deleted message: %+v", m)
	}
}

func walkEnds(t *testing.T, room string, ann, bob caller) {
	bob.do("POST", "/rooms/"+room+"/leave", nil).want(204)
	ann.do("DELETE", "/rooms/"+room, nil).want(204)
	ann.do("GET", "/rooms/"+room, nil).refused(404, engine.CodeNotFound)
	ann.do("GET", "/rooms/"+room+"/messages", nil).refused(404, engine.CodeNotFound)
	var u me
	a := ann.do("PATCH", "/me", map[string]any{"password": "another horse", "current_password": "correct horse"}).want(200)
	a.into(&u)
	if c := a.cookie(sessionCookie); c == nil || c.Value != u.Token || u.Token == "" {
		t.Errorf("a new password must answer with a new token and cookie: %s", a)
	}
	ann.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	ann.token = u.Token
	ann.do("GET", "/me", nil).want(200)
}
