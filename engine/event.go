package engine

import (
	"encoding/binary"
	"errors"
)

// Event is one durable fact. (Origin, Seq) names it for ever; (Stamp, Origin)
// is its ID, unique too, and the version that decides last-writer-wins.
//
// An event that travels between nodes is its AppendBinary form: a fixed header,
// then Data. Data is the payload in the store's encoding; nodes pass it on
// byte for byte, also for kinds and fields that they do not know.
type Event struct {
	Origin Origin
	Seq    uint64
	Stamp  Stamp
	Kind   Kind
	Room   ID // zero for events of no room
	User   ID // whom it is about: the author, the member, the account

	Payload any    // a pointer to the payload struct of Kind; nil when the kind is unknown
	Data    []byte // Payload as encoded; immutable
}

// ID returns the event's ID: a posted message's, a made room's, a new user's.
func (e *Event) ID() ID { return MakeID(e.Stamp, e.Origin) }

// Kind says what happened, and so which payload the event carries. Numbers are
// for ever: they stand in logs and pass between versions.
type Kind uint8

// The kinds, each with the struct of its payload.
const (
	KindNodeKey      Kind = 1 // NodeKey
	KindUserCreated  Kind = 2 // UserCreated; User is the new account
	KindUserUpdated  Kind = 3 // UserUpdated; User is the account
	KindTokenRevoked Kind = 4 // TokenRevoked; User is its owner
	KindTokenIssued  Kind = 5 // TokenIssued; User is its owner
	KindAccountSet   Kind = 6 // AccountSet; User is the account
	KindUserBanned   Kind = 7 // UserBanned; User is who is banned
	KindNetBanned    Kind = 8 // NetBanned
	KindInvited      Kind = 9 // Invited
	KindRoomCreated  Kind = 10
	KindRoomUpdated  Kind = 11
	KindRoomDeleted  Kind = 12 // By
	KindMemberSet    Kind = 13 // MemberSet; User is the member
	KindRoomArchived Kind = 14 // RoomArchived
	KindPosted       Kind = 20 // Posted; User is the author
	KindEdited       Kind = 21 // Edited
	KindDeleted      Kind = 22 // Deleted
	KindReacted      Kind = 23 // Reacted
	KindRead         Kind = 24 // Read; User is the reader
)

// NodeKey publishes the Ed25519 key with which Origin signs tokens.
type NodeKey struct {
	Public []byte `cbor:"1,keyasint"`
}

// UserCreated makes an account.
type UserCreated struct {
	Username    string `cbor:"1,keyasint"`
	DisplayName string `cbor:"2,keyasint,omitempty"`
	Password    string `cbor:"3,keyasint,omitempty"` // PHC string; empty: no password sign-in
	Admin       bool   `cbor:"4,keyasint,omitempty"`
	Bot         bool   `cbor:"5,keyasint,omitempty"`
	Invite      ID     `cbor:"6,keyasint,omitzero"` // the invite this used up
}

// UserUpdated sets the fields that are not nil, each last writer wins.
type UserUpdated struct {
	DisplayName *string `cbor:"1,keyasint,omitempty"`
	Password    *string `cbor:"2,keyasint,omitempty"` // PHC string; tokens issued before this event end
	Admin       *bool   `cbor:"3,keyasint,omitempty"`
	Username    *string `cbor:"4,keyasint,omitempty"`
}

// TokenRevoked ends one token on every node.
type TokenRevoked struct {
	Token   ID   `cbor:"1,keyasint"`
	Expires Time `cbor:"2,keyasint"` // after this the revocation may be forgotten
}

// TokenIssued tells of a sign-in, for its user to see and to end. The token holds
// without it too.
type TokenIssued struct {
	Token   ID     `cbor:"1,keyasint"`
	Expires Time   `cbor:"2,keyasint"` // after this the sign-in is forgotten
	Agent   string `cbor:"3,keyasint,omitempty"`
}

// AccountSet is what administration says of an account.
type AccountSet struct {
	Disabled *bool `cbor:"1,keyasint,omitempty"` // last writer wins
	Deleted  bool  `cbor:"2,keyasint,omitempty"` // for ever
	By       ID    `cbor:"3,keyasint,omitzero"`  // zero: the operator
}

// UserBanned keeps User out, or ends that; last writer wins.
type UserBanned struct {
	Reason string `cbor:"1,keyasint,omitempty"`
	Until  Time   `cbor:"2,keyasint,omitzero"` // zero: for ever
	Lifted bool   `cbor:"3,keyasint,omitempty"`
	By     ID     `cbor:"4,keyasint,omitzero"`
}

// NetBanned keeps a network's addresses out, or ends that; last writer wins.
type NetBanned struct {
	Network string `cbor:"1,keyasint"` // a prefix as netip writes it, masked
	Reason  string `cbor:"2,keyasint,omitempty"`
	Until   Time   `cbor:"3,keyasint,omitzero"` // zero: for ever
	Lifted  bool   `cbor:"4,keyasint,omitempty"`
	By      ID     `cbor:"5,keyasint,omitzero"`
}

// Invited tells of an invite that was signed. TokenRevoked ends it, UserCreated uses it up.
type Invited struct {
	Invite  ID     `cbor:"1,keyasint"`
	Expires Time   `cbor:"2,keyasint"`
	Admin   bool   `cbor:"3,keyasint,omitempty"`
	Note    string `cbor:"4,keyasint,omitempty"`
	By      ID     `cbor:"5,keyasint,omitzero"`
}

