package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// matrix is what every call on a room answers to each kind of caller, "-" where
// there is no such caller. In a direct room everybody is a member.
const matrix = `
public            anonymous stranger member moderator owner admin
getRoom           401       200      200    200       200   200
updateRoom        401       403      403    200       200   200
deleteRoom        401       403      403    403       204   204
joinRoom          401       200      200    200       200   200
leaveRoom         401       403      204    204       204   403
listMembers       401       200      200    200       200   200
setMember         401       403      403    204       204   204
setMember/promote 401       403      403    403       204   204
setMember/demote  401       403      403    403       204   204
removeMember      401       403      403    204       204   204
removeMember/mod  401       403      403    403       204   204
listMessages      401       200      200    200       200   200
postMessage       401       403      201    201       201   403
getMessage        401       200      200    200       200   200
editMessage       401       403      403    403       403   403
editMessage/own   401       403      200    200       200   403
deleteMessage     401       403      403    204       204   204
deleteMessage/own 401       403      204    204       204   204
listReplies       401       200      200    200       200   200
addReaction       401       403      204    204       204   403
removeReaction    401       403      204    204       204   403
markRead          401       403      204    204       204   403

private           anonymous stranger member moderator owner admin
getRoom           401       404      200    200       200   404
updateRoom        401       404      403    200       200   404
deleteRoom        401       404      403    403       204   404
joinRoom          401       404      200    200       200   404
leaveRoom         401       404      204    204       204   404
listMembers       401       404      200    200       200   404
setMember         401       404      403    204       204   404
setMember/promote 401       404      403    403       204   404
setMember/demote  401       404      403    403       204   404
removeMember      401       404      403    204       204   404
removeMember/mod  401       404      403    403       204   404
listMessages      401       404      200    200       200   404
postMessage       401       404      201    201       201   404
getMessage        401       404      200    200       200   404
editMessage       401       404      403    403       403   404
editMessage/own   401       404      200    200       200   404
deleteMessage     401       404      403    204       204   404
deleteMessage/own 401       404      204    204       204   404
listReplies       401       404      200    200       200   404
addReaction       401       404      204    204       204   404
removeReaction    401       404      204    204       204   404
markRead          401       404      204    204       204   404

direct            anonymous stranger member moderator owner admin
getRoom           401       404      200    -         -     404
updateRoom        401       404      403    -         -     404
deleteRoom        401       404      403    -         -     404
joinRoom          401       404      403    -         -     404
leaveRoom         401       404      403    -         -     404
listMembers       401       404      200    -         -     404
setMember         401       404      403    -         -     404
setMember/promote 401       404      403    -         -     404
removeMember      401       404      403    -         -     404
listMessages      401       404      200    -         -     404
postMessage       401       404      201    -         -     404
getMessage        401       404      200    -         -     404
editMessage       401       404      403    -         -     404
editMessage/own   401       -        200    -         -     -
deleteMessage     401       404      403    -         -     404
deleteMessage/own 401       -        204    -         -     -
listReplies       401       404      200    -         -     404
addReaction       401       404      204    -         -     404
removeReaction    401       404      204    -         -     404
markRead          401       404      204    -         -     404

none              anonymous stranger member moderator owner admin
logout            401       204      204    204       204   204
createInvite      401       403      403    403       403   201
getMe             401       200      200    200       200   200
updateMe          401       200      200    200       200   200
listSessions      401       200      200    200       200   200
revokeSession     401       404      404    404       404   404
revokeSession/own 401       204      204    204       204   204
revokeOthers      401       204      204    204       204   204
getUser           401       200      200    200       200   200
listRooms         401       200      200    200       200   200
createRoom        401       201      201    201       201   201
openDirectRoom    401       200      200    200       200   200
`

// bodies are what the calls send; see scene.path for where.
var bodies = map[string]string{
	"updateRoom": `{"topic":"new"}`, "setMember": `{"role":"member"}`, "setMember/promote": `{"role":"moderator"}`,
	"setMember/demote": `{"role":"member"}`, "postMessage": `{"body":"hi"}`,
	"editMessage": `{"body":"new"}`, "editMessage/own": `{"body":"new"}`, "markRead": `{"id":"$message"}`,
	"updateMe": `{"display_name":"New"}`, "createRoom": `{"name":"$fresh"}`, "openDirectRoom": `{"users":["author"]}`,
}

// scene is a room with everybody in it, made anew for each call.
type scene struct {
	n                  *node
	callers            map[string]caller
	room, message, own engine.ID
	count              int
}

func newScene(t *testing.T) *scene {
	n := newNode(t, nil)
	s := &scene{n: n, callers: map[string]caller{"anonymous": n.anonymous(t), "admin": n.admin(t)}}
	for _, name := range []string{"stranger", "member", "moderator", "owner", "author", "mod", "outsider"} {
		s.callers[name] = n.user(t, name)
	}
	return s
}

func (s *scene) as(name string) *engine.Identity { return &engine.Identity{User: s.callers[name].user} }

