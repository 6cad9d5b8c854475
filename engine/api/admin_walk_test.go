package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// walkAdmin goes through the routes of administrators, as one of them.
func walkAdmin(t *testing.T, admin, bob caller) {
	walkAdminUsers(t, admin)
	walkAdminSessions(t, admin)
	walkAdminRooms(t, admin, bob)
	walkNewRooms(t, admin, bob)
	walkAdminInvites(t, admin)
	walkAdminBans(t, admin)
	admin.do("GET", "/admin/stats", nil).want(200)
}

type accountList struct {
	Items []engine.Account
	Next  *string
}

// accounts reads the whole list, by pages of a size.
func (c caller) accounts(limit int) (all []engine.Account) {
	c.t.Helper()
	for after := ""; ; {
		var l accountList
		c.do("GET", fmt.Sprintf("/admin/users?limit=%d&after=%s", limit, after), nil).want(200).into(&l)
		all = append(all, l.Items...)
		if l.Next == nil {
			return all
		}
		after = *l.Next
	}
}

func walkAdminUsers(t *testing.T, admin caller) {
	var a engine.Account
	admin.do("POST", "/admin/users", map[string]any{"username": "dora", "password": "correct horse", "display_name": "Dora"}).want(201).into(&a)
	if a.Username != "dora" || a.DisplayName != "Dora" || a.Admin() || a.Bot || !a.Password || a.Disabled {
		t.Errorf("a new account: %+v", a)
	}
	admin.do("POST", "/admin/users", map[string]any{"username": "dora"}).refused(409, engine.CodeConflict)
	dora := caller{t: t, n: admin.n, name: "dora", user: a.ID}.signIn()
	admin.do("PATCH", "/admin/users/dora", map[string]any{"username": "theodora", "display_name": "T", "role": "admin"}).want(200).into(&a)
	if a.Username != "theodora" || a.DisplayName != "T" || !a.Admin() || a.LastSignIn == 0 {
		t.Errorf("a changed account: %+v", a)
	}
	dora.do("GET", "/admin/users", nil).want(200)
	admin.do("PATCH", "/admin/users/theodora", map[string]any{"role": "user", "disabled": true}).want(200).into(&a)
	dora.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	admin.do("PATCH", "/admin/users/theodora", map[string]any{"disabled": false, "password": "another horse"}).want(200)
	dora.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized) // a new password has ended its tokens
	for _, limit := range []int{1, 2, 200} {
		all := admin.accounts(limit)
		if n := len(slices.CompactFunc(all, func(a, b engine.Account) bool { return a.ID == b.ID })); n != len(admin.accounts(100)) {
			t.Errorf("by %d there are %d accounts", limit, n)
		}
	}
	admin.do("DELETE", "/admin/users/"+a.ID.String(), nil).want(204)
	admin.do("GET", "/admin/users/"+a.ID.String(), nil).want(200).into(&a)
	if !a.Deleted || a.Username == "theodora" || a.DisplayName != "" {
		t.Errorf("a deleted account: %+v", a)
	}
	admin.do("GET", "/admin/users/theodora", nil).refused(404, engine.CodeNotFound)
}

func walkAdminSessions(t *testing.T, admin caller) {
	eve := admin.n.user(t, "eve")
	second, third := eve.signIn(), eve.signIn()
	var l list[engine.SignIn]
	admin.do("GET", "/admin/users/eve/sessions", nil).want(200).into(&l)
	if len(l.Items) != 3 || l.Items[0].ID.String() != third.session() || l.Items[0].Current {
		t.Errorf("eve's sign-ins: %+v", l)
	}
	admin.do("DELETE", "/admin/users/eve/sessions/"+second.session(), nil).want(204)
	second.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	eve.do("GET", "/me", nil).want(200)
	admin.do("DELETE", "/admin/users/eve/sessions/"+admin.session(), nil).refused(404, engine.CodeNotFound)
	admin.do("DELETE", "/admin/users/eve/sessions", nil).want(204)
	eve.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	third.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)

	admin.do("POST", "/admin/users/eve/tokens", nil).refused(409, engine.CodeConflict)
	admin.do("POST", "/admin/users", map[string]any{"username": "robot", "bot": true}).want(201)
	var in issuedToken
	admin.do("POST", "/admin/users/robot/tokens", map[string]any{"label": "ci", "expires_in_s": 3600}).want(201).into(&in)
	if in.Session.Agent != "ci" || in.Session.Expires.Std().Sub(in.Session.At.Std()).Hours() != 1 {
		t.Errorf("a bot's token: %+v", in.Session)
	}
	robot := caller{t: t, n: admin.n, name: "robot", token: in.Token}
	var u engine.User
	robot.do("GET", "/me", nil).want(200).into(&u)
	if !u.Bot || u.Username != "robot" {
		t.Errorf("the bot is %+v", u)
	}
}

