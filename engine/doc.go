// Package engine is the chat itself: users, rooms, messages, sessions, and the
// one way that a message takes through a node.
//
// # The way of a message
//
// A protocol package (realtime, api) decodes a request and calls a method here.
// The method checks rights and shape, then hands a write to the committer: one
// goroutine, the single writer of the node. The committer takes all writes
// that wait, lets each look at the state it will change, stamps its events with
// the next seq and time, and gives them to the Store as one batch with one
// sync (group commit). When the batch is durable, and not before, the peers are
// given this node's events, and the hub publishes all of them in commit order:
// each notice is encoded once per wire format and the bytes go to the queue of
// every session concerned. The writers get their answers last, so that an ack
// leaves together with its own echo; with peers, when the write concern holds for
// the batch, with the level that was reached (Receipt). An event from another node
// enters at the committer as its origin stamped it and takes the same way (apply.go).
//
// A node that catches up with nobody connected does not make notices; one that is
// given a snapshot begins anew between two batches, and its sessions resume.
//
// # Other nodes
//
// Peers is all that the engine knows of a cluster; without one it is alone. What a
// node has not seen may be on its way, so a token's key, its user and a cursor's events
// are waited for, within WaitLimit, while the peers expect them (caughtup.go). Each node
// speaks for the presence of its own sessions; a user is as present as the most
// present of them anywhere (presence.go, elsewhere.go, census.go).
//
// # Administration
//
// Administrators and the operator manage accounts, rooms, invites and bans by events like
// all else (administration.go and those that call it). Whether an account is disabled or
// deleted is asked of the store with every token; bans are kept in memory, in line with
// the events before the hub publishes them, so that who is barred is refused on every
// node from the moment it has the event, and what is live ends with CloseReplaced.
//
// # Guarantees
//
//   - I1: an answered write has been synced, here and wherever its receipt says; an
//     error leaves its fate open. I2: a node's log is contiguous per origin and
//     holds an event once. I4: what was written after seeing an event sorts after
//     it (hybrid clock). I7: a nonce repeated within a day by one user yields the
//     first message.
//   - I5: a session that connects with a cursor of any node gets everything of its rooms
//     since then, at least once, with no gap before what is live; or Reset. What it
//     had and this node lacks comes again when it arrives, with the same ids.
//   - I8: WaitFor holds a request back until the node has applied a position.
//   - I6: nothing here waits for a session's reader. Queues are bounded in bytes:
//     the committer's (past it: ErrUnavailable), a connection's (Conn), the hub's
//     ring of recent events. A peer's user costs one entry of a map.
//
// # Not guaranteed
//
// The order of two writes that nobody saw in between. What was told in a room while
// the news that one had joined it, on another node, had not come: its history has
// it. Delivery of typing, presence and signals, which are never stored. That an
// unanswered write did not happen: repeat it with its nonce.
//
// # The alternative that lost
//
// A lock per room lets rooms commit in parallel, but a sync costs a thousand
// times what a write's own work costs; one writer that fills each sync with all
// that waits is faster, and its order needs no proof.
//
// # Locks
//
// hub.mu comes before any Conn's own lock and bans.mu; committer.mu, presence.mu and
// crossings.mu are never held with another. No lock is held across a disk read, a
// sync or a socket.
package engine
