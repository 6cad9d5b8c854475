package cli

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// costRow is one way to call an operation of the API.
type costRow struct {
	op, what string
	// ask returns the i-th request, and makes beforehand what that needs.
	ask func(n *costNode, i int) costCall
	// first are keys that it may step beside the usual ones while nothing is kept
	// of what it needs; always, also when it is asked again. why says for what.
	first, always int
	why           string
	page          string // rows of one name cost the same, wherever the page is
}

func (r *costRow) name() string { return r.op + ", " + r.what }

// What one room's unread counts may step over: visible messages of others up to the
// limit with what lies between those, and as many mentions of the user and of all.
const (
	costUnread   = engine.UnreadLimit + engine.UnreadLimit/5
	costMentions = 2 * engine.UnreadLimit
	costCounts   = costUnread + costMentions
)

// costKept is what the beginning of a user's rooms is read to for the cache of
// records, however many are asked for.
const costKept = 33

const costWhyUnread = "unread counts"

// gets are the rows of all operations that only read.
func (w *costWorld) gets() []costRow {
	return slices.Concat(w.fixed(), w.accounts(), w.roomRows(), w.pages(), w.threads(), w.singles(), w.odd(), w.adminGets())
}

// get is a row of a GET of ann's.
func (w *costWorld) get(op, what, path string) costRow { return w.getAs("ann", op, what, path) }

func (w *costWorld) getAs(name, op, what, path string) costRow {
	c := costCall{method: "GET", path: path, token: w.token[name]}
	return costRow{op: op, what: what, ask: func(*costNode, int) costCall { return c }}
}

func (w *costWorld) fixed() []costRow {
	return []costRow{
		w.get("describe", "", "/openapi.json"),
		w.get("healthz", "", "//healthz"),
		w.get("readyz", "", "//readyz"),
	}
}

func (w *costWorld) accounts() []costRow {
	return []costRow{
		w.get("getMe", "", "/me"),
		w.get("listSessions", fmt.Sprint("all ", engine.SignInLimit), "/me/sessions"),
		w.get("getUser", "by id", "/users/"+costUser(17).String()),
		w.get("getUser", "by name", "/users/user-00017"),
	}
}

func (w *costWorld) roomRows() []costRow {
	var rows []costRow
	for _, limit := range []int{1, 50, costList} {
		rows = append(rows, w.joined(fmt.Sprint("joined, limit ", limit), fmt.Sprint("/rooms?limit=", limit), limit))
	}
	rows = append(rows, w.joined("joined, limit 50, after the 100th", "/rooms?limit=50&after="+costID(3, 99).String(), 50))
	for _, limit := range []int{1, 50, costList} {
		rows = append(rows, w.getAs("dave", "listRooms", fmt.Sprint("public, limit ", limit), fmt.Sprint("/rooms?filter=public&limit=", limit)))
	}
	rows = append(rows, w.joined("public, limit 50, of one who is in all", "/rooms?filter=public&limit=50", 50))
	for _, by := range [][2]string{{"by id", w.rooms[0].String()}, {"by name", "room-00000"}} {
		r := w.get("getRoom", by[0]+", 99+ unread", "/rooms/"+by[1])
		r.first, r.why = costCounts, costWhyUnread
		rows = append(rows, r)
	}
	rows = append(rows, w.getAs("dave", "getRoom", "of others", "/rooms/"+w.rooms[0].String()))
	for _, limit := range []int{1, 50, 200} {
		rows = append(rows, w.get("listMembers", fmt.Sprint("limit ", limit), fmt.Sprint("/rooms/hall/members?limit=", limit)))
	}
	return append(rows, w.get("listMembers", "limit 50, after the 1,000th",
		"/rooms/hall/members?limit=50&after="+costUser(999).String()))
}

// joined is a list of ann's rooms, each with 99+ unread messages.
func (w *costWorld) joined(what, path string, limit int) costRow {
	r := w.get("listRooms", what, path)
	r.first, r.why = limit*costCounts+costKept, costWhyUnread+", and 33 rooms for the cache"
	return r
}

