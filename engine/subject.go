package engine

import (
	"crypto/sha256"
	"encoding/binary"
)

// Subject names something that answers are derived from and commits change: a
// kind and up to two ids. What is kept of an answer is kept with marks of its
// subjects, and is worth nothing once one of these has been moved.
type Subject [1 + 2*len(ID{})]byte

// SubjectKind is what a subject is about.
type SubjectKind byte

// The kinds. What raises each is in package storage, next to the view it stands for.
const (
	AboutUser     SubjectKind = 'U' // a user's record, shown name and password
	AboutRoom     SubjectKind = 'R' // a room's record and shown name, and the list of its members with their roles
	AboutRole     SubjectKind = 'G' // of a user (second) in a room
	AboutRoomsOf  SubjectKind = 'L' // the list of a user's rooms that exist, and the roles there
	AboutToken    SubjectKind = 'T' // whether it is revoked
	AboutContent  SubjectKind = 'M' // the messages of a room: any change, new ones too
	AboutAmended  SubjectKind = 'A' // the messages of a room: any change but one added at its end
	AboutMarker   SubjectKind = 'V' // a user's (second) read marker in a room
	AboutPublic   SubjectKind = 'W' // the list of public rooms
	aboutNodeKey  SubjectKind = 'O'
	aboutUserName SubjectKind = 'u'
	aboutRoomName SubjectKind = 'r'
)

// About names a subject by ids; the second may be zero.
func About(kind SubjectKind, a, b ID) (s Subject) {
	s[0] = byte(kind)
	copy(s[1:], a[:])
	copy(s[1+len(a):], b[:])
	return s
}

// AboutKeyOf names the key of an origin.
func AboutKeyOf(o Origin) (s Subject) {
	s[0] = byte(aboutNodeKey)
	binary.BigEndian.PutUint64(s[1:], uint64(o))
	return s
}

// AboutUserName names who has a shown name among users.
func AboutUserName(name string) Subject { return aboutName(aboutUserName, name) }

// AboutRoomName names what has a shown name among rooms.
func AboutRoomName(name string) Subject { return aboutName(aboutRoomName, name) }

func aboutName(kind SubjectKind, name string) (s Subject) {
	sum := sha256.Sum256([]byte(name))
	s[0] = byte(kind)
	copy(s[1:], sum[:])
	return s
}

// Mark is how often a subject, or one that shares its place, has been moved.
type Mark struct {
	Place  uint32
	Number uint64
}

// Freshness tells what a reader has kept of the store whether it still holds (I8).
//
// The rule for whoever keeps an answer: take the marks first, then read, keep
// both; before giving the answer again, ask whether the marks are fresh. A
// commit moves its subjects after its data can be read and before Commit
// returns, so before the position moves: an answer with fresh marks is one that
// the store could have given when it was asked. There is nothing to delete, and
// so no deletion that a late writer could undo. Places are shared: an answer may
// go stale for another subject's sake.
type Freshness interface {
	Mark(Subject) Mark
	Fresh(marks ...Mark) bool
}
