package engine

// Store is a node's disk: the log of every event the node has, and the views
// that queries read, derived from it. Package storage is the one on Pebble.
//
// Who may call: Begin only the committer, one Tx at a time. Everything else,
// anybody, at any time until Close. No method blocks but for disk reads, and
// Tx.Commit for one sync. Errors are ErrNotFound (matched by errors.Is) for
// what is not there, or a disk's. Returned values belong to the caller, except
// Event.Data and byte slices inside it, which are immutable and shared.
//
// Views depend on the set of applied events, never on their order (I3).
type Store interface {
	Reader
	Secrets
	Pages
	Registry
	Log
	Freshness

	// Begin starts the next batch. It returns an error, matched by
	// ErrUnavailable, while the store takes no writes (a full disk, an earlier failed sync).
	Begin() (Tx, error)

	// EncodePayload returns the bytes for Event.Data. Safe in any goroutine.
	EncodePayload(payload any) ([]byte, error)
	// DecodePayload sets e.Payload from e.Kind and e.Data; it stays nil for an unknown kind.
	DecodePayload(e *Event) error

	// Snapshot opens all that is replicated, log and views, at one position.
	Snapshot() (Snapshot, error)
	// Seed takes the pieces of another node's Snapshot, to replace what is here.
	Seed() (Seed, error)

	// Local reads and SetLocal writes, synced, a value of this node alone: never
	// replicated, never in a view. Missing is ErrNotFound.
	Local(key string) ([]byte, error)
	SetLocal(key string, value []byte) error

	Close() error
}

// Reader looks up single nouns. A Tx sees also what it has appended itself.
type Reader interface {
	User(ID) (User, error)
	UserNamed(name string) (ID, error) // by shown name: with the suffix, if it has one
	Room(ID) (Room, error)             // deleted rooms are not found
	RoomNamed(name string) (ID, error)
	Role(room, user ID) (Role, error) // RoleNone, nil for those who are not members
	// Message returns a message of a room; deleted ones as such. A message
	// hidden as the repeat of an earlier nonce is not found. For reader's view of
	// reactions; the zero reader has none.
	Message(room, id, reader ID) (Message, error)
	// Nonce returns the messages that user posted with this nonce, in order of ID:
	// those in the views, and those hidden as repeats of an earlier one within a day.
	Nonce(user ID, nonce string) (visible, hidden []MessageRef, err error)
	// RoomExists reports whether the room was ever made, deleted or not; Room
	// says not found for a deleted one.
	RoomExists(ID) (bool, error)
}

// MessageRef names a message and its room.
type MessageRef struct{ Room, Message ID }

// Secrets looks up what authentication needs and no client ever sees.
type Secrets interface {
	// Credentials returns the PHC password string of a user, and the version of
	// its last change: tokens issued before that are void (zero: never changed).
	Credentials(user ID) (phc string, changed ID, err error)
	TokenRevoked(token ID) (bool, error)
	// SignIns lists a user's tokens that were issued and neither revoked nor made void
	// by a new password, in order of ID. Of those that have expired some may be there still.
	SignIns(user ID) ([]SignIn, error)
	NodeKey(Origin) (public []byte, err error)
	InviteUsed(invite ID) (bool, error)
	HasAdmin() (bool, error)
	// Standing says what administration has said of an account.
	Standing(user ID) (Standing, error)
	// Admins counts the administrators that are not disabled.
	Admins() (int, error)
}

// Registry lists what only administration asks for.
type Registry interface {
	Account(user ID) (Account, error)
	// Users and Rooms list those that exist in order of ID, after one.
	Users(after ID, limit int) ([]ID, error)
	Rooms(after ID, limit int) ([]ID, error)
	RoomMade(room ID) (Time, error) // when
	// Bans lists all that were not lifted, ended ones too: users by ID, then networks.
	Bans() ([]Ban, error)
	// BanOf returns a ban of Bans by its User or Network.
	BanOf(subject Ban) (Ban, error)
	Invitation(ID) (Invitation, error)
	// Invitations lists the newest, newest first.
	Invitations(limit int) ([]Invitation, error)
}

// Tx is one batch: what it appends becomes durable and visible together, by Commit.
type Tx interface {
	Reader
	Secrets

	// Append adds a stamped event of any origin and derives its views. Data and
	// Payload must both be set (Payload nil for an unknown kind). An event that
	// the store already has changes nothing and returns applied false; one
	// ahead of its origin's position is ErrGap.
	//
	// effects tells what else became visible or invisible by it; the zero value mostly.
	Append(e *Event) (applied bool, effects Effects, err error)

	// Commit writes everything appended as one batch with one sync, then drops
	// what it made stale from caches. After an error nothing of it counts as
	// stored and the store refuses further batches until it is opened again.
	Commit() error
	// Discard ends the Tx without a trace. After Commit it does nothing.
	Discard()
}