// RoomCreated makes Room. Its maker is User. Two events may make one room when
// its ID is derived (a direct room made on two nodes); their fields merge.
type RoomCreated struct {
	Name    string       `cbor:"1,keyasint,omitempty"` // empty for direct rooms
	Topic   string       `cbor:"2,keyasint,omitempty"`
	Private bool         `cbor:"3,keyasint,omitempty"`
	Direct  bool         `cbor:"4,keyasint,omitempty"`
	Members []MemberRole `cbor:"5,keyasint,omitempty"`
}

// MemberRole is a member as a room starts out with it.
type MemberRole struct {
	User ID   `cbor:"1,keyasint"`
	Role Role `cbor:"2,keyasint"`
}

// RoomUpdated sets the fields that are not nil, each last writer wins.
type RoomUpdated struct {
	Name    *string `cbor:"1,keyasint,omitempty"`
	Topic   *string `cbor:"2,keyasint,omitempty"`
	Private *bool   `cbor:"3,keyasint,omitempty"`
	By      ID      `cbor:"4,keyasint,omitzero"`
}

// RoomDeleted ends a room for ever; its messages leave the views with it.
type RoomDeleted struct {
	By ID `cbor:"1,keyasint,omitzero"`
}

// RoomArchived closes Room to all that changes it, or opens it again; last writer wins.
type RoomArchived struct {
	Archived bool `cbor:"1,keyasint,omitempty"`
	By       ID   `cbor:"2,keyasint,omitzero"`
}

// MemberSet gives User a role in Room; RoleNone takes the membership away.
type MemberSet struct {
	Role Role `cbor:"1,keyasint"`
	By   ID   `cbor:"2,keyasint,omitzero"`
}

// Posted is a new message; its ID is the event's.
type Posted struct {
	Body     string       `cbor:"1,keyasint"`
	Nonce    string       `cbor:"2,keyasint,omitempty"`
	ReplyTo  ID           `cbor:"3,keyasint,omitzero"`
	Mentions []ID         `cbor:"4,keyasint,omitempty"` // users named
	Everyone bool         `cbor:"5,keyasint,omitempty"` // the whole room is named
	Files    []Attachment `cbor:"6,keyasint,omitempty"`
}

// Edited replaces a message's body, last writer wins.
type Edited struct {
	Message  ID     `cbor:"1,keyasint"`
	Body     string `cbor:"2,keyasint"`
	Mentions []ID   `cbor:"3,keyasint,omitempty"`
	Everyone bool   `cbor:"4,keyasint,omitempty"`
}

// Deleted hides a message's content for ever. User is who did it.
type Deleted struct {
	Message ID `cbor:"1,keyasint"`
}

// Reacted adds or removes User's reaction, last writer wins.
type Reacted struct {
	Message ID     `cbor:"1,keyasint"`
	Emoji   string `cbor:"2,keyasint"`
	Remove  bool   `cbor:"3,keyasint,omitempty"`
}

// Read moves User's read marker in Room; the highest message wins.
type Read struct {
	Message ID `cbor:"1,keyasint"`
}

// NewPayload returns a pointer to the empty payload of a kind, nil if unknown.
func NewPayload(k Kind) any {
	switch k {
	case KindNodeKey:
		return new(NodeKey)
	case KindUserCreated:
		return new(UserCreated)
	case KindUserUpdated:
		return new(UserUpdated)
	case KindTokenRevoked:
		return new(TokenRevoked)
	case KindTokenIssued:
		return new(TokenIssued)
	case KindAccountSet:
		return new(AccountSet)
	case KindUserBanned:
		return new(UserBanned)
	case KindNetBanned:
		return new(NetBanned)
	case KindInvited:
		return new(Invited)
	case KindRoomCreated:
		return new(RoomCreated)
	case KindRoomUpdated:
		return new(RoomUpdated)
	case KindRoomDeleted:
		return new(RoomDeleted)
	case KindMemberSet:
		return new(MemberSet)
	case KindRoomArchived:
		return new(RoomArchived)
	case KindPosted:
		return new(Posted)
	case KindEdited:
		return new(Edited)
	case KindDeleted:
		return new(Deleted)
	case KindReacted:
		return new(Reacted)
	case KindRead:
		return new(Read)
	}
	return nil
}

// The binary form: version(1) kind(1) origin(8) seq(8) stamp(8) room(16) user(16), all
// big-endian, then Data to the end.
const (
	eventVersion    = 1
	EventHeaderSize = 1 + 1 + 8 + 8 + 8 + 16 + 16
)

var errEvent = errors.New("malformed event")

// AppendBinary implements encoding.BinaryAppender.
func (e *Event) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, eventVersion, byte(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Origin))
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Stamp))
	b = append(b, e.Room[:]...)
	b = append(b, e.User[:]...)
	return append(b, e.Data...), nil
}

// ParseEvent reads the binary form. The event keeps b; its Payload is still nil.
func ParseEvent(b []byte) (*Event, error) {
	if len(b) < EventHeaderSize || b[0] != eventVersion {
		return nil, errEvent
	}
	e := &Event{
		Kind:   Kind(b[1]),
		Origin: Origin(binary.BigEndian.Uint64(b[2:])),
		Seq:    binary.BigEndian.Uint64(b[10:]),
		Stamp:  Stamp(binary.BigEndian.Uint64(b[18:])),
		Room:   ID(b[26:42]),
		User:   ID(b[42:58]),
		Data:   b[EventHeaderSize:len(b):len(b)],
	}
	if e.Origin == 0 || e.Seq == 0 || e.Stamp == 0 {
		return nil, errEvent
	}
	return e, nil
}
