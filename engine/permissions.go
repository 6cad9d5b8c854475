package engine

// action is something a user does in a room.
type action int

const (
	actRead action = iota
	actJoin
	actLeave
	actPost
	actReact
	actSignal // typing, read markers, signals
	actEditOwn
	actDeleteOwn
	actDeleteOthers
	actRename // name, topic, privacy
	actInvite // give the role of member
	actPromote
	actRemove // take away a lesser role
	actDeleteRoom
)

// rule is who may do an action. Everything not allowed here is forbidden (I9).
type rule struct {
	role     Role // the least role in the room that may
	stranger bool // in public rooms, those who are not members may too
	admin    bool // in public rooms, server administrators may too
	direct   bool // possible in direct rooms at all
	archived bool // possible in archived rooms at all
}

// permissions is the whole table. Nobody who is no member can tell a private
// room from one that does not exist; not even an administrator.
var permissions = map[action]rule{
	//                least role     stranger admin direct archived
	actRead:         {RoleMember, true, true, true, true},
	actJoin:         {RoleMember, true, true, false, false},
	actLeave:        {RoleMember, false, false, false, true},
	actPost:         {RoleMember, false, false, true, false},
	actReact:        {RoleMember, false, false, true, false},
	actSignal:       {RoleMember, false, false, true, true},
	actEditOwn:      {RoleMember, false, false, true, false},
	actDeleteOwn:    {RoleMember, false, false, true, true},
	actDeleteOthers: {RoleModerator, false, true, false, true},
	actRename:       {RoleModerator, false, true, false, false},
	actInvite:       {RoleModerator, false, true, false, false},
	actPromote:      {RoleOwner, false, true, false, false},
	actRemove:       {RoleModerator, false, true, false, true},
	actDeleteRoom:   {RoleOwner, false, true, false, true},
}

var errArchived = &Error{Code: CodeConflict, Message: "the room is archived"}

// allow answers by the table.
func allow(a action, r Room, role Role, admin bool) error {
	err := allowRole(a, r, role, admin)
	if err == nil && r.Archived && !permissions[a].archived {
		err = errArchived
	}
	return err
}

func allowRole(a action, r Room, role Role, admin bool) error {
	p := permissions[a]
	if r.Private || r.Direct {
		if role == RoleNone {
			return ErrNotFound
		}
	} else if (p.stranger && role == RoleNone) || (p.admin && admin) {
		return nil
	}
	if role == RoleNone || role < p.role || (r.Direct && !p.direct) {
		return ErrForbidden
	}
	return nil
}

// enter loads a room for an action of a user, or says why not.
func (e *Engine) enter(who *Identity, room ID, a action) (Room, Role, error) {
	r, err := e.store.Room(room)
	if err != nil {
		return Room{}, RoleNone, err
	}
	role, err := e.store.Role(room, who.User)
	if err != nil {
		return Room{}, RoleNone, err
	}
	admin := false
	if permissions[a].admin && role < RoleOwner {
		u, err := e.store.User(who.User)
		if err != nil {
			return Room{}, RoleNone, err
		}
		admin = u.Admin()
	}
	return r, role, allow(a, r, role, admin)
}

// Readable returns a room that the caller may read, or why not. It is asked for
// every answer of a cache, so that who has lost the right loses the sight at once.
func (e *Engine) Readable(who *Identity, room ID) (Room, error) {
	r, _, err := e.enter(who, room, actRead)
	return r, err
}
