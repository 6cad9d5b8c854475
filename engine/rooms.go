package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

const (
	maxDirect       = 16   // users of a direct room
	maxRoomsPerUser = 5000 // rooms one user may be in
	roomsPage       = 200
)

// NewRoom is a request for a room.
type NewRoom struct {
	Name    string
	Topic   string
	Private bool
}

// RoomChange is what is changed of a room; nil stays.
type RoomChange struct {
	Name    *string
	Topic   *string
	Private *bool
}

// FindRoom returns the ID of a room by ID or shown name. It does not say whether the caller may see it.
func (e *Engine) FindRoom(ref string) (ID, error) {
	if id, err := ParseID(ref); err == nil {
		return id, nil
	}
	return e.store.RoomNamed(ref)
}

// Room returns a room as the caller sees it.
func (e *Engine) Room(who *Identity, room ID) (RoomView, error) {
	r, role, err := e.enter(who, room, actRead)
	if err != nil {
		return RoomView{}, err
	}
	return e.view(r, role, who.User)
}

// view adds to a room what is the user's own.
func (e *Engine) view(r Room, role Role, user ID) (RoomView, error) {
	v := RoomView{Room: r, Role: role}
	last, err := e.store.Last(r.ID)
	if err != nil {
		return v, err
	}
	if !last.IsZero() {
		v.Last = &Last{ID: last, At: last.Time()}
	}
	if role == RoleNone {
		return v, nil
	}
	u, err := e.store.Unread(r.ID, user)
	v.Unread, v.Mentions, v.LastRead = u.Messages, u.Mentions, u.LastRead
	return v, err
}

// JoinedRooms lists a user's rooms in order of ID, after one; next is where to go on, zero at the end.
func (e *Engine) JoinedRooms(user, after ID, limit int) (rooms []RoomView, next ID, err error) {
	ms, err := e.store.RoomsOf(user, after, limit+1)
	if err != nil {
		return nil, ID{}, err
	}
	if len(ms) > limit {
		ms = ms[:limit]
		next = ms[limit-1].Room
	}
	for _, m := range ms {
		r, err := e.store.Room(m.Room)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since the list was read
		}
		if err != nil {
			return nil, ID{}, err
		}
		v, err := e.view(r, m.Role, user)
		if err != nil {
			return nil, ID{}, err
		}
		rooms = append(rooms, v)
	}
	return rooms, next, nil
}

// allRooms returns every room of a user.
func (e *Engine) allRooms(user ID) ([]RoomView, error) {
	all := []RoomView{}
	for after := (ID{}); ; {
		rooms, next, err := e.JoinedRooms(user, after, roomsPage)
		if all = append(all, rooms...); err != nil || next.IsZero() {
			return all, err
		}
		after = next
	}
}

// PublicRooms lists the public rooms, each as the caller sees it.
func (e *Engine) PublicRooms(who *Identity, after string, limit int) (views []RoomView, next string, err error) {
	rooms, next, err := e.store.PublicRooms(after, limit)
	for _, r := range rooms {
		role, err := e.store.Role(r.ID, who.User)
		if err != nil {
			return nil, "", err
		}
		v, err := e.view(r, role, who.User)
		if err != nil {
			return nil, "", err
		}
		views = append(views, v)
	}
	return views, next, err
}

// CreateRoom makes a room; the caller becomes its owner.
func (e *Engine) CreateRoom(ctx context.Context, who *Identity, n NewRoom) (RoomView, Receipt, error) {
	if err := firstError(checkName("name", n.Name), checkText("topic", n.Topic, 0, maxTopic)); err != nil {
		return RoomView{}, Receipt{}, err
	}
	if err := e.mayJoin(who.User, 1); err != nil {
		return RoomView{}, Receipt{}, err
	}
	var id ID
	receipt, err := e.write(ctx, func(b *batch) error {
		if err := roomNameFree(b.tx, n.Name, ID{}); err != nil {
			return err
		}
		s := b.stamp()
		id = b.id(s)
		return b.append(&Event{Stamp: s, Kind: KindRoomCreated, Room: id, User: who.User, Payload: &RoomCreated{
			Name: n.Name, Topic: n.Topic, Private: n.Private, Members: []MemberRole{{who.User, RoleOwner}},
		}})
	})
	return e.viewed(who, id, receipt, err)
}