// Snapshot is a store as it was at one moment, in pieces to send elsewhere.
// It belongs to one goroutine. The store may be written to meanwhile.
type Snapshot interface {
	Position() Position
	// Next returns the next piece, some 256 KiB, valid until the next call; io.EOF after the last.
	Next() ([]byte, error)
	Close() error
}

// Seed gathers the pieces of a Snapshot on disk, apart from the store.
type Seed interface {
	// Write adds the next piece. An error names a malformed piece, or is the disk's.
	Write(piece []byte) error
	// Install replaces all that is replicated, in one durable step: after a crash
	// all of it is there or nothing. Only the committer may call it, between two Tx.
	// It refuses, with ErrGap, a snapshot whose position does not cover the store's.
	Install() error
	// Discard forgets it. After Install it does nothing.
	Discard()
}

// Effects is what an event changed beyond its own subject.
type Effects struct {
	Hidden    []MessageRef // messages that left the views: later posts of one nonce
	Shown     []MessageRef // messages that came back to them
	Renamed   []ID         // other rooms and users whose shown name changed
	Amended   bool         // a post: not as its event says, for an edit, a deletion, a reaction or its nonce's first post came before it
	Contested string       // a name that the event claims and that another has too; else empty
}

// Conflict is a name that more than one user, or more than one room, claims.
type Conflict struct {
	Space string `json:"space"` // user or room
	Name  string `json:"name"`
	First ID     `json:"first"` // who has it
	Later []ID   `json:"later"` // who are shown with a suffix
}

// Range selects a page of messages. At most one of Before, After and Around is set; none is the newest.
type Range struct {
	Before ID
	After  ID
	Around ID
	Limit  int // 1 to 200
}

// Page is a page of messages, oldest first.
type Page struct {
	Items []Message `json:"items"`
	Prev  *ID       `json:"prev"` // pass as Before; nil at the beginning
	Next  *ID       `json:"next"` // pass as After; nil at the end
}

// NewestPage is the newest page of a room as Page is written in JSON.
type NewestPage struct {
	JSON []byte // the whole Page, as encoding/json writes it without escaping HTML; shared: not to be changed
	Prev *ID    // Page.Prev

	// Shared reports that the bytes are the same for every reader but those in
	// Except, who have reacted to a message of it and see so.
	Shared bool
	Except []ID // in order; nil if not Shared
}

// Pages answers lists. Each is a range scan from a seek: none counts or skips.
type Pages interface {
	History(room ID, r Range, reader ID) (Page, error)
	// Newest is History of the zero Range with a limit, in JSON, from what is kept
	// of the room's end: a new message is added to that and costs no page.
	Newest(room ID, limit int, reader ID) (NewestPage, error)
	// Reactors lists, in order, who has a reaction on messages of a room; ok is
	// false where there are more than can be listed.
	Reactors(room ID, messages []Message) (users []ID, ok bool, err error)
	Replies(room, parent ID, r Range, reader ID) (Page, error)
	// Last returns the newest visible message of a room, deleted ones included; zero if there is none.
	Last(room ID) (ID, error)
	// RoomOf returns the room of a message by its ID alone.
	RoomOf(message ID) (ID, error)
	// RoomsOf lists the rooms of a user in order of ID, after a room (zero: from the start).
	RoomsOf(user, after ID, limit int) ([]Membership, error)
	// PublicRooms lists public rooms by claimed name, then ID; next is the cursor, "" at the end.
	PublicRooms(after string, limit int) (rooms []Room, next string, err error)
	// Members lists the members of a room in order of ID.
	Members(room, after ID, limit int) ([]Member, error)
	// Unread counts at most UnreadLimit messages past the user's marker.
	Unread(room, user ID) (Unread, error)
	// Marker returns the newest message that the user has read; zero if there is none.
	Marker(room, user ID) (ID, error)
	// Conflicts lists names with more than one claim, at most limit of them.
	Conflicts(limit int) ([]Conflict, error)
}

// Membership is a room of a user and the role there.
type Membership struct {
	Room ID
	Role Role
}

// Log reads the log.
type Log interface {
	// Origin is this node's own, made with the store.
	Origin() Origin
	// Position is what has been committed. It moves before Commit returns.
	Position() Position
	// Events yields the events of one origin with after < seq <= through, in order. Entries
	// are valid until the next one. The sequence ends with an error if one is missing.
	Events(origin Origin, after, through uint64) func(yield func(LogEntry, error) bool)
}

// LogEntry is an event of the log whose content has not been read yet.
type LogEntry struct {
	Seq   uint64
	Stamp Stamp
	Kind  Kind
	Room  ID
	Load  func() (*Event, error) // reads the content, Payload included
	// AppendBinary appends the event's binary form, without decoding its content.
	AppendBinary func(dst []byte) ([]byte, error)
}
