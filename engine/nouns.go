package engine

// The nouns as clients see them, in every wire format. Field names and shapes
// are the contract; fields of one user's view are in RoomState and ReactionCount.Me.

// User is an account.
type User struct {
	ID          ID     `json:"id"`
	Username    string `json:"username"` // with a visible suffix, ~xxxxx, if an earlier account elsewhere has the name
	DisplayName string `json:"display_name"`
	Role        string `json:"role"` // "admin" or "user": the server's, not a room's
	Bot         bool   `json:"bot"`
}

// Admin reports whether the user administers the server.
func (u *User) Admin() bool { return u.Role == "admin" }

// Room is a room as everybody sees it. Deleted rooms are not found.
type Room struct {
	ID      ID     `json:"id"`
	Name    string `json:"name"` // like User.Username; empty for direct rooms
	Topic   string `json:"topic"`
	Private bool   `json:"private"`
	Direct  bool   `json:"direct"`
	Members int    `json:"members"`

	Archived bool `json:"archived,omitempty"` // to be read and left, and not changed any more
}

// RoomView is a room as one user sees it.
type RoomView struct {
	Room
	Role     Role  `json:"role"` // "" for those who are not members
	Last     *Last `json:"last"` // the newest message; nil in an empty room
	Unread   int   `json:"unread"`
	Mentions int   `json:"mentions"`
	LastRead ID    `json:"last_read"` // "" when nothing has been read
}

// Last names the newest message of a room.
type Last struct {
	ID ID   `json:"id"`
	At Time `json:"at"`
}

// UnreadLimit bounds the counting of unread messages and mentions: a count of
// UnreadLimit means that many or more, shown as "99+".
const UnreadLimit = 100

// Unread is what a member has not read: messages of others after the marker.
type Unread struct {
	Messages int // at most UnreadLimit
	Mentions int // at most UnreadLimit
	LastRead ID
}

// Member is a user in a room.
type Member struct {
	User
	RoomRole Role   `json:"room_role"`
	Status   Status `json:"status,omitempty"` // presence, filled in by the engine
}

// Role is a member's standing in a room.
type Role uint8

// The roles, weakest first. Their numbers are stored.
const (
	RoleNone      Role = 0
	RoleMember    Role = 1
	RoleModerator Role = 2
	RoleOwner     Role = 3
)

var roleNames = [...]string{"", "member", "moderator", "owner"}

func (r Role) String() string { return roleNames[r] }

// MarshalText implements encoding.TextMarshaler.
func (r Role) MarshalText() ([]byte, error) { return []byte(roleNames[r]), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(b []byte) error {
	for i, n := range roleNames {
		if n == string(b) {
			*r = Role(i)
			return nil
		}
	}
	return invalidField("role", "unknown", "role must be owner, moderator or member")
}

// Message is a message as everybody sees it; Me in Reactions is the reader's.
type Message struct {
	ID        ID              `json:"id"`
	Room      ID              `json:"room"`
	User      ID              `json:"user"`
	Body      string          `json:"body"`
	At        Time            `json:"at"`
	Nonce     string          `json:"nonce,omitempty"`
	ReplyTo   ID              `json:"reply_to,omitzero"`
	EditedAt  Time            `json:"edited_at,omitzero"`
	Deleted   bool            `json:"deleted,omitempty"` // the body is empty then
	Reactions []ReactionCount `json:"reactions,omitempty"`
	Files     []Attachment    `json:"attachments,omitempty"`
	Mentions  []ID            `json:"mentions,omitempty"`
	Everyone  bool            `json:"everyone,omitempty"` // the whole room is mentioned
}

// ReactionCount is how many users reacted with one emoji.
type ReactionCount struct {
	Emoji string `json:"emoji"`
	Count int    `json:"count"`
	Me    bool   `json:"me"`
}

// Attachment is an uploaded file that a message shows. Uploads are a later part.
type Attachment struct {
	ID   ID     `json:"id" cbor:"1,keyasint"`
	Name string `json:"name" cbor:"2,keyasint"`
	Size int64  `json:"size" cbor:"3,keyasint"`
	Type string `json:"type" cbor:"4,keyasint"`
}

// Status is a user's presence.
type Status string

// The statuses. Offline is only ever said by the server.
const (
	Online  Status = "online"
	Away    Status = "away"
	Busy    Status = "busy"
	Offline Status = "offline"
)
