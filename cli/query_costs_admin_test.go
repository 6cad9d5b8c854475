package cli

import (
	"fmt"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// adminGets are the rows of what administrators read.
func (w *costWorld) adminGets() []costRow {
	get := func(op, what, path string) costRow { return w.getAs("root", op, what, "/admin"+path) }
	return []costRow{
		get("adminListUsers", "limit 50", "/users?limit=50"),
		get("adminGetUser", "", "/users/ann"),
		get("adminListSessions", "", "/users/ann/sessions"),
		get("adminListRooms", "limit 50", "/rooms?limit=50"),
		get("adminGetRoom", "", "/rooms/room-00000"),
		get("adminListMembers", "limit 50", "/rooms/"+w.hall.String()+"/members?limit=50"),
		get("adminGetMessage", "", "/messages/"+w.deep[0].String()),
		get("adminListInvites", "", "/invites"),
		get("adminListBans", "", "/bans"),
		get("adminStats", "", "/stats"),
	}
}

// rootCall is a row of an administrator's.
func (w *costWorld) rootCall(op string, status int, method string, path func(i int) string, body func(i int) any) costRow {
	r := w.call(op, "", status, method, path, body)
	ask := r.ask
	r.ask = func(n *costNode, i int) costCall {
		c := ask(n, i)
		c.path, c.token = "/admin"+c.path, w.token["root"]
		return c
	}
	return r
}

// after is a row whose call needs another before it, which is not measured.
func (r costRow) after(first costRow) costRow {
	ask := r.ask
	r.ask = func(n *costNode, i int) costCall {
		n.do(first.ask(n, i))
		return ask(n, i)
	}
	return r
}

func costNamed(from int) func(int) string {
	return func(i int) string { return fmt.Sprintf("user-%05d", from+i) }
}

func costUserPath(from int, rest string) func(int) string {
	return func(i int) string { return "/users/" + costNamed(from)(i) + rest }
}

func (w *costWorld) adminWrites() []costRow {
	return append(w.adminUserWrites(), append(w.adminRoomWrites(), w.adminOtherWrites()...)...)
}

func (w *costWorld) adminUserWrites() []costRow {
	bot := w.rootCall("adminAddUser", http.StatusCreated, "POST", costPath("/users"), func(i int) any {
		return costBody{"username": fmt.Sprint("robot-", i), "bot": true}
	})
	remove := w.rootCall("adminDeleteUser", http.StatusNoContent, "DELETE", costUserPath(900, ""), nil)
	remove.always, remove.why = 16, "the user's rooms are left"
	revoke := costRow{op: "adminRevokeSession", ask: func(n *costNode, _ int) costCall {
		n.do(costCall{method: "POST", path: "/login", body: costBody{"username": "dave", "password": costPassword}, status: http.StatusOK})
		var list struct{ Items []engine.SignIn }
		n.decode(costCall{method: "GET", path: "/admin/users/dave/sessions", token: w.token["root"]}, &list)
		return costCall{method: "DELETE", path: "/admin/users/dave/sessions/" + list.Items[0].ID.String(), token: w.token["root"], status: http.StatusNoContent}
	}}
	revoke.always, revoke.why = engine.SignInLimit, "the user's sign-ins, at most 100"
	return []costRow{
		w.rootCall("adminAddUser", http.StatusCreated, "POST", costPath("/users"), func(i int) any { return costBody{"username": fmt.Sprint("hired-", i)} }),
		w.rootCall("adminChangeUser", http.StatusOK, "PATCH", costUserPath(500, ""), func(int) any { return costBody{"display_name": "New"} }),
		remove, revoke,
		w.rootCall("adminRevokeSessions", http.StatusNoContent, "DELETE", costUserPath(700, "/sessions"), nil),
		w.rootCall("adminIssueToken", http.StatusCreated, "POST", func(i int) string { return fmt.Sprintf("/users/robot-%d/tokens", i) }, nil).after(bot),
	}
}

func (w *costWorld) adminRoomWrites() []costRow {
	name := func(i int) string { return fmt.Sprint("made-", i) }
	add := func(prefix string) costRow {
		r := w.rootCall("adminAddRoom", http.StatusCreated, "POST", costPath("/rooms"), func(i int) any {
			return costBody{"name": prefix + name(i), "owner": costNamed(300)(i)}
		})
		r.always, r.why = 16, "the owner's rooms are counted"
		return r
	}
	room := func(prefix string) func(int) string {
		return func(i int) string { return "/rooms/" + prefix + name(i) }
	}
	member := func(from int) func(int) string {
		return func(i int) string { return "/rooms/room-00003/members/" + costNamed(from)(i) }
	}
	put := func(from int) costRow {
		r := w.rootCall("adminSetMember", http.StatusNoContent, "PUT", member(from), func(int) any { return costBody{"role": "member"} })
		r.always, r.why = 16, "the user's rooms are counted"
		return r
	}
	return []costRow{
		add("a-"),
		w.rootCall("adminChangeRoom", http.StatusOK, "PATCH", room("b-"), func(int) any { return costBody{"archived": true} }).after(add("b-")),
		w.rootCall("adminDeleteRoom", http.StatusNoContent, "DELETE", room("c-"), nil).after(add("c-")),
		put(400),
		w.rootCall("adminRemoveMember", http.StatusNoContent, "DELETE", member(450), nil).after(put(450)),
	}
}

func (w *costWorld) adminOtherWrites() []costRow {
	revoke := costRow{op: "adminRevokeInvite", ask: func(n *costNode, _ int) costCall {
		var made struct{ Invitation engine.Invitation }
		n.decode(costCall{method: "POST", path: "/admin/invites", token: w.token["root"], status: http.StatusCreated}, &made)
		return costCall{method: "DELETE", path: "/admin/invites/" + made.Invitation.ID.String(), token: w.token["root"], status: http.StatusNoContent}
	}}
	ban := func(from int) costRow {
		return w.rootCall("adminAddBan", http.StatusCreated, "POST", costPath("/bans"), func(i int) any { return costBody{"user": costNamed(from)(i)} })
	}
	purge := w.rootCall("adminPurge", http.StatusOK, "POST", costPath("/purge"), func(int) any {
		return costBody{"room": w.rooms[0].String(), "user": "carol", "dry_run": true}
	})
	purge.always, purge.why = costPurge, "a step reads messages, and tells where to go on"
	return []costRow{
		w.rootCall("adminDeleteMessage", http.StatusNoContent, "DELETE", func(i int) string {
			return "/messages/" + w.bobs[len(w.bobs)/4+i].String()
		}, nil),
		purge,
		w.rootCall("adminAddInvite", http.StatusCreated, "POST", costPath("/invites"), nil),
		revoke, ban(800),
		w.rootCall("adminRemoveBan", http.StatusNoContent, "DELETE", func(i int) string { return "/bans?user=" + costNamed(850)(i) }, nil).after(ban(850)),
	}
}

// costPurge bounds what one step of a purge may step over: it looks at 1,000 messages.
const costPurge = 2 * 1000