// viewed returns a room as it is after a write, also to those who have just
// shut themselves out by it.
func (e *Engine) viewed(who *Identity, id ID, receipt Receipt, err error) (RoomView, Receipt, error) {
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	r, err := e.store.Room(id)
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	role, err := e.store.Role(id, who.User)
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	v, err := e.view(r, role, who.User)
	return v, receipt, err
}

func roomNameFree(r Reader, name string, but ID) error {
	id, err := r.RoomNamed(name)
	if errors.Is(err, ErrNotFound) || (err == nil && id == but) {
		return nil
	}
	if err == nil {
		err = &Error{Code: CodeConflict, Message: "a room of this name exists", Fields: []FieldError{{"name", "taken"}}}
	}
	return err
}

// DirectRoom returns the one direct room of exactly the caller and these users, making it if need be.
func (e *Engine) DirectRoom(ctx context.Context, who *Identity, users []ID) (RoomView, Receipt, error) {
	all := append([]ID{who.User}, users...)
	slices.SortFunc(all, ID.Compare)
	all = slices.Compact(all)
	if len(all) < 2 || len(all) > maxDirect {
		return RoomView{}, Receipt{}, invalidField("users", "malformed", fmt.Sprintf("name 1 to %d others", maxDirect-1))
	}
	key := make([]byte, 0, len(all)*16)
	members := make([]MemberRole, len(all))
	for i, u := range all {
		if err := e.exists(u); err != nil {
			return RoomView{}, Receipt{}, err
		}
		key = append(key, u[:]...)
		members[i] = MemberRole{u, RoleMember}
	}
	id := DerivedID("direct", string(key))
	exists, err := e.store.RoomExists(id)
	for i := 0; err == nil && !exists && i < len(all); i++ {
		err = e.mayJoin(all[i], 1)
	}
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	if exists {
		receipt, err := e.settled(ctx)
		return e.viewed(who, id, receipt, err)
	}
	receipt, err := e.write(ctx, func(b *batch) error {
		if exists, err := b.tx.RoomExists(id); err != nil || exists {
			return err
		}
		return b.append(&Event{Kind: KindRoomCreated, Room: id, User: who.User, Payload: &RoomCreated{Private: true, Direct: true, Members: members}})
	})
	return e.viewed(who, id, receipt, err)
}

// UpdateRoom changes a room's name, topic or privacy.
func (e *Engine) UpdateRoom(ctx context.Context, who *Identity, room ID, c RoomChange) (RoomView, Receipt, error) {
	_, _, err := e.enter(who, room, actRename)
	if err == nil && c.Name != nil {
		err = checkName("name", *c.Name)
	}
	if err == nil && c.Topic != nil {
		err = checkText("topic", *c.Topic, 0, maxTopic)
	}
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	if c == (RoomChange{}) {
		receipt, err := e.settled(ctx)
		return e.viewed(who, room, receipt, err)
	}
	receipt, err := e.write(ctx, func(b *batch) error {
		if c.Name != nil {
			if err := roomNameFree(b.tx, *c.Name, room); err != nil {
				return err
			}
		}
		return b.append(&Event{Kind: KindRoomUpdated, Room: room, User: who.User,
			Payload: &RoomUpdated{Name: c.Name, Topic: c.Topic, Private: c.Private, By: who.User}})
	})
	return e.viewed(who, room, receipt, err)
}

// DeleteRoom ends a room for ever.
func (e *Engine) DeleteRoom(ctx context.Context, who *Identity, room ID) (Receipt, error) {
	if _, _, err := e.enter(who, room, actDeleteRoom); err != nil {
		return Receipt{}, err
	}
	return e.write(ctx, func(b *batch) error {
		return b.append(&Event{Kind: KindRoomDeleted, Room: room, User: who.User, Payload: &RoomDeleted{By: who.User}})
	})
}

// Join makes the caller a member. Joining twice changes nothing.
func (e *Engine) Join(ctx context.Context, who *Identity, room ID) (RoomView, Receipt, error) {
	_, role, err := e.enter(who, room, actJoin)
	if err != nil {
		return RoomView{}, Receipt{}, err
	}
	if role != RoleNone {
		receipt, err := e.settled(ctx)
		return e.viewed(who, room, receipt, err)
	}
	if err := e.mayJoin(who.User, 1); err != nil {
		return RoomView{}, Receipt{}, err
	}
	receipt, err := e.write(ctx, func(b *batch) error { return b.join(room, who.User, RoleMember, who.User) })
	return e.viewed(who, room, receipt, err)
}

