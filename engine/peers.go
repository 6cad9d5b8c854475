package engine

// Peers is the cluster, as the engine of one node needs it. Package cluster is
// the one on memberlist; a node alone has none.
//
// No method blocks: the committer and the hub call them.
type Peers interface {
	// Published tells of each batch that is durable here, and before anybody sees
	// it: events are this node's own of it, in order of seq, perhaps none. They are
	// immutable and may be kept.
	Published(events []*Event)
	// Await calls done once: when the write concern holds for all events of this
	// node up to seq, with the level reached, or when it is certain that it will not
	// hold in time. An error leaves the write stored and its fate open. done may
	// be called at once, or later by any goroutine; it does not block. Await is
	// called by the committer, in order of seq.
	Await(seq uint64, done func(Durability, error))
	// Accepting returns nil, or why no write can reach its write concern now
	// (matched by ErrUnavailable): then none is begun.
	Accepting() error
	// Present tells the peers how users of this node are seen now; Offline is
	// for those whose last session here has gone.
	Present(changes []Presence)
	// Relay passes a *TypingNotice or *SignalNotice to the sessions of all peers.
	// Past a bound in bytes a second it is dropped.
	Relay(notice any)
	// Expects reports whether events of an origin may still come: it is a member
	// that is alive, or one of those knows more of it than this node has.
	Expects(Origin) bool
	// Ready reports whether the node has caught up with what its peers had when it met them.
	Ready() bool
}

// Durability names where a write is on stable storage when it is acknowledged.
type Durability string

// The levels, each implying those before it.
const (
	DurableLocal    Durability = "local"    // this node
	DurableOne      Durability = "one"      // and at least one peer
	DurableMajority Durability = "majority" // more than half of all members
)

// Receipt says what a write has come to: where it stands in the log, so that
// others can wait for it, and how durable it is.
type Receipt struct {
	Position
	Durability Durability
}

// Presence is how one user is seen on one node.
type Presence struct {
	User   ID
	Status Status
}
