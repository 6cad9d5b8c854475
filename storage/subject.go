package storage

import "github.com/klatch-chat/klatch/engine"

// Which answers depend on which subjects. A commit moves a subject whenever one of
// its answers changes, and sometimes when none does:
//
//	AboutUser       User, Credentials, Standing
//	AboutRoom       Room, RoomExists; Members and their roles, with each one's AboutUser
//	AboutRole       Role
//	AboutRoomsOf    RoomsOf
//	AboutToken      TokenRevoked
//	nothing         SignIns, and all of engine.Registry: seldom asked for, and kept by nobody
//	AboutContent    everything about a room's messages
//	AboutAmended    of that, what has messages after it: pages with a Next, a Message
//	                that was found, Reactors; and so what is kept of a newest page
//	AboutMarker     Unread, with AboutContent
//	AboutPublic     PublicRooms; their counts of members with each room's AboutRoom
//	AboutKeyOf      NodeKey
//	AboutUserName, AboutRoomName    UserNamed, RoomNamed

var publicSubject = engine.About(engine.AboutPublic, engine.ID{}, engine.ID{})

func nameSubject(space byte, shown string) engine.Subject {
	if space == spaceUser {
		return engine.AboutUserName(shown)
	}
	return engine.AboutRoomName(shown)
}

// touch makes answers about a subject stale at Commit.
func (t *Tx) touch(about engine.Subject) { t.touched[t.s.cache.shard(&about)] = struct{}{} }

// clean tells whether the store's answer about a subject is the batch's too.
func (t *Tx) clean(about engine.Subject) bool {
	_, dirty := t.touched[t.s.cache.shard(&about)]
	return !dirty && !t.touchedAll
}

// touchPosted is for a new message.
func (t *Tx) touchPosted(e *engine.Event) {
	t.touch(engine.About(engine.AboutContent, e.Room, engine.ID{}))
	if !t.atEnd(e) {
		t.amend(e.Room)
	}
}

// touchMessages is for any other change to a room's messages.
func (t *Tx) touchMessages(room engine.ID) {
	t.touch(engine.About(engine.AboutContent, room, engine.ID{}))
	t.amend(room)
}

func (t *Tx) amend(room engine.ID) {
	about := engine.About(engine.AboutAmended, room, engine.ID{})
	t.touch(about)
	t.amended = append(t.amended, t.s.cache.shard(&about))
}

// touchName is for the claims of a name, before and after a change: whoever is
// shown with the plain name, and with a suffix, may be another.
func (t *Tx) touchName(space byte, name string, claims []idPair) {
	t.touch(nameSubject(space, name))
	for _, c := range claims {
		t.touch(nameSubject(space, name+suffix(c.b)))
	}
}

// membersTouched is up to how many members a room's beginning or end is told one by one.
const membersTouched = 1000

// touchMembers is for a room that begins or ends to exist: it comes into the
// lists of its members, or leaves them. Past membersTouched all answers go stale:
// that is one short loop, where the members of a large room would hold up
// everybody's posts. Members of this batch have been touched by themselves.
func (t *Tx) touchMembers(room engine.ID) error {
	v, err := t.get(idKey(kindMembers, room))
	if err != nil {
		return err
	}
	n, err := parseCount(v)
	if err != nil || n == 0 {
		return err
	}
	if n > membersTouched {
		t.touchedAll = true
		return nil
	}
	return t.s.memberships(kindRoomMember, room, engine.ID{}, func(m engine.Membership) (bool, error) {
		t.touch(engine.About(engine.AboutRoomsOf, m.Room, engine.ID{}))
		return true, nil
	})
}

// raise moves the subjects that a batch has touched.
func (s *Store) raise(t *Tx) {
	if t.touchedAll {
		s.cache.raiseAll()
		return
	}
	for shard := range t.touched {
		s.cache.raise(shard)
	}
}
