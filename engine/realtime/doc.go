// Package realtime is klatch's own protocol, version 1, over WebSocket in JSON
// and in CBOR, and over Socket.IO. The protocol itself stands in protocol.go, for
// readers of other languages in docs/asyncapi.yaml, which a test holds against
// this package.
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
// A client of Socket.IO is a caller: package socketio calls Packet for each event,
// which is decoded into the same frame and run by the same commands. What differs
// is the link: how answers look, and what an end is. Notices are encoded once for
// all callers, whatever their transport.
//
// # Connection state recovery
//
// Libraries of Socket.IO keep two strings and bring them back with CONNECT: the
// pid of the answer to their first one, and as offset the last argument of the
// last event, if that is a string. Our offset is a cursor, and so every event of
// the log carries the cursor after it (engine.StampedWire says why that may be).
// Our pid is a token, signed by the node, that says whose session it was, and
// holds on every node. If it is the user's own and the offset can be served,
// CONNECT is answered with the same pid, from which the library concludes that it
// has recovered, and the session goes on from there; else with a new one, and
// where there was an offset a reset follows ready. Where recovery was promised
// and fails after all, because too much happened while the session waited for its
// turn, reset follows too.
//
// The offset has no signature of its own, nor has any cursor. It is a position
// that the node checks, and gives no right: what a session is told is decided by
// its token. Who makes one up can only have himself told too much or too little.
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
//   - A client of Socket.IO that need not come back is disconnected (the token was
//     revoked or has expired); of all else only its transport ends, and it returns.
//   - An event over Socket.IO may be as large as a frame over WebSocket, though a
//     packet may be larger: a signal of a megabyte would push others out of the room.
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
