package client

import "time"

// The types of events, and what each decodes into.
const (
	TypeReady          = "ready"           // Ready
	TypeReset          = "reset"           // Reset
	TypeCheckpoint     = "checkpoint"      // Checkpoint
	TypeMessage        = "message"         // Message
	TypeMessageEdited  = "message_edited"  // Message: id, room, user, body, edited_at, mentions
	TypeMessageDeleted = "message_deleted" // Deleted
	TypeReaction       = "reaction"        // Reaction
	TypeRoomCreated    = "room_created"    // Room
	TypeRoomUpdated    = "room_updated"    // Room
	TypeRoomDeleted    = "room_deleted"    // Room: id
	TypeMemberJoined   = "member_joined"   // Member
	TypeMemberLeft     = "member_left"     // Member: room, user
	TypeUserUpdated    = "user_updated"    // User
	TypeRead           = "read"            // Read
	TypeTyping         = "typing"          // Typing
	TypePresence       = "presence"        // Presence
	TypeSignal         = "signal"          // Signal
	TypeError          = "error"           // Refusal: of no call of this client
)

// Event is something that the server told. It is valid until OnEvent returns.
type Event struct {
	Type   string
	Data   []byte // the frame as it came
	Format Format
}

// Decode reads the event into the struct of its type.
func (e Event) Decode(into any) error { return codecOf(e.Format).unmarshal(e.Data, into) }

// Ready opens a session.
type Ready struct {
	User      User      `json:"user"`
	Node      string    `json:"node"`
	Rooms     []Room    `json:"rooms"`
	Cursor    string    `json:"cursor"`
	Resumed   bool      `json:"resumed"`
	Heartbeat Heartbeat `json:"heartbeat"`
}

// Heartbeat is what silence to expect of the server.
type Heartbeat struct {
	IntervalMS int64 `json:"interval_ms"`
	TimeoutMS  int64 `json:"timeout_ms"`
}

func (h Heartbeat) interval() time.Duration { return time.Duration(h.IntervalMS) * time.Millisecond }
func (h Heartbeat) timeout() time.Duration  { return time.Duration(h.TimeoutMS) * time.Millisecond }

// Reset says that the cursor cannot be served: load the newest pages and go on.
type Reset struct {
	Reason string `json:"reason"`
}

// Checkpoint carries the cursor that Client.Cursor returns from then on.
type Checkpoint struct {
	Cursor string `json:"cursor"`
}

// Deleted says that a message has gone.
type Deleted struct {
	Room      string `json:"room"`
	ID        string `json:"id"`
	User      string `json:"user"`
	Duplicate bool   `json:"duplicate"` // an earlier post with its nonce came from another node
}

// Reaction is one user's reaction and the emoji's new count.
type Reaction struct {
	Room   string `json:"room"`
	ID     string `json:"id"`
	User   string `json:"user"`
	Emoji  string `json:"emoji"`
	Remove bool   `json:"remove"`
	Count  int    `json:"count"`
}

// Member is a user who came into a room, got another role there, or left.
type Member struct {
	Room        string `json:"room"`
	User        string `json:"user"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Role        string `json:"role"`
	Status      string `json:"status"` // presence of one who joined
}

// Read is a user's read marker.
type Read struct {
	Room string `json:"room"`
	User string `json:"user"`
	ID   string `json:"id"`
}

// Typing says who types; in large rooms how many.
type Typing struct {
	Room  string `json:"room"`
	User  string `json:"user"`
	Count int    `json:"count"`
}

// Presence is a user's status; of a large room how many are online.
type Presence struct {
	User   string `json:"user"`
	Status string `json:"status"`
	Room   string `json:"room"`
	Online int    `json:"online"`
}

// Signal is an application's own event.
type Signal struct {
	Room string `json:"room"`
	User string `json:"user"`
	Name string `json:"name"`
	Data any    `json:"data"`
}

// Refusal is an error that answers no call.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}
