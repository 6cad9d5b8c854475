package api

import "github.com/klatch-chat/klatch/engine"

// adminRoutes are for administrators; the operator's door has these and no others.
// None has a view: what they show is never kept.
var adminRoutes = []route{
	{method: "GET", path: "/admin/users", id: "adminListUsers", summary: "All accounts, in order of id",
		query: listQuery, status: 200, result: "AccountList", admin: true, serve: (*server).listAccounts},
	{method: "POST", path: "/admin/users", id: "adminAddUser", summary: "Make an account. Without a password nobody can sign in to it by one",
		body: "NewAccount", status: 201, result: "Account", also: codes(engine.CodeConflict), admin: true, serve: (*server).addAccount},
	{method: "GET", path: "/admin/users/{user}", id: "adminGetUser", summary: "An account, as administrators see it",
		status: 200, result: "Account", admin: true, serve: account((*server).showAccount)},
	{method: "PATCH", path: "/admin/users/{user}", id: "adminChangeUser",
		summary: "Change an account. A new password ends all its sign-ins; disabled refuses it everywhere",
		body:    "AccountChange", status: 200, result: "Account", also: codes(engine.CodeConflict), admin: true, serve: account((*server).changeAccount)},
	{method: "DELETE", path: "/admin/users/{user}", id: "adminDeleteUser", summary: "End an account for ever. What it wrote stays: see /admin/purge",
		status: 204, also: codes(engine.CodeConflict), admin: true, serve: account((*server).deleteAccount)},

	{method: "GET", path: "/admin/users/{user}/sessions", id: "adminListSessions", summary: "Where a user is signed in, newest first; all on one page",
		status: 200, result: "SessionList", admin: true, serve: account((*server).listSessionsOf)},
	{method: "DELETE", path: "/admin/users/{user}/sessions", id: "adminRevokeSessions", summary: "Revoke all tokens of a user, on every node",
		status: 204, admin: true, serve: account((*server).revokeSessionsOf)},
	{method: "DELETE", path: "/admin/users/{user}/sessions/{session}", id: "adminRevokeSession", summary: "Revoke one token of a user, on every node",
		status: 204, admin: true, serve: account((*server).revokeSessionOf)},
	{method: "POST", path: "/admin/users/{user}/tokens", id: "adminIssueToken", summary: "Make a token for a bot; for people it is a conflict",
		body: "NewToken", bodyOptional: true, status: 201, result: "IssuedToken", also: codes(engine.CodeConflict), admin: true,
		serve: account((*server).issueToken)},

	{method: "GET", path: "/admin/rooms", id: "adminListRooms", summary: "All rooms, direct ones too, in order of id",
		query: listQuery, status: 200, result: "AdminRoomList", admin: true, serve: (*server).listAllRooms},
	{method: "POST", path: "/admin/rooms", id: "adminAddRoom", summary: "Make a room for a user, who becomes its owner and a member",
		body: "NewAdminRoom", status: 201, result: "AdminRoom", also: codes(engine.CodeConflict), admin: true, serve: (*server).addAdminRoom},
	{method: "GET", path: "/admin/rooms/{room}", id: "adminGetRoom", summary: "A room, as administrators see it",
		status: 200, result: "AdminRoom", admin: true, serve: room((*server).showAdminRoom)},
	{method: "PATCH", path: "/admin/rooms/{room}", id: "adminChangeRoom", summary: "Archive a room, or open it again",
		body: "AdminRoomChange", status: 200, result: "AdminRoom", admin: true, serve: room((*server).changeAdminRoom)},
	{method: "DELETE", path: "/admin/rooms/{room}", id: "adminDeleteRoom", summary: "End a room for ever",
		status: 204, admin: true, serve: room((*server).deleteAdminRoom)},
	{method: "GET", path: "/admin/rooms/{room}/members", id: "adminListMembers", summary: "A room's members",
		query: listQuery, status: 200, result: "MemberList", admin: true, serve: room((*server).listAdminMembers)},
	{method: "PUT", path: "/admin/rooms/{room}/members/{user}", id: "adminSetMember", summary: "Add a user to a room, or change the role",
		body: "MemberRole", status: 204, also: codes(engine.CodeConflict), admin: true, serve: room((*server).setAdminMember)},
	{method: "DELETE", path: "/admin/rooms/{room}/members/{user}", id: "adminRemoveMember", summary: "Take a user out of a room",
		status: 204, also: codes(engine.CodeConflict), admin: true, serve: room((*server).removeAdminMember)},

	{method: "GET", path: "/admin/messages/{id}", id: "adminGetMessage", summary: "A message, by its id alone; of rooms that the caller may read",
		status: 200, result: "Message", admin: true, serve: messageAlone((*server).showAdminMessage)},
	{method: "DELETE", path: "/admin/messages/{id}", id: "adminDeleteMessage", summary: "Hide a message's content for ever",
		status: 204, admin: true, serve: messageAlone((*server).deleteAdminMessage)},
	{method: "POST", path: "/admin/purge", id: "adminPurge",
		summary: "Delete the messages of a user, a room or a time, a bounded number at a time: repeat with next as cursor until it is null",
		body:    "Purge", status: 200, result: "Purged", also: codes(engine.CodeNotFound), admin: true, serve: (*server).purge},

	{method: "GET", path: "/admin/invites", id: "adminListInvites", summary: "All invitations that are remembered; all on one page",
		status: 200, result: "InvitationList", admin: true, serve: (*server).listInvitations},
	{method: "POST", path: "/admin/invites", id: "adminAddInvite", summary: "Invite one person",
		body: "NewInvitation", bodyOptional: true, status: 201, result: "MadeInvitation", also: codes(engine.CodeConflict), admin: true,
		serve: (*server).addInvitation},
	{method: "DELETE", path: "/admin/invites/{invite}", id: "adminRevokeInvite", summary: "Have an invitation hold no more",
		status: 204, also: codes(engine.CodeConflict), admin: true, serve: (*server).revokeInvitation},

	{method: "GET", path: "/admin/bans", id: "adminListBans", summary: "All bans; all on one page",
		status: 200, result: "BanList", admin: true, serve: (*server).listBans},
	{method: "POST", path: "/admin/bans", id: "adminAddBan", summary: "Ban a user or a network; a second ban takes the place of the first",
		body: "NewBan", status: 201, result: "Ban", also: codes(engine.CodeConflict), admin: true, serve: (*server).addBan},
	{method: "DELETE", path: "/admin/bans", id: "adminRemoveBan", summary: "Lift the ban of a user or a network",
		query: []string{"banned_user", "banned_network"}, status: 204, also: codes(engine.CodeNotFound), admin: true, serve: (*server).removeBan},

	{method: "GET", path: "/admin/stats", id: "adminStats", summary: "What this node does, in figures",
		status: 200, result: "NodeStats", also: codes(engine.CodeNotFound), admin: true, serve: (*server).showStats},
}
