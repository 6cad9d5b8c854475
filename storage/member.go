package storage

import (
	"errors"
	"slices"

	"github.com/klatch-chat/klatch/engine"
)

// memberReg is the register of one membership. A member who left stays in it,
// for events that come late; the lists of members know only those who are there.
type memberReg struct {
	version engine.ID
	role    engine.Role
}

func parseMember(b []byte) (m memberReg, err error) {
	if b == nil {
		return memberReg{}, nil
	}
	if len(b) != idSize+1 {
		return memberReg{}, errRecord
	}
	return memberReg{engine.ID(b[:idSize]), engine.Role(b[idSize])}, nil
}

func (m memberReg) encode() []byte {
	return append(append(make([]byte, 0, idSize+1), m.version[:]...), byte(m.role))
}

// knownRole is what a role of a later version counts as here.
func knownRole(r engine.Role) engine.Role {
	if r > engine.RoleOwner {
		return engine.RoleMember
	}
	return r
}

func parseRole(b []byte) (engine.Role, error) {
	if len(b) != 1 {
		return engine.RoleNone, errRecord
	}
	return knownRole(engine.Role(b[0])), nil
}

func readMember(g getter, room, user engine.ID) (memberReg, error) {
	v, err := g.get(idKey(kindMemberReg, room, user))
	if err != nil {
		return memberReg{}, err
	}
	return parseMember(v)
}

func readRole(g getter, room, user engine.ID) (engine.Role, error) {
	m, err := readMember(g, room, user)
	return knownRole(m.role), err
}

// Role implements engine.Reader.
func (s *Store) Role(room, user engine.ID) (engine.Role, error) {
	a := engine.About(engine.AboutRole, room, user)
	return cached(s.cache, a, a, a, 0, func() (engine.Role, error) { return readRole(s, room, user) })
}

// Role implements engine.Reader.
func (t *Tx) Role(room, user engine.ID) (engine.Role, error) {
	if t.clean(engine.About(engine.AboutRole, room, user)) {
		return t.s.Role(room, user)
	}
	return readRole(t, room, user)
}

func (t *Tx) setMember(room, user, version engine.ID, role engine.Role) error {
	old, err := readMember(t, room, user)
	if err != nil {
		return err
	}
	now := memberReg{version, role}
	if c := version.Compare(old.version); c < 0 || (c == 0 && role <= old.role) {
		return nil // one creation may name a user twice: the stronger role counts
	}
	if err := t.set(idKey(kindMemberReg, room, user), now.encode()); err != nil {
		return err
	}
	t.touch(engine.About(engine.AboutRole, room, user))
	return t.listMember(room, user, old.role, role)
}

// listMember keeps both lists of members, and their count.
func (t *Tx) listMember(room, user engine.ID, before, after engine.Role) error {
	if before == after {
		return nil
	}
	byRoom, byUser := idKey(kindRoomMember, room, user), idKey(kindUserRoom, user, room)
	if after == engine.RoleNone {
		t.note(t.del(byRoom))
		t.note(t.del(byUser))
	} else {
		t.note(t.set(byRoom, []byte{byte(after)}))
		t.note(t.set(byUser, []byte{byte(after)}))
	}
	t.touch(engine.About(engine.AboutRoomsOf, user, engine.ID{}))
	t.touch(engine.About(engine.AboutRoom, room, engine.ID{}))
	by := 0
	switch {
	case before == engine.RoleNone:
		by = 1
	case after == engine.RoleNone:
		by = -1
	}
	if by == 0 {
		return nil
	}
	return t.count1(idKey(kindMembers, room), by)
}

// Members implements engine.Pages. A member whose account has not arrived yet
// is listed with nothing but the ID.
func (s *Store) Members(room, after engine.ID, limit int) ([]engine.Member, error) {
	var list []engine.Membership // Room is the user here
	err := s.memberships(kindRoomMember, room, after, func(m engine.Membership) (bool, error) {
		list = append(list, m)
		return len(list) < limit, nil
	})
	if err != nil {
		return nil, err
	}
	members := make([]engine.Member, 0, len(list))
	for _, m := range list {
		u, err := s.User(m.Room)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return nil, err
		}
		u.ID = m.Room
		members = append(members, engine.Member{User: u, RoomRole: m.Role})
	}
	return members, nil
}

// roomsKept is the most rooms of a user that the cache keeps: nearly all users
// have fewer, and every session that opens asks for them.
const roomsKept = 32

// RoomsOf implements engine.Pages. Deleted rooms, and those not made yet, are passed over.
func (s *Store) RoomsOf(user, after engine.ID, limit int) ([]engine.Membership, error) {
	if !after.IsZero() {
		return s.roomsAfter(user, after, limit)
	}
	a := engine.About(engine.AboutRoomsOf, user, engine.ID{})
	all, err := cached(s.cache, a, a, a, roomsKept*(idSize+1), func() ([]engine.Membership, error) {
		return s.roomsAfter(user, engine.ID{}, roomsKept+1)
	})
	limit = max(limit, 1)
	if err != nil {
		return nil, err
	}
	if len(all) > roomsKept && limit > roomsKept {
		return s.roomsAfter(user, after, limit)
	}
	return slices.Clone(all[:min(limit, len(all))]), nil
}

func (s *Store) roomsAfter(user, after engine.ID, limit int) (list []engine.Membership, err error) {
	err = s.memberships(kindUserRoom, user, after, func(m engine.Membership) (bool, error) {
		list, err = s.appendRoom(list, m)
		return len(list) < limit, err
	})
	return list, err
}

// appendRoom appends a membership of a room that is there.
func (s *Store) appendRoom(list []engine.Membership, m engine.Membership) ([]engine.Membership, error) {
	_, err := s.Room(m.Room)
	if errors.Is(err, engine.ErrNotFound) {
		return list, nil
	}
	if err == nil {
		list = append(list, m)
	}
	return list, err
}

// memberships lists one side of the memberships of the other.
func (s *Store) memberships(kind byte, of, after engine.ID, fn func(engine.Membership) (bool, error)) error {
	return s.listAfter(appendIDs(nil, kind, of), idKey(kind, of, after), func(k key, v []byte) (bool, error) {
		role, err := parseRole(v)
		if err != nil {
			return false, err
		}
		return fn(engine.Membership{Room: k.ids[1], Role: role})
	})
}
