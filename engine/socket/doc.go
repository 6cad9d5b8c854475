// Package socket is one WebSocket connection, many times: accepting it,
// reading it, writing to it without ever waiting for it, and ending it. What
// the messages mean is the business of the protocol packages on top. The
// protocol is RFC 6455, and RFC 7692 where it is configured;
// github.com/lxzan/gws reads it.
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
//   - A message that has begun, in one frame or in many, is over within
//     Config.FrameTimeout, give or take the wheel's tick, or its connection is
//     cut off. What comes in between, pings included, puts that off no further.
//   - No message is larger than Config.ReadLimit, neither as it comes nor inflated.
//   - A handler's panic ends its connection, with code 1011, and no other.
//   - On Linux a TCP or Unix connection that is silent between two frames holds
//     no goroutine, no read buffer and no timer: it is parked.
//   - A connection that always has more to read lets the others have their turn
//     after 16 KiB.
//
// # Not guaranteed
//
//   - That a frame arrives: Send tells nobody. A protocol that cares
//     acknowledges, or resumes from a cursor.
//   - That frames accepted before an eviction leave. They are dropped with it.
//   - A bound on what the kernel holds for a socket.
//   - That a stalled client always sees code 4008. It is told where it takes the
//     close frame in time; otherwise its connection is reset.
//   - That a TLS record which drips between two messages is cut off sooner than
//     by the heartbeat: only its content is seen here.
//   - That compression hides what is compressed. The size of a frame tells something
//     of it to who reads the line and also writes part of the frame (CRIME). No two
//     messages ever share a window, but those of a page of history share a frame.
//   - Parking elsewhere: TLS, pipes, other systems, a kernel that watches no more
//     descriptors, and a connection inside a frame have a goroutine each.
//
// # The way of the data
//
// In: net/http takes the request, Accept checks and hijacks it, gws answers.
// A goroutine runs gws's ReadLoop on a net.Conn of ours (type stream), which
// fills a pooled buffer when bytes are there and follows the frames just far
// enough to know where they end. gws checks and unmasks them and calls events,
// which calls the Handler.
//
// When the socket is empty gws holds nothing either. At a frame's end a panic of
// ours then leaves ReadLoop, the descriptor is armed in the Server's epoll set,
// for one report, Conn.parked is set, and the goroutine takes another connection.
// Whoever turns parked off has a reader start ReadLoop again: the poller when
// epoll reports the descriptor, or Conn.abort, because a closed descriptor
// leaves the set unseen. Inside a frame the goroutine waits. The set knows a
// connection by a number that is never used again, so that a reused descriptor
// cannot be taken for the one before it.
//
// Out: Send puts the frame on the connection's outbox. If nothing waited
// there, the connection goes on the list of its flusher, one of as many as
// there are processors. The flusher takes connections in turn and writes what
// has gathered by then with one non-blocking write: an idle room's message
// leaves at once, a busy room's ride together. A flusher that is busy rests
// between its passes, 20 ms at most, so that more can ride. When the socket takes
// no more, a goroutine waits for it to, and the connection goes back on the list.
// TLS connections and pipes cannot be written to without blocking: for them the
// flusher starts a goroutine that lasts while something waits.
//
// gws writes nothing to the descriptor. It answers pings through events, which
// is ours, and the close frame that it writes of itself ends at stream.Write,
// from where the code is taken and the frame sent through the outbox.
//
// Time: one wheel looks at a connection when its silence may have lasted too
// long, or its close, or a message. For a protocol that has pings of its own it
// sends those, once an interval (Conn.PingWith), and no WebSocket pings. A frame read stores the wheel's tick and
// nothing else; only where the rest of a message has to be waited for is the
// wheel told by when. That serves connections parked between two fragments and
// those that a goroutine waits for alike, where a read deadline on the
// descriptor serves the latter only.
//
// # Compression
//
// With Config.Compression, permessage-deflate is negotiated with the clients
// that offer it, without context takeover in either direction: neither side
// keeps a window, so an idle connection costs nothing more, and a message
// compressed once is the same bytes for all. A sender makes it with
// DeflatedTextFrame and shares it as any frame. Where the engine's hub encodes
// notices under its lock, the deflate is done there too: once for a message and
// format, never for a receiver. An offer is judged here, because gws takes every
// one, and answered by gws; what cannot be accepted (server_max_window_bits, which
// would need a window of its own) leaves the connection without compression.
//
// gws inflates, with at most eight inflaters of about 370 KiB for each
// subprotocol, made when its first connection comes. Once it does that it looks
// at reserved bits no more, so boundary does; and it closes with 1011 what did not
// inflate, where we say 1009 to what is past the limit and 1007 to the rest.
//
// Of the compressors measured, klauspost's stateless one made frames a tenth larger
// than its level 1 at 400 bytes and 1 % larger from 1 KB up, in about the same
// time: some 30 µs for 1 KB, 0.1 ms for a page of 14 KB. It needs 30 KB while it
// works and holds nothing between two messages, where the others hold 0.8 to 1.2 MB
// each. BenchmarkDeflate is what it costs here.
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
// A goroutine for each connection is what is used where nothing can be parked.
// The slope from 1,000 to 8,000 idle connections was 6.7 KB of heap and stack
// and 7.7 KB resident with it, 2.1 and 3.1 KB parked (BenchmarkIdle, with
// -unparked and without). A poller that blocks in epoll_wait, woken by an
// eventfd, takes a thread and keeps a processor until the runtime notices; ours
// waits for the set in the runtime's poller, and closing the set wakes it.
// runtime.Gosched alone does not give others their turn: the runtime looks for
// arrivals when a processor is idle or after 10 ms, so a busy reader asks epoll.
//
// gws's own WriteAsync has no bound, and its WriteClose holds a mutex across
// the write, so that it hangs on the very client it should evict.
package socket
