// Package socket is one WebSocket connection, many times: accepting it,
// reading it, writing to it without ever waiting for it, and ending it. What
// the messages mean is the business of the protocol packages on top. The
// protocol is RFC 6455; github.com/lxzan/gws reads it.
//
// # Guarantees
//
//   - Send never blocks, whatever the peer does. Frames leave whole and in order.
//   - What waits for a connection is bounded in bytes. Past the bound the
//     connection is evicted with close code 4008, and no other notices
//     (invariant I6). The same happens when a write makes no progress for
//     Config.WriteTimeout. Pings cost a peer that does not read one pending pong.
//   - The bytes of a frame are shared by all who receive it and never changed.
//   - Handler.Message is called for one message after the other;
//     Handler.Closed exactly once, after the last of them, however the
//     connection ended, and the descriptor is closed then.
//   - A close is bounded by Config.CloseTimeout, give or take the wheel's tick,
//     unless a handler is still at work.
//   - A peer that gives no sign of life is cut off after interval and timeout.
//     Only a complete frame is a sign of life: bytes that drip are none.
//   - A handler's panic ends its connection, with code 1011, and no other.
//
// # Not guaranteed
//
//   - That a frame arrives: Send tells nobody. A protocol that cares
//     acknowledges, or resumes from a cursor.
//   - That frames accepted before an eviction leave. They are dropped with it.
//   - A bound on what the kernel holds for a socket.
//   - That a stalled client always sees code 4008. It is told where it takes the
//     close frame in time; otherwise its connection is reset.
//   - Compression: permessage-deflate is not negotiated.
//
// # The way of the data
//
// In: net/http takes the request, Accept checks and hijacks it, gws answers.
// One goroutine a connection runs gws's ReadLoop on a net.Conn of ours (type
// stream), which waits for the descriptor without holding a buffer, fills a
// pooled one when bytes are there, and follows the frames just far enough to
// know where they end. gws checks and unmasks them and calls events, which
// calls the Handler.
//
// Out: Send puts the frame on the connection's outbox. If nothing waited
// there, the connection goes on the list of its flusher, one of as many as
// there are processors. The flusher takes connections in turn and writes what
// has gathered by then with one non-blocking write: an idle room's message
// leaves at once, a busy room's ride together. When the socket takes no more, a
// goroutine waits for it to, and the connection goes back on the list. TLS
// connections and pipes cannot be written to without blocking: for them the
// flusher starts a goroutine that lasts while something waits.
//
// gws writes nothing to the descriptor. It answers pings through events, which
// is ours, and the close frame that it writes of itself ends at stream.Write,
// from where the code is taken and the frame sent through the outbox.
//
// Time: one wheel looks at a connection when its silence may have lasted too
// long, or its close. A frame read stores the wheel's tick and nothing else.
//
// # Alternatives that lost
//
// Writing from Send, without blocking, needs no goroutine at all, but then no
// two frames ever share a write: a stream to 1,000 connections on two
// processors, shared with its readers, made 62,000 frames a second that way and
// 0.7 to 1.1 million with flushers. A goroutine for each burst came to 0.68 to 0.76
// million, and a room of 100,000 would start 100,000 at once. One iovec a frame
// instead of copying small frames together was within the noise from 2 to 16
// frames, and a write from one buffer is the same code for TLS.
//
// gws's own WriteAsync has no bound, and its WriteClose holds a mutex across
// the write, so that it hangs on the very client it should evict.
//
// # The next reader
//
// Server.start is where a poller takes the place of the goroutine: stream.fill
// waits for bytes in one place, and where boundary.atFrame holds gws has nothing
// in hand, so that ReadLoop can be left there and started again.
package socket
