package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

const basePath = "/api/v1"

// route is one operation: how it is called, what it takes and gives, and who answers.
type route struct {
	method, path string
	id, summary  string
	body         string // schema of the request's body, "" for none
	bodyOptional bool
	query        []string // names of query parameters
	status       int      // when all is well
	result       string   // schema of the answer, "" for none
	also         []engine.Code
	anyone       bool          // needs no token
	admin        bool          // for administrators, and at the operator's door
	signs        bool          // unsafe, but only signs a token: its answer promises no write
	root         bool          // not under basePath
	ttl          time.Duration // of a view in the cache
	cacheable    string        // Cache-Control, if not the usual one
	view         viewOf        // what a GET shows, or
	serve        func(*server, *request) (reply, error)
}

// How long an answer may stay in the cache without being asked for. None is
// given that is older than what it was made from, so this is about memory alone.
const (
	accountTTL = 10 * time.Minute
	pageTTL    = 10 * time.Minute
	listTTL    = time.Minute
)

func (rt route) fullPath() string {
	if rt.root {
		return rt.path
	}
	return basePath + rt.path
}

// unsafe reports whether the operation may change something, if only who is signed in.
func (rt route) unsafe() bool { return rt.method != http.MethodGet }

// writes reports whether the operation stores something.
func (rt route) writes() bool { return rt.unsafe() && !rt.signs }

var (
	listQuery    = []string{"limit", "after"}
	messageQuery = []string{"limit", "before", "after_message", "around"}
)

// positioned reports whether the answer depends on what the node has seen.
func (rt route) positioned() bool { return !rt.anyone || rt.unsafe() }

// routes is every operation of the API.
var routes = slices.Concat(chatRoutes, adminRoutes)