// join adds a member who reads from here on: what was before is not unread.
func (b *batch) join(room, user ID, role Role, by ID) error {
	if had, err := b.tx.Role(room, user); err != nil || had != RoleNone {
		return err
	}
	last, err := b.k.store.Last(room)
	if err != nil {
		return err
	}
	err = b.append(&Event{Kind: KindMemberSet, Room: room, User: user, Payload: &MemberSet{Role: role, By: by}})
	if err != nil || last.IsZero() {
		return err
	}
	return b.append(&Event{Kind: KindRead, Room: room, User: user, Payload: &Read{Message: last}})
}

// mayJoin holds a user to the most rooms, for Ready lists them all (I6). It counts
// before the write, for counting is long and the committer everybody's: joins
// side by side are not counted. The bound is for memory, not for fairness.
func (e *Engine) mayJoin(user ID, more int) error {
	ms, err := e.store.RoomsOf(user, ID{}, maxRoomsPerUser)
	if err == nil && len(ms)+more > maxRoomsPerUser {
		err = &Error{Code: CodeForbidden, Message: fmt.Sprintf("a user may be in %d rooms", maxRoomsPerUser)}
	}
	return err
}

// Leave ends the caller's membership.
func (e *Engine) Leave(ctx context.Context, who *Identity, room ID) (Receipt, error) {
	if _, _, err := e.enter(who, room, actLeave); err != nil {
		return Receipt{}, err
	}
	return e.setRole(ctx, who, room, who.User, RoleNone)
}

func (e *Engine) setRole(ctx context.Context, who *Identity, room, user ID, role Role) (Receipt, error) {
	return e.write(ctx, func(b *batch) error {
		had, err := b.tx.Role(room, user)
		if err != nil || had == role {
			return err
		}
		if had == RoleNone {
			return b.join(room, user, role, who.User)
		}
		return b.append(&Event{Kind: KindMemberSet, Room: room, User: user, Payload: &MemberSet{Role: role, By: who.User}})
	})
}

// SetMember adds a user to a room or changes the role. Roles above member are an owner's to give.
func (e *Engine) SetMember(ctx context.Context, who *Identity, room, user ID, role Role) (Receipt, error) {
	if role == RoleNone {
		return Receipt{}, invalidField("role", "required", "role must be owner, moderator or member")
	}
	if err := e.exists(user); err != nil {
		return Receipt{}, err
	}
	had, err := e.store.Role(room, user)
	if err != nil {
		return Receipt{}, err
	}
	a := actInvite
	if role > RoleMember || had > RoleMember {
		a = actPromote
	}
	if _, _, err = e.enter(who, room, a); err == nil && had == RoleNone {
		err = e.mayJoin(user, 1)
	}
	if err != nil {
		return Receipt{}, err
	}
	return e.setRole(ctx, who, room, user, role)
}

// exists returns ErrNotFound for who never was, and a conflict for who was deleted.
func (e *Engine) exists(user ID) error {
	st, err := e.store.Standing(user)
	if err == nil && st.Deleted {
		err = errDeleted
	}
	return err
}

// RemoveMember takes a member out of a room. Moderators remove members, owners anybody.
func (e *Engine) RemoveMember(ctx context.Context, who *Identity, room, user ID) (Receipt, error) {
	had, err := e.store.Role(room, user)
	if err != nil {
		return Receipt{}, err
	}
	a := actRemove
	switch {
	case user == who.User:
		a = actLeave
	case had > RoleMember:
		a = actPromote
	}
	if _, _, err := e.enter(who, room, a); err != nil {
		return Receipt{}, err
	}
	if had == RoleNone {
		return Receipt{}, ErrNotFound
	}
	return e.setRole(ctx, who, room, user, RoleNone)
}

// Members lists a room's members in order of ID, after one, with their presence.
func (e *Engine) Members(who *Identity, room, after ID, limit int) (members []Member, more bool, err error) {
	if _, _, err := e.enter(who, room, actRead); err != nil {
		return nil, false, err
	}
	members, err = e.store.Members(room, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(members) > limit; more {
		members = members[:limit]
	}
	for i := range members {
		members[i].Status = e.statusOf(members[i].ID)
	}
	return members, more, nil
}