// pages are those of the deepest room.
func (w *costWorld) pages() []costRow {
	path := "/rooms/" + w.rooms[0].String() + "/messages?limit="
	places := []struct{ what, query string }{
		{"newest", ""},
		{"before the middle", "&before=" + w.deep[len(w.deep)/2].String()},
		{"after the middle", "&after=" + w.deep[len(w.deep)/2].String()},
		{"around the middle", "&around=" + w.deep[len(w.deep)/2].String()},
		{"around the 250th", "&around=" + w.deep[250].String()},
		{"after the first", "&after=" + w.deep[0].String()},
	}
	var rows []costRow
	for _, limit := range []int{1, 50, 200} {
		for _, p := range places {
			r := w.get("listMessages", fmt.Sprintf("%s, limit %d", p.what, limit), fmt.Sprint(path, limit, p.query))
			r.page = fmt.Sprint("limit ", limit)
			rows = append(rows, r)
		}
	}
	rows = append(rows, w.get("listMessages", "newest, limit 50, room by name", "/rooms/room-00000/messages?limit=50"))
	kept := w.get("listMessages", "newest, limit 50, through the cache", path+"50")
	return append(rows, cached(kept))
}

// cached has a row ask for what the cache of answers may have.
func cached(r costRow) costRow {
	c := r.ask(nil, 0)
	c.kept = true
	r.ask = func(*costNode, int) costCall { return c }
	return r
}

func (w *costWorld) threads() []costRow {
	path := "/rooms/" + w.rooms[1].String() + "/messages/" + w.parent.String() + "/replies?limit="
	middle := w.replies[len(w.replies)/2].String()
	var rows []costRow
	for _, limit := range []int{1, 50, 200} {
		rows = append(rows, w.get("listReplies", fmt.Sprint("newest, limit ", limit), fmt.Sprint(path, limit)))
	}
	return append(rows,
		w.get("listReplies", "before the 150th, limit 50", path+"50&before="+middle),
		w.get("listReplies", "after the 150th, limit 50", path+"50&after="+middle),
		w.get("listReplies", "around the 150th, limit 50", path+"50&around="+middle),
		w.get("listReplies", "of a message without any", "/rooms/"+w.rooms[0].String()+"/messages/"+w.deep[250].String()+"/replies"))
}

func (w *costWorld) singles() []costRow {
	path := "/rooms/" + w.rooms[0].String() + "/messages/"
	middle := len(w.deep) / 2 / costPattern * costPattern
	return []costRow{
		w.get("getMessage", "", path+w.deep[middle].String()),
		w.get("getMessage", "edited", path+w.deep[middle+3].String()),
		w.get("getMessage", "deleted", path+w.deep[middle+7].String()),
		w.get("getMessage", "with two reactions", path+w.deep[middle+11].String()),
	}
}

// odd are those that look at more than they return, each within its own bound. Who
// has reacted is looked up only for an answer that is to be shared, so kept.
func (w *costWorld) odd() []costRow {
	crowded := cached(w.get("getMessage", fmt.Sprint("with ", costReactors, " reactions, to be kept"), "/rooms/hall/messages/"+w.crowded.String()))
	crowded.first, crowded.why = 64, "who has reacted, at most 65"
	tired := cached(w.get("getMessage", fmt.Sprint("with ", costTaken-1, " reactions taken back, to be kept"), "/rooms/hall/messages/"+w.tired.String()))
	tired.first, tired.why = costTaken, "reactions taken back, at most 1,024 a page"
	hall := cached(w.get("listMessages", "with both messages, to be kept", "/rooms/hall/messages"))
	hall.first, hall.why = 64+costTaken, "who has reacted, at most 65 a message, and reactions taken back"
	own := w.getAs("dave", "getRoom", fmt.Sprintf("%d own messages, none unread", costOwn), "/rooms/"+w.own.String())
	own.first, own.why = 4*engine.UnreadLimit, "unread counts pass over own and deleted messages, at most 400"
	gone := w.getAs("carol", "listRooms", fmt.Sprintf("joined, by one who was in %d rooms that are deleted", costGone), "/rooms")
	gone.first, gone.why = costGone, "deleted rooms"
	return []costRow{crowded, tired, hall, own, gone}
}

// writes are the rows of all other operations: what they read, whoever does.
func (w *costWorld) writes() []costRow {
	return slices.Concat(w.accountWrites(), w.roomWrites(), w.memberWrites(), w.messageWrites(), w.adminWrites())
}

