package nemesis

import "time"

// Answers are what the nodes say when all faults are healed and all is quiet.
type Answers struct {
	Nodes []NodeAnswers

	// Presence, looked at until it was right or a bound had passed: with all
	// sessions open, with the second ones of some users, and after all had been closed.
	Present []Seen
	Gone    []Seen
}

// NodeAnswers are what one node says.
type NodeAnswers struct {
	Node  int
	Rooms map[string][]Message // by id of the room, in the order of its pages
	// Documents are other answers as they came, by path and who asked; what is too
	// large to keep is a hash.
	Documents map[string]string
	// Members and Marks are registers that documents hold: room/user -> on,
	// room/user -> id.
	Members map[string]string
	Marks   map[string]string
}

// Message is a message as a node shows it.
type Message struct {
	ID        string
	User      string
	Nonce     string
	Body      string
	Deleted   bool
	Reactions map[string]int
	Raw       uint64 // hash of its bytes
}

// value is the register that a message's body is.
func (m *Message) value() string {
	if m.Deleted {
		return gone
	}
	return m.Body
}

// Seen is who is online as a node shows it, and who ought to be.
type Seen struct {
	Node   int
	Room   string
	Online []string
	Want   []string
	After  time.Duration // since the sessions opened or ended
}