// chatRoutes are those of everyday. Codes beside the usual ones, which
// follow from what a route is (see route.codes), stand in also.
var chatRoutes = []route{
	{method: "POST", path: "/register", id: "register", summary: "Make an account and sign in",
		body: "Registration", status: 201, result: "SignedIn", also: codes(engine.CodeConflict), anyone: true,
		serve: (*server).register},
	{method: "POST", path: "/login", id: "login", summary: "Sign in",
		body: "Login", status: 200, result: "SignedIn", also: codes(engine.CodeUnauthorized), anyone: true, signs: true,
		serve: (*server).login},
	{method: "POST", path: "/logout", id: "logout", summary: "Revoke the token of this request on every node",
		status: 204, serve: (*server).logout},
	{method: "POST", path: "/invites", id: "createInvite", summary: "Make an invite for one person; for administrators",
		body: "NewInvite", bodyOptional: true, status: 201, result: "Invite", serve: (*server).createInvite},

	{method: "GET", path: "/me", id: "getMe", summary: "The own account",
		status: 200, result: "User", ttl: accountTTL, view: (*server).viewMe},
	{method: "PATCH", path: "/me", id: "updateMe",
		summary: "Change the own account. A new password needs the current one and ends all tokens but the one answered",
		body:    "ProfileChange", status: 200, result: "Me", serve: (*server).updateMe},
	{method: "GET", path: "/me/sessions", id: "listSessions", summary: "Where one is signed in, newest first; all on one page",
		status: 200, result: "SessionList", serve: (*server).listSessions},
	{method: "DELETE", path: "/me/sessions", id: "revokeOthers", summary: "Revoke all own tokens but that of this request, on every node",
		status: 204, serve: (*server).revokeOthers},
	{method: "DELETE", path: "/me/sessions/{session}", id: "revokeSession", summary: "Revoke one own token on every node",
		status: 204, serve: (*server).revokeSession},
	{method: "GET", path: "/users/{user}", id: "getUser", summary: "An account",
		status: 200, result: "User", ttl: accountTTL, view: (*server).viewUser},

	{method: "GET", path: "/rooms", id: "listRooms", summary: "The rooms one is in, or all public ones",
		query: []string{"filter", "limit", "after"}, status: 200, result: "RoomList", ttl: listTTL, view: (*server).viewRooms},
	{method: "POST", path: "/rooms", id: "createRoom", summary: "Make a room and become its owner",
		body: "NewRoom", status: 201, result: "Room", also: codes(engine.CodeConflict), serve: (*server).createRoom},
	{method: "POST", path: "/rooms/direct", id: "openDirectRoom", summary: "The one direct room of exactly these users and the caller, made if need be",
		body: "DirectRoom", status: 200, result: "Room", serve: (*server).openDirectRoom},
	{method: "GET", path: "/rooms/{room}", id: "getRoom", summary: "A room",
		status: 200, result: "Room", ttl: listTTL, view: roomView((*server).viewRoom)},
	{method: "PATCH", path: "/rooms/{room}", id: "updateRoom", summary: "Change a room's name, topic or privacy",
		body: "RoomChange", status: 200, result: "Room", also: codes(engine.CodeConflict), serve: room((*server).updateRoom)},
	{method: "DELETE", path: "/rooms/{room}", id: "deleteRoom", summary: "End a room for ever",
		status: 204, serve: room((*server).deleteRoom)},
	{method: "POST", path: "/rooms/{room}/join", id: "joinRoom", summary: "Become a member",
		status: 200, result: "Room", also: codes(engine.CodeConflict), serve: room((*server).joinRoom)},
	{method: "POST", path: "/rooms/{room}/leave", id: "leaveRoom", summary: "End the own membership",
		status: 204, serve: room((*server).leaveRoom)},

	{method: "GET", path: "/rooms/{room}/members", id: "listMembers", summary: "A room's members and their presence",
		query: listQuery, status: 200, result: "MemberList", serve: room((*server).listMembers)},
	{method: "PUT", path: "/rooms/{room}/members/{user}", id: "setMember", summary: "Add a user to a room, or change the role",
		body: "MemberRole", status: 204, also: codes(engine.CodeConflict), serve: room((*server).setMember)},
	{method: "DELETE", path: "/rooms/{room}/members/{user}", id: "removeMember", summary: "Take a user out of a room",
		status: 204, also: codes(engine.CodeConflict), serve: room((*server).removeMember)},

	{method: "GET", path: "/rooms/{room}/messages", id: "listMessages", summary: "A page of a room's messages; the newest without a place",
		query: messageQuery, status: 200, result: "MessagePage", ttl: pageTTL, view: roomView((*server).viewMessages)},
	{method: "POST", path: "/rooms/{room}/messages", id: "postMessage", summary: "Post a message. A nonce makes a repeat within a day answer with the first one's message",
		body: "NewMessage", status: 201, result: "Message", also: codes(engine.CodeConflict), serve: room((*server).postMessage)},
	{method: "GET", path: "/rooms/{room}/messages/{id}", id: "getMessage", summary: "A message",
		status: 200, result: "Message", ttl: pageTTL, view: roomView((*server).viewMessage)},
	{method: "PATCH", path: "/rooms/{room}/messages/{id}", id: "editMessage", summary: "Replace the body of an own message",
		body: "MessageChange", status: 200, result: "Message", also: codes(engine.CodeConflict), serve: message((*server).editMessage)},
	{method: "DELETE", path: "/rooms/{room}/messages/{id}", id: "deleteMessage", summary: "Hide a message's content for ever",
		status: 204, serve: message((*server).deleteMessage)},
	{method: "GET", path: "/rooms/{room}/messages/{id}/replies", id: "listReplies", summary: "A page of the replies to a message",
		query: messageQuery, status: 200, result: "MessagePage", ttl: pageTTL, view: roomView((*server).viewReplies)},
	{method: "PUT", path: "/rooms/{room}/messages/{id}/reactions/{emoji}", id: "addReaction", summary: "React to a message",
		status: 204, also: codes(engine.CodeConflict), serve: message((*server).addReaction)},
	{method: "DELETE", path: "/rooms/{room}/messages/{id}/reactions/{emoji}", id: "removeReaction", summary: "Take a reaction back",
		status: 204, also: codes(engine.CodeConflict), serve: message((*server).removeReaction)},
	{method: "PUT", path: "/rooms/{room}/read", id: "markRead", summary: "Move the own read marker forward to a message",
		body: "ReadMark", status: 204, serve: room((*server).markRead)},

	{method: "GET", path: "/openapi.json", id: "describe", summary: "This document",
		status: 200, result: "Document", anyone: true, cacheable: "public, max-age=300", serve: (*server).describe},
	{method: "GET", path: "/healthz", id: "healthz", summary: "Whether the process is alive",
		status: 200, result: "Health", anyone: true, root: true, cacheable: "no-store", serve: (*server).healthz},
	{method: "GET", path: "/readyz", id: "readyz", summary: "Whether the node wants traffic; unavailable while it drains",
		status: 200, result: "Health", also: codes(engine.CodeUnavailable), anyone: true, root: true, cacheable: "no-store", serve: (*server).readyz},
}

func codes(c ...engine.Code) []engine.Code { return c }