// call is a row of bob's.
func (w *costWorld) call(op, what string, status int, method string, path func(i int) string, body func(i int) any) costRow {
	return costRow{op: op, what: what, ask: func(_ *costNode, i int) costCall {
		c := costCall{method: method, path: path(i), token: w.token["bob"], status: status}
		if body != nil {
			c.body = body(i)
		}
		return c
	}}
}

func costPath(path string) func(int) string { return func(int) string { return path } }

type costBody map[string]any

func (w *costWorld) accountWrites() []costRow {
	login := costBody{"username": "dave", "password": costPassword}
	logout := costRow{op: "logout", ask: func(n *costNode, _ int) costCall {
		var answer struct{ Token string }
		n.decode(costCall{method: "POST", path: "/login", body: login}, &answer)
		return costCall{method: "POST", path: "/logout", token: answer.Token, status: http.StatusNoContent}
	}}
	in := w.call("login", "", http.StatusOK, "POST", costPath("/login"), func(int) any { return login })
	in.always, in.why = 2*engine.SignInLimit, "the user's sign-ins, at most 100, twice"
	invite := w.call("createInvite", "", http.StatusCreated, "POST", costPath("/invites"), nil)
	return []costRow{
		w.call("register", "", http.StatusCreated, "POST", costPath("/register"), func(i int) any {
			return costBody{"username": fmt.Sprint("newcomer-", i), "password": costPassword}
		}),
		in,
		logout,
		costSignIns(costRow{op: "revokeSession", ask: func(n *costNode, _ int) costCall {
			var answer struct{ Token string }
			// Root, whom no other row signs out: until they are compacted Pebble steps over sign-ins that have ended.
			n.decode(costCall{method: "POST", path: "/login", body: costBody{"username": "root", "password": costPassword}}, &answer)
			var list struct {
				Items []engine.SignIn
			}
			n.decode(costCall{method: "GET", path: "/me/sessions", token: answer.Token}, &list)
			return costCall{method: "DELETE", path: "/me/sessions/" + list.Items[0].ID.String(), token: answer.Token, status: http.StatusNoContent}
		}}),
		costSignIns(costRow{op: "revokeOthers", what: "one other", ask: func(n *costNode, _ int) costCall {
			n.do(costCall{method: "POST", path: "/login", body: costBody{"username": "carol", "password": costPassword}})
			return costCall{method: "DELETE", path: "/me/sessions", token: w.token["carol"], status: http.StatusNoContent}
		}}),
		w.as("root", invite),
		w.call("updateMe", "display name", http.StatusOK, "PATCH", costPath("/me"), func(i int) any {
			return costBody{"display_name": fmt.Sprint("Bob ", i)}
		}),
	}
}

// costSignIns is a row of an operation that looks for one among the user's sign-ins.
func costSignIns(r costRow) costRow {
	r.always, r.why = engine.SignInLimit, "the user's sign-ins, at most 100"
	return r
}

// as has somebody else call.
func (w *costWorld) as(name string, r costRow) costRow {
	ask := r.ask
	r.ask = func(n *costNode, i int) costCall {
		c := ask(n, i)
		c.token = w.token[name]
		return c
	}
	return r
}

func (w *costWorld) roomWrites() []costRow {
	create := w.call("createRoom", "by one who is in 200 rooms", http.StatusCreated, "POST", costPath("/rooms"), func(i int) any {
		return costBody{"name": fmt.Sprint("new-", i)}
	})
	direct := w.call("openDirectRoom", "a new one", http.StatusOK, "POST", costPath("/rooms/direct"), func(i int) any {
		return costBody{"users": []string{fmt.Sprintf("user-%05d", 200+i)}}
	})
	again := w.call("openDirectRoom", "one that is there", http.StatusOK, "POST", costPath("/rooms/direct"), func(int) any {
		return costBody{"users": []string{"user-00200"}}
	})
	direct.always, direct.why = 16, "rooms of each member are counted"
	update := w.call("updateRoom", "topic", http.StatusOK, "PATCH", costPath("/rooms/room-00003"), func(i int) any {
		return costBody{"topic": fmt.Sprint("topic ", i)}
	})
	update.first, update.why = costUnread, costWhyUnread
	remove := costRow{op: "deleteRoom", ask: func(n *costNode, i int) costCall {
		name := fmt.Sprint("short-lived-", i)
		n.do(costCall{method: "POST", path: "/rooms", token: w.token["dave"], body: costBody{"name": name}, status: http.StatusCreated})
		return costCall{method: "DELETE", path: "/rooms/" + name, token: w.token["dave"], status: http.StatusNoContent}
	}}
	return []costRow{costCounted(w.as("ann", create)), direct, again, update, remove}
}

