package engine

import (
	"context"
	"net/netip"
)

// What a session is told while it is connected. Each notice is a struct whose
// JSON field names are the wire's, in every format; Type comes first. A notice
// that goes to many is the same for all of them, so that it is encoded once
// per wire format and its bytes are shared.

// Wire turns notices into frames of one wire format.
type Wire interface {
	// Encode returns one frame, complete for its transport. It is called at
	// most once per notice; nobody changes the bytes afterwards.
	Encode(notice any) []byte
}

// StampedWire is a Wire for clients that remember where they are with every
// event, not with checkpoints alone. What it returns for a Ready or a Checkpoint
// carries the cursor in that.
type StampedWire interface {
	Wire
	// EncodeAt is Encode for a notice of an event. The frame carries a cursor that
	// claims no more than the session has been sent when it has been sent this frame.
	EncodeAt(notice any, cursor string) []byte
}

// Conn is the sending side of a connection, as a session needs it.
type Conn interface {
	// Send queues a frame. It never blocks. A connection whose queue is past its
	// bound drops the frame and closes itself with CloseTooSlow.
	Send(frame []byte)
	// Drained waits until at most half of the queue's bound is in use. It
	// returns an error when ctx or the connection ends first.
	Drained(ctx context.Context) error
	// Close sends what is queued, then the code, then ends the connection, all within
	// a bounded time. It returns at once; only the first call counts.
	Close(code CloseCode, reason string)
}

// Located is a Conn that knows where its client is; a ban of that address ends it.
type Located interface {
	Address() netip.Addr // invalid: not known
}

// TimedConn is a Conn that can tell when a frame has been written.
type TimedConn interface {
	Conn
	// SendTimed is Send; then it has written called when the last byte of the frame
	// is written, or never: where the frame is dropped, or another is being timed.
	// written must not block.
	SendTimed(frame []byte, written func())
}

// CloseCode is a WebSocket close code (RFC 6455, section 7.4).
type CloseCode uint16

// The close codes of the contract. Every one but unauthorized, protocol error
// and replaced means: reconnect with backoff, with the cursor.
const (
	CloseNormal        CloseCode = 1000
	CloseLeaving       CloseCode = 1001 // the node is going away
	CloseUnauthorized  CloseCode = 4001
	CloseProtocolError CloseCode = 4002
	CloseTooSlow       CloseCode = 4008
	CloseReplaced      CloseCode = 4009 // or revoked
	CloseRateLimited   CloseCode = 4029
)

// Ready opens a session.
type Ready struct {
	Type      string          `json:"type"` // ready
	User      User            `json:"user"`
	Node      string          `json:"node"`
	Rooms     []RoomView      `json:"rooms"`
	Cursor    string          `json:"cursor"`  // where the session starts: the client's own, as far as the node has it, while what it missed follows
	Resumed   bool            `json:"resumed"` // the cursor was honoured: everything missed follows, then a checkpoint
	Heartbeat HeartbeatNotice `json:"heartbeat"`
}

// HeartbeatNotice tells a client what silence to expect.
type HeartbeatNotice struct {
	IntervalMS int64 `json:"interval_ms"`
	TimeoutMS  int64 `json:"timeout_ms"`
}

// Checkpoint carries a cursor to remember: all before it has been sent.
type Checkpoint struct {
	Type   string `json:"type"` // checkpoint
	Cursor string `json:"cursor"`
}

// Reset says that the client's cursor cannot be served.
type Reset struct {
	Type   string `json:"type"` // reset
	Reason string `json:"reason"`
}

// MessageNotice is a new message.
type MessageNotice struct {
	Type string `json:"type"` // message
	Message
}

// MessageEdited is a message's new content.
type MessageEdited struct {
	Type     string `json:"type"` // message_edited
	Room     ID     `json:"room"`
	ID       ID     `json:"id"`
	User     ID     `json:"user"`
	Body     string `json:"body"`
	EditedAt Time   `json:"edited_at"`
	Mentions []ID   `json:"mentions,omitempty"`
	Everyone bool   `json:"everyone,omitempty"`
}

// MessageDeleted says that a message has gone. Duplicate: it left because an
// earlier post with the same nonce came from another node.
type MessageDeleted struct {
	Type      string `json:"type"` // message_deleted
	Room      ID     `json:"room"`
	ID        ID     `json:"id"`
	User      ID     `json:"user,omitzero"` // who deleted it
	Duplicate bool   `json:"duplicate,omitempty"`
}

// ReactionNotice is one user's reaction, and the emoji's new count.
type ReactionNotice struct {
	Type   string `json:"type"` // reaction
	Room   ID     `json:"room"`
	ID     ID     `json:"id"`
	User   ID     `json:"user"`
	Emoji  string `json:"emoji"`
	Remove bool   `json:"remove,omitempty"`
	Count  int    `json:"count"`
}

// RoomNotice is room_created (to those it was made for) or room_updated.
type RoomNotice struct {
	Type string `json:"type"`
	Room
}

// RoomDeletedNotice says that a room has gone.
type RoomDeletedNotice struct {
	Type string `json:"type"` // room_deleted
	ID   ID     `json:"id"`
	Room ID     `json:"room"`
}

// MemberNotice is member_joined (also when the role changes) or member_left.
type MemberNotice struct {
	Type        string `json:"type"`
	Room        ID     `json:"room"`
	User        ID     `json:"user"`
	Username    string `json:"username,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	Role        Role   `json:"role,omitzero"`
	Status      Status `json:"status,omitempty"` // presence of one who joined
}

// UserNotice is an account's new display name, told like presence to small rooms.
type UserNotice struct {
	Type string `json:"type"` // user_updated
	User
}

// ReadNotice is a user's read marker. In rooms of more than PresenceLimit
// members only the user's own sessions get it.
type ReadNotice struct {
	Type string `json:"type"` // read
	Room ID     `json:"room"`
	User ID     `json:"user"`
	ID   ID     `json:"id"`
}

// TypingNotice says who is typing; in rooms of more than PresenceLimit members how many.
type TypingNotice struct {
	Type  string `json:"type"` // typing
	Room  ID     `json:"room"`
	User  ID     `json:"user,omitzero"`
	Count int    `json:"count,omitempty"`
}

// PresenceNotice is a user's status; for rooms of more than PresenceLimit
// members it is the room and how many of its members are online.
type PresenceNotice struct {
	Type   string `json:"type"` // presence
	User   ID     `json:"user,omitzero"`
	Status Status `json:"status,omitempty"`
	Room   ID     `json:"room,omitzero"`
	Online *int   `json:"online,omitempty"`
}

// SignalNotice is an application's own event. Data is what the sender's format
// decoded: in CBOR it may hold byte strings, which JSON shows as base64.
type SignalNotice struct {
	Type string `json:"type"` // signal
	Room ID     `json:"room"`
	User ID     `json:"user"`
	Name string `json:"name"`
	Data any    `json:"data,omitempty"`
}