// prepare makes a room of a kind, a message of the author, and one of the caller's own where that can be.
func (s *scene) prepare(t *testing.T, kind, who string) {
	s.count++
	s.own = engine.ID{}
	switch {
	case kind == "none":
		return
	case kind == "direct":
		users := []engine.ID{s.callers["author"].user, s.callers["member"].user}
		r, _, err := s.n.engine.DirectRoom(context.Background(), s.as("author"), users)
		must(t, err)
		s.room = r.ID
		s.message = s.say(t, "author")
		s.own = s.say(t, "member")
		return
	}
	r, _, err := s.n.engine.CreateRoom(context.Background(), s.as("owner"), engine.NewRoom{
		Name: fmt.Sprintf("room%d", s.count), Private: kind == "private"})
	must(t, err)
	s.room = r.ID
	s.role(t, "author", engine.RoleMember)
	s.role(t, "mod", engine.RoleModerator)
	s.message = s.say(t, "author")
	switch who {
	case "anonymous":
		s.own = s.message
	case "owner":
		s.own = s.say(t, who)
	default: // has been a member at least, and wrote
		s.role(t, who, engine.RoleMember)
		s.own = s.say(t, who)
		s.role(t, who, map[string]engine.Role{"member": engine.RoleMember, "moderator": engine.RoleModerator}[who])
	}
}

func (s *scene) role(t *testing.T, who string, role engine.Role) {
	t.Helper()
	var err error
	if role == engine.RoleNone {
		_, err = s.n.engine.RemoveMember(context.Background(), s.as("owner"), s.room, s.callers[who].user)
	} else {
		_, err = s.n.engine.SetMember(context.Background(), s.as("owner"), s.room, s.callers[who].user, role)
	}
	must(t, err)
}

func (s *scene) say(t *testing.T, who string) engine.ID {
	t.Helper()
	m, _, err := s.n.engine.Post(context.Background(), s.as(who), engine.NewMessage{Room: s.room, Body: "hello"})
	must(t, err)
	return m.ID
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// path fills in a route's path for a variant of the call.
func (s *scene) path(rt route, call string) string {
	message, user := s.message, "author"
	switch _, variant, _ := strings.Cut(call, "/"); {
	case variant == "own":
		message = s.own
	case variant == "mod" || variant == "demote":
		user = "mod"
	case call == "setMember":
		user = "outsider"
	}
	return strings.NewReplacer("{session}", s.callers["author"].session(), "{room}", s.room.String(), "{user}", user, "{id}", message.String(), "{emoji}", "x").Replace(rt.fullPath())
}

func (s *scene) call(t *testing.T, rt route, call, who string) *response {
	c := s.callers[who]
	c.t = t
	if call == "logout" && c.token != "" {
		c = c.signIn()
	}
	path := s.path(rt, call)
	if call == "revokeSession/own" && c.token != "" {
		path = strings.Replace(path, s.callers["author"].session(), c.signIn().session(), 1)
	}
	body := strings.NewReplacer("$message", s.message.String(), "$fresh", fmt.Sprintf("fresh%d", s.count)).Replace(bodies[call])
	if body == "" {
		return c.raw(rt.method, path, nil)
	}
	return c.raw(rt.method, path, body)
}

// TestI9Permissions makes every call as every kind of caller in every kind of
// room. What is refused changes nothing.
func TestI9Permissions(t *testing.T) {
	byID := map[string]route{}
	missing := map[string]bool{}
	for _, rt := range routes {
		byID[rt.id] = rt
		missing[rt.id] = !rt.anyone
	}
	s := newScene(t)
	for table := range strings.SplitSeq(strings.TrimSpace(matrix), "\n\n") {
		lines := strings.Split(table, "\n")
		head := strings.Fields(lines[0])
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			id, _, _ := strings.Cut(cells[0], "/")
			missing[id] = false
			for i, want := range cells[1:] {
				if want == "-" {
					continue
				}
				t.Run(strings.Join([]string{head[0], cells[0], head[i+1]}, " "), func(t *testing.T) {
					s.check(t, byID[id], head[0], cells[0], head[i+1], want)
				})
			}
		}
	}
	for id, m := range missing {
		if m {
			t.Errorf("the matrix does not know %s", id)
		}
	}
}

func (s *scene) check(t *testing.T, rt route, kind, call, who, want string) {
	s.prepare(t, kind, who)
	before := s.n.engine.Position()
	a := s.call(t, rt, call, who)
	if fmt.Sprint(a.StatusCode) != want {
		t.Fatalf("want %s: %s", want, a)
	}
	refused := a.StatusCode >= 400
	if refused && !s.n.engine.Position().Equal(before) {
		t.Errorf("refused, but something was written: %s", a)
	}
	if wrote := a.Header.Get(positionKey) != ""; wrote != (rt.unsafe() && !refused) {
		t.Errorf("Klatch-Position is there: %v: %s", wrote, a)
	}
	want = ""
	if rt.writes() && !refused {
		want = string(engine.DurableLocal)
	}
	if level := a.Header.Get(durabilityKey); level != want {
		t.Errorf("Klatch-Durability is %q, not %q: %s", level, want, a)
	}
	if strings.Contains(string(a.body), "hello") && (refused || who == "anonymous") {
		t.Errorf("the answer tells what was written in the room: %s", a)
	}
}