// costCounted is a row of an operation for which the user's rooms are counted.
func costCounted(r costRow) costRow {
	r.always, r.why = costList+50, "the user's rooms are counted, at most 5,000"
	return r
}

func (w *costWorld) memberWrites() []costRow {
	leave := costCall{method: "POST", path: "/rooms/hall/leave", token: w.token["ann"], status: http.StatusNoContent}
	join := costCall{method: "POST", path: "/rooms/hall/join", token: w.token["ann"]}
	member := func(i int) string { return fmt.Sprintf("/rooms/room-00003/members/user-%05d", 300+i) }
	role := func(int) any { return costBody{"role": "member"} }
	put := w.call("setMember", "", http.StatusNoContent, "PUT", member, role)
	put.always, put.why = 16, "the user's rooms are counted"
	remove := put
	remove.op, remove.ask = "removeMember", func(n *costNode, i int) costCall {
		c := put.ask(n, i+100)
		n.do(c)
		c.method, c.body = "DELETE", nil
		return c
	}
	return []costRow{
		costCounted(costRow{op: "joinRoom", what: "by one who is in 200 rooms", ask: func(n *costNode, i int) costCall {
			if i > 0 {
				n.do(leave)
			}
			return join
		}}),
		{op: "leaveRoom", ask: func(n *costNode, _ int) costCall {
			n.do(join)
			return leave
		}},
		put, remove,
	}
}

func (w *costWorld) messageWrites() []costRow {
	messages := "/rooms/" + w.rooms[0].String() + "/messages"
	post := func(what string, body func(i int) any) costRow {
		return w.call("postMessage", what, http.StatusCreated, "POST", costPath(messages), body)
	}
	// Each row changes messages of its own.
	mine := func(row int) func(i int) string {
		return func(i int) string { return messages + "/" + w.bobs[len(w.bobs)/2+16*row+i].String() }
	}
	reaction := func(row int) func(i int) string {
		return func(i int) string { return mine(row)(i) + "/reactions/%F0%9F%8E%89" }
	}
	put := w.call("addReaction", "", http.StatusNoContent, "PUT", reaction(2), nil)
	undo := w.call("removeReaction", "", http.StatusNoContent, "PUT", reaction(3), nil)
	take := undo.ask
	undo.ask = func(n *costNode, i int) costCall {
		c := take(n, i)
		n.do(c)
		c.method = "DELETE"
		return c
	}
	read := w.call("markRead", "99+ unread", http.StatusNoContent, "PUT", costPath("/rooms/room-00000/read"), func(i int) any {
		return costBody{"id": w.deep[i]}
	})
	fresh := w.get("listMessages", "newest, limit 50, through the cache after a post", messages+"?limit=50")
	page := fresh.ask
	fresh.ask = func(n *costNode, i int) costCall {
		n.do(costCall{method: "POST", path: messages, token: w.token["bob"], body: costBody{"body": "news"}, status: http.StatusCreated})
		c := page(n, i)
		c.kept = true
		return c
	}
	return []costRow{
		post("", func(int) any { return costBody{"body": "hello"} }),
		post("with a nonce", func(i int) any { return costBody{"body": "hello", "nonce": fmt.Sprint("once-", i)} }),
		post("with a nonce that was used", func(int) any { return costBody{"body": "hello", "nonce": "once-0"} }),
		post("reply with a mention", func(int) any { return costBody{"body": "hello @ann", "reply_to": w.deep[len(w.deep)/2]} }),
		w.call("editMessage", "", http.StatusOK, "PATCH", mine(0), func(int) any { return costBody{"body": "mended"} }),
		w.call("deleteMessage", "", http.StatusNoContent, "DELETE", mine(1), nil),
		put, undo, read, fresh,
	}
}
