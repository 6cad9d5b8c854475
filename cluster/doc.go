// Package cluster makes one node of a few, or of several dozen, that all hold
// the same events: engine.Peers on hashicorp/memberlist. No node is special and
// there is no leader. Two nodes are a cluster.
//
// # What it guarantees
//
//   - Every event of every node reaches every node that is reachable, directly or
//     through others, whatever was cut in between, and is applied there once (I2, I3).
//   - With write concern one an answer named "one" means: synced here and applied,
//     synced, by a peer; "majority": by more than half of all members, this node
//     included (I1). When no peer is linked, one becomes local, and the answer
//     says so; majority is refused.
//   - A slow, stopped or hostile peer costs the node bounded memory and never
//     its speed (I6).
//   - Nothing of a stranger's bytes is parsed before he has proved the cluster
//     key, but the TLS handshake and one packet's decryption (I9).
//   - Users of a node that died are not shown as present; after a heal all nodes agree within seconds.
//
// # What it does not
//
//   - Agreement. Each node takes writes for itself at all times, and events meet
//     afterwards; who has lost a name or a race is decided by the events alone.
//   - An answer named "local" may be lost with the disk of its node; until that
//     node returns others do not see it.
//   - Typing, presence and signals may be dropped: they are bounded in bytes a second.
//   - Anything against who has the key: members trust each other.
//   - Links across one-way firewalls: each node must reach the cluster port of every other.
//
// # The way of the data
//
// One port, TCP and UDP. memberlist gossips over UDP packets, encrypted with a
// key derived from the cluster key, and finds members, suspects and the dead
// (members.go, transport.go). All TCP is TLS 1.3 with throw-away certificates;
// each side then proves the cluster key by an HMAC over the TLS session's own
// exporter (RFC 9266), which nobody in the middle and no replay can have
// (handshake.go). Its ALPN says whether memberlist, a link or a tunnel wants it.
//
// A link joins each pair of nodes; the node with the lower origin dials. It
// carries WebSocket binary frames (protocol.go). Both sides say hello with
// their positions. The receiver decides what it is sent: the replicator of each
// node wants each origin from one link, the origin's own where there is one, else
// from a peer that knows most of it (replicator.go). The sender streams
// what is wanted, from its tail of recent events in memory or, behind that, from
// the log (sender.go); no link has a queue of events. At most a window of bytes
// is on its way; the receiver's position opens it again, and is the ack that write
// concerns wait for (concern.go). Events that come go through engine.ApplyAsync, the node's
// one way in. A node far behind asks one peer for a snapshot first (seeding.go).
//
//	commit -> Published -> tail -> sender -> link ~~~ link -> ApplyAsync -> commit
//	ack    <- Await     <- concern <- position ~~~ position <- done
//
// Positions go out with what they acknowledge, and every second. So a gap heals
// without a reconnect: an origin that makes no progress is wanted again, from
// another peer if one knows more.
//
// Presence is each node's word about its own sessions: all of it after a link
// begins, then changes once a second (presence.go).
//
// Tunnels are byte streams beside all this, for what is neither event nor presence: a
// request whose owner is another node (Dial, Listener; tunnels.go). They are a bounded
// number each way, no goroutine of the cluster serves one, and those that were dialled end
// when gossip holds the peer for dead: whoever waits on one need not wait for TCP to notice.
//
// # What lost
//
// Events over memberlist: its reliable send dials a connection a message and its
// packets hold 1,400 bytes. Each node pushing what it thinks that others lack: with
// three nodes everything forwarded comes twice; a receiver that says what it wants
// gets it once. A queue of events for each link: memory for each slow peer, and
// an overflow that needs the log anyway; a position in the log is a queue
// that never fills. Tunnels as streams of the one link: a flow control of our own,
// and a large answer before an event. Consensus (Raft): two nodes could not survive one, and a cut
// would stop one side's community for what merges without it.
package cluster
