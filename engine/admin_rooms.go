package engine

import "context"

// AdminRoom is a room as administration sees it.
type AdminRoom struct {
	Room
	CreatedAt Time  `json:"created_at"`
	Last      *Last `json:"last"` // the newest message; nil in an empty room
}

// AllRooms lists all rooms in order of ID, after one; next is where to go on, zero at the end.
func (e *Engine) AllRooms(who *Identity, after ID, limit int) (items []AdminRoom, next ID, err error) {
	if err := e.administers(who); err != nil {
		return nil, ID{}, err
	}
	ids, err := e.store.Rooms(after, limit+1)
	if err != nil {
		return nil, ID{}, err
	}
	ids, next = pageOfIDs(ids, limit)
	items, err = each(ids, e.adminRoom)
	return items, next, err
}

// AdminRoom returns one room.
func (e *Engine) AdminRoom(who *Identity, room ID) (AdminRoom, error) {
	if err := e.administers(who); err != nil {
		return AdminRoom{}, err
	}
	return e.adminRoom(room)
}

func (e *Engine) adminRoom(room ID) (AdminRoom, error) {
	r, err := e.store.Room(room)
	if err != nil {
		return AdminRoom{}, err
	}
	made, err := e.store.RoomMade(room)
	if err != nil {
		return AdminRoom{}, err
	}
	a := AdminRoom{Room: r, CreatedAt: made}
	last, err := e.store.Last(room)
	if err == nil && !last.IsZero() {
		a.Last = &Last{ID: last, At: last.Time()}
	}
	return a, err
}

// AdminCreateRoom makes a room for a user, as if he had: he becomes its owner and first member.
func (e *Engine) AdminCreateRoom(ctx context.Context, who *Identity, owner ID, n NewRoom) (AdminRoom, Receipt, error) {
	if err := e.administers(who); err != nil {
		return AdminRoom{}, Receipt{}, err
	}
	st, err := e.store.Standing(owner)
	if err == nil && st.Deleted {
		err = errDeleted
	}
	if err != nil {
		return AdminRoom{}, Receipt{}, err
	}
	made, receipt, err := e.CreateRoom(ctx, &Identity{User: owner}, n)
	if err != nil {
		return AdminRoom{}, Receipt{}, err
	}
	r, err := e.adminRoom(made.ID)
	return r, receipt, err
}

// ArchiveRoom closes a room to all that changes it, or opens it again.
func (e *Engine) ArchiveRoom(ctx context.Context, who *Identity, room ID, archived bool) (Receipt, error) {
	if _, err := e.AdminRoom(who, room); err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		r, err := b.tx.Room(room)
		if err != nil || r.Archived == archived {
			return err
		}
		return b.append(&Event{Kind: KindRoomArchived, Room: room, User: who.User, Payload: &RoomArchived{Archived: archived, By: who.User}})
	})
}

// AdminDeleteRoom ends any room for ever.
func (e *Engine) AdminDeleteRoom(ctx context.Context, who *Identity, room ID) (Receipt, error) {
	if _, err := e.AdminRoom(who, room); err != nil {
		return Receipt{}, err
	}
	return e.manage(ctx, who, writeOverhead, func(b *batch) error {
		return b.append(&Event{Kind: KindRoomDeleted, Room: room, User: who.User, Payload: &RoomDeleted{By: who.User}})
	})
}

// AdminMembers lists any room's members in order of ID, after one; next is where to go on, zero at the end.
func (e *Engine) AdminMembers(who *Identity, room, after ID, limit int) (members []Member, next ID, err error) {
	if _, err := e.AdminRoom(who, room); err != nil {
		return nil, ID{}, err
	}
	members, err = e.store.Members(room, after, limit+1)
	if err != nil {
		return nil, ID{}, err
	}
	if len(members) > limit {
		members = members[:limit]
		next = members[limit-1].ID
	}
	for i := range members {
		members[i].Status = e.statusOf(members[i].ID)
	}
	return members, next, nil
}

// AdminSetMember gives a user a role in any room that is not direct; RoleNone takes out.
func (e *Engine) AdminSetMember(ctx context.Context, who *Identity, room, user ID, role Role) (Receipt, error) {
	r, err := e.AdminRoom(who, room)
	if err != nil {
		return Receipt{}, err
	}
	had, err := e.store.Role(room, user)
	switch {
	case err != nil:
	case r.Direct:
		err = &Error{Code: CodeConflict, Message: "a direct room has the members that it was made for"}
	case role > RoleOwner:
		err = invalidField("role", "unknown", "role must be owner, moderator or member")
	case role != RoleNone:
		err = e.mayEnter(r.Room, user, had)
	case had == RoleNone:
		err = ErrNotFound
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.setRole(ctx, who, room, user, role)
}

// mayEnter is for a role that is given.
func (e *Engine) mayEnter(r Room, user ID, had Role) error {
	st, err := e.store.Standing(user)
	switch {
	case err != nil:
		return err
	case st.Deleted:
		return errDeleted
	case r.Archived:
		return errArchived
	case had == RoleNone:
		return e.mayJoin(user, 1)
	}
	return nil
}