func walkAdminRooms(t *testing.T, admin, bob caller) {
	cave := bob.room("cave", true)
	path := "/admin/rooms/cave"
	m := bob.post("cave", "in the dark")
	var l struct {
		Items []engine.AdminRoom
		Next  *string
	}
	admin.do("GET", "/admin/rooms", nil).want(200).into(&l)
	if !slices.ContainsFunc(l.Items, func(r engine.AdminRoom) bool {
		return r.ID == cave.ID && r.Private && r.Last != nil && r.Last.ID == m.ID
	}) {
		t.Errorf("all rooms: %+v", l)
	}
	var r engine.AdminRoom
	admin.do("GET", path, nil).want(200)
	admin.do("PATCH", path, map[string]any{}).refused(422, engine.CodeInvalidField)
	admin.do("PATCH", path, map[string]any{"archived": true}).want(200).into(&r)
	if !r.Archived {
		t.Errorf("an archived room: %+v", r)
	}
	bob.do("POST", "/rooms/cave/messages", map[string]any{"body": "x"}).refused(409, engine.CodeConflict)
	admin.do("PATCH", path, map[string]any{"archived": false}).want(200)

	admin.do("GET", "/admin/messages/"+m.ID.String(), nil).refused(404, engine.CodeNotFound) // is not in the room
	admin.do("PUT", path+"/members/admin", map[string]any{"role": ""}).refused(422, engine.CodeInvalidField)
	admin.do("PUT", path+"/members/admin", map[string]any{"role": "moderator"}).want(204)
	admin.do("GET", "/admin/messages/"+m.ID.String(), nil).want(200)
	var members memberList
	admin.do("GET", path+"/members?limit=1", nil).want(200).into(&members)
	if len(members.Items) != 1 || members.Next == nil {
		t.Errorf("the first member of two: %+v", members)
	}
	admin.do("DELETE", path+"/members/admin", nil).want(204)
	admin.do("DELETE", path+"/members/admin", nil).refused(404, engine.CodeNotFound)
	admin.do("DELETE", "/admin/messages/"+m.ID.String(), nil).want(204)
	walkPurge(t, admin, bob)
	admin.do("DELETE", path, nil).want(204)
	bob.do("GET", "/rooms/cave", nil).refused(404, engine.CodeNotFound)
}

// walkNewRooms makes rooms for bob, and none that are no rooms or nobody's.
func walkNewRooms(t *testing.T, admin, bob caller) {
	var r engine.AdminRoom
	admin.do("POST", "/admin/rooms", map[string]any{"name": "attic", "topic": "old things", "private": true, "owner": "bob"}).want(201).into(&r)
	if r.Name != "attic" || r.Topic != "old things" || !r.Private || r.Members != 1 || r.CreatedAt == 0 {
		t.Errorf("a new room: %+v", r)
	}
	var v engine.RoomView
	bob.do("GET", "/rooms/attic", nil).want(200).into(&v)
	if v.Role != engine.RoleOwner {
		t.Errorf("bob is %v of the room that was made for him", v.Role)
	}
	admin.do("GET", "/rooms/attic", nil).refused(404, engine.CodeNotFound) // no member of it
	admin.do("POST", "/admin/rooms", map[string]any{"name": "attic", "owner": "bob"}).refused(409, engine.CodeConflict)
	for field, body := range map[string]map[string]any{
		"owner": {"name": "loft", "owner": "nobody-like-it"}, "name": {"name": "No Name", "owner": "bob"},
	} {
		if p := admin.do("POST", "/admin/rooms", body).refused(422, engine.CodeInvalidField); p.Errors[0].Field != field {
			t.Errorf("%v: the fields that are wrong: %+v", body, p.Errors)
		}
	}
	admin.do("POST", "/admin/rooms", map[string]any{"name": "loft"}).refused(422, engine.CodeInvalidField)
	admin.do("POST", "/admin/users", map[string]any{"username": "hal"}).want(201)
	var hal engine.Account
	admin.do("GET", "/admin/users/hal", nil).want(200).into(&hal)
	admin.do("DELETE", "/admin/users/hal", nil).want(204)
	admin.do("POST", "/admin/rooms", map[string]any{"name": "loft", "owner": hal.ID.String()}).refused(409, engine.CodeConflict)
	admin.do("DELETE", "/admin/rooms/attic", nil).want(204)
}

