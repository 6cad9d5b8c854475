package nemesis

import (
	"sync"
	"time"
)

// History is all that happened in a run, as the clients and the nemesis saw it.
// Times count from its start, on one clock that no fault touches.
type History struct {
	Concern    string // the nodes' write concern
	Users      []string
	Ops        []*Op
	Sessions   []*Session
	Faults     []Struck
	Unhealed   []string // what was not right again at the end, when nothing had failed for long
	Unanswered []string // nodes that would not say what they hold
	Ejected    []string // sessions that a node ended for ever, and requests that it called unauthorized
}

// Kind is what an operation does.
type Kind string

// The operations. All but the last two write.
const (
	Post   Kind = "post"
	Edit   Kind = "edit"
	Delete Kind = "delete"
	React  Kind = "react"
	Join   Kind = "join"
	Leave  Kind = "leave"
	Mark   Kind = "mark read"
	Read   Kind = "read" // of what the client wrote last
	Look   Kind = "look" // at a page, or at who is online
)

// Outcome is what a client knows of its operation.
type Outcome string

// The outcomes. Unknown: there was no answer, or none that says whether it was done.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Unknown Outcome = "unknown"
)

// Op is one operation of a client. Repeats of a post with the same nonce are one Op.
type Op struct {
	Client   int
	Seq      int // counts the operations of the client
	Kind     Kind
	Node     int // -1: through the session
	Attempts int
	Start    time.Duration
	End      time.Duration
	Outcome  Outcome
	Why      string // code of a refusal, or what went wrong

	Room    string
	Message string // id: of what is edited ...; of a post, as it was acknowledged
	Nonce   string
	Value   string // what is written: a body, gone, on or off, an id
	Emoji   string
	Level   string // the durability that the answer named

	// Base is the Seq of the client's earliest write that the position shown with
	// the operation covers; beyond Seq when none was shown.
	Base int
	// Above is an id that a post has to sort after: the newest of its room that the
	// node must have known the client to have seen.
	Above string
	// Beyond is the newest that it has seen of the room, in whatever way.
	Beyond string
	// Of is the write that a read looks for, Saw what it found.
	Of  *Op
	Saw string
}

// Values of registers that are no text of their own.
const (
	gone    = "(gone)"    // a deleted message
	missing = "(missing)" // not found
	on      = "on"        // a reaction, a membership
	off     = "off"
)

// covers reports whether the position shown with an operation includes a write of the same client.
func (o *Op) covers(w *Op) bool { return o.Base <= w.Seq && w.Seq < o.Seq }

// writes reports whether the operation changes something.
func (o *Op) writes() bool { return o.Kind != Read && o.Kind != Look }

// Session is what one client was told over all its connections.
type Session struct {
	Client int
	Rooms  []string // that its user is in from before the start to after the end
	Told   []Told
	Closed time.Duration // when the client left for good
}

// Told is one event that a session was told. Body is a hash, and there are few
// different rooms: a history holds millions of these.
type Told struct {
	At    time.Duration
	Conn  int32 // counts the connections
	Count int32 // of a reaction
	Type  string
	Room  string
	ID    string
	Emoji string
	Body  uint64
	Flag  bool // ready: resumed; message: deleted; message_deleted: as a repeat of a nonce
}

// Struck is a fault that was done.
type Struck struct {
	Fault     Fault
	Start     time.Duration
	Healed    time.Duration
	Converged time.Duration // when each node showed what all others had written last
	Failed    string        // why it did not converge, or could not be done
}

// recorder makes a History.
type recorder struct {
	began time.Time

	mu sync.Mutex
	h  History
}

func newRecorder() *recorder { return &recorder{began: time.Now()} }

func (r *recorder) now() time.Duration { return time.Since(r.began) }

// end adds an operation that has ended. It must not be changed any more.
func (r *recorder) end(o *Op) {
	o.End = r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Ops = append(r.h.Ops, o)
}

func (r *recorder) struck(s Struck) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Faults = append(r.h.Faults, s)
}

func (r *recorder) ejected(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Ejected = append(r.h.Ejected, why)
}
