// Package realtime is klatch's own WebSocket protocol, version 1, in JSON and
// in CBOR. The protocol itself stands in protocol.go, for readers of other
// languages in docs/asyncapi.yaml, which a test holds against this package.
//
// # The way of a frame
//
// The socket calls Message for each frame of a connection in turn. The frame is
// decoded by the connection's wire, counted against the user's rate, and run by
// its command, which answers with one ack or one error. A post is handed to the
// engine and answered by the committer, so that many posts of one connection
// ride in one sync; every other write waits for its own. What a session is told
// comes the other way: the engine encodes a notice once per wire and queues the
// bytes on the connections, this package takes no part in it.
//
// # Guarantees
//
//   - Nothing is read or changed before a token has been proved (I9). The
//     session cookie counts only where CheckOrigin says that the page is ours.
//   - Acks of posts leave in the order of the posts. An error may overtake them.
//   - Bad input is answered by an error frame, stores nothing and keeps the
//     connection; only what breaks the order of the protocol ends it.
//   - A connection costs the node bounded memory: one frame being read, postsAtOnce
//     posts on their way, the socket's outbox (I6).
//   - A cursor is told at least every CheckpointEvery, to silent and to busy clients.
//
// # Not guaranteed
//
// Fields that a frame's type does not have are ignored, so that older servers
// take newer clients; but a field of the protocol must have its type wherever
// it stands. JSON names match in either case, and of a name given twice the last
// counts, as encoding/json has it; CBOR is exact and refuses both.
//
// # The alternative that lost
//
// To catch up within Message would need no goroutine, but a connection that is
// not read sees no pong and no close: a long replay would be taken for a dead
// peer. So a hello has a goroutine until its session is live, and no longer.
package realtime