// walkPurge deletes what one user wrote in one room, step by step.
func walkPurge(t *testing.T, admin, bob caller) {
	for range 3 {
		bob.post("cave", "spam")
	}
	filter := map[string]any{"user": "bob", "room": "cave", "dry_run": true}
	if would := admin.purge(filter); would != 3 {
		t.Errorf("a dry run counts %d messages", would)
	}
	delete(filter, "dry_run")
	if did := admin.purge(filter); did != 3 {
		t.Errorf("%d messages were deleted", did)
	}
	if again := admin.purge(filter); again != 0 {
		t.Errorf("%d messages were deleted twice", again)
	}
	admin.do("POST", "/admin/purge", map[string]any{}).refused(422, engine.CodeInvalidField)
	admin.do("POST", "/admin/purge", map[string]any{"user": "bob", "cursor": "x"}).refused(422, engine.CodeInvalidField)
	for _, field := range []string{"user", "room"} {
		// What names nothing must not mean everything.
		p := admin.do("POST", "/admin/purge", map[string]any{field: "nothing-like-it", "before": "2999-01-01T00:00:00Z"}).refused(422, engine.CodeInvalidField)
		if len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("the fields that are wrong: %+v", p.Errors)
		}
	}
}

// purge goes on to the end, and returns how many messages it deleted.
func (c caller) purge(filter map[string]any) (deleted int) {
	c.t.Helper()
	for {
		var step engine.PurgeStep
		c.do("POST", "/admin/purge", filter).want(200).into(&step)
		deleted += step.Deleted
		if step.Next == nil {
			delete(filter, "cursor")
			return deleted
		}
		filter["cursor"] = *step.Next
	}
}

func walkAdminInvites(t *testing.T, admin caller) {
	var made madeInvitation
	admin.do("POST", "/admin/invites", map[string]any{"note": "for fay", "expires_in_s": 600}).want(201).into(&made)
	if made.Invitation.Note != "for fay" || made.Invitation.By != admin.user || made.Invitation.ExpiresAt != made.ExpiresAt {
		t.Errorf("an invitation: %+v", made)
	}
	admin.n.invited(t, "fay", made.Invite)
	admin.do("DELETE", "/admin/invites/"+made.Invitation.ID.String(), nil).refused(409, engine.CodeConflict)
	var second madeInvitation
	admin.do("POST", "/admin/invites", nil).want(201).into(&second)
	admin.do("DELETE", "/admin/invites/"+second.Invitation.ID.String(), nil).want(204)
	admin.n.anonymous(t).do("POST", "/register", map[string]any{"username": "gus", "password": "correct horse", "invite": second.Invite}).
		refused(403, engine.CodeForbidden)
	var l list[engine.Invitation]
	admin.do("GET", "/admin/invites", nil).want(200).into(&l)
	for _, want := range []struct {
		id            engine.ID
		used, revoked bool
	}{{made.Invitation.ID, true, false}, {second.Invitation.ID, false, true}} {
		if !slices.ContainsFunc(l.Items, func(i engine.Invitation) bool {
			return i.ID == want.id && i.Used == want.used && i.Revoked == want.revoked
		}) {
			t.Errorf("%s is not told as used %v, revoked %v: %+v", want.id, want.used, want.revoked, l.Items)
		}
	}
}

func walkAdminBans(t *testing.T, admin caller) {
	gil := admin.n.user(t, "gil")
	var b engine.Ban
	admin.do("POST", "/admin/bans", map[string]any{"user": "gil", "reason": "noise", "until": "2999-01-01T00:00:00Z"}).want(201).into(&b)
	if b.User != gil.user || b.Reason != "noise" || b.Until == 0 || b.By != admin.user || b.CreatedAt == 0 {
		t.Errorf("a user's ban: %+v", b)
	}
	gil.do("GET", "/me", nil).refused(403, engine.CodeForbidden)
	var network engine.Ban
	admin.do("POST", "/admin/bans", map[string]any{"network": "203.0.113.77/24"}).want(201).into(&network)
	if network.Network != "203.0.113.0/24" || network.Until != 0 || !network.User.IsZero() {
		t.Errorf("a network's ban: %+v", network)
	}
	var l list[engine.Ban]
	admin.do("GET", "/admin/bans", nil).want(200).into(&l)
	if len(l.Items) != 2 {
		t.Errorf("all bans: %+v", l)
	}
	for _, body := range []map[string]any{{}, {"user": "gil", "network": "203.0.113.0/24"}, {"network": "nonsense"}, {"user": "nobody-like-it"}, {"user": "gil", "until": "2000-01-01T00:00:00Z"}} {
		admin.do("POST", "/admin/bans", body).refused(422, engine.CodeInvalidField)
	}
	admin.do("DELETE", "/admin/bans?user=gil", nil).want(204)
	gil.do("GET", "/me", nil).want(200)
	admin.do("DELETE", "/admin/bans?user=gil", nil).refused(404, engine.CodeNotFound)
	admin.do("DELETE", "/admin/bans?network=203.0.113.9/24", nil).want(204)
	admin.do("DELETE", "/admin/bans", nil).refused(422, engine.CodeInvalidField)
}
