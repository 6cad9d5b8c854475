// Package engineio is a server of Engine.IO, version 4 of its protocol and,
// where it is allowed, version 3: sessions of messages over WebSocket or HTTP
// long-polling, which change from the latter to the former while they run. The
// protocol is https://socket.io/docs/v4/engine-io-protocol/. What the messages
// mean is the business of the packages on top.
//
// # Guarantees
//
//   - Send never blocks, whatever the client does. What is sent arrives in order,
//     each frame once or, with the session's end, not at all; also across an upgrade.
//   - What waits for a session is bounded in bytes. Past the bound the session ends
//     with ReasonTooSlow, and no other notices (invariant I6).
//   - Handler.Message is called for one message after the other, whatever
//     transports they come by; Handler.Closed exactly once, after the last of
//     them and after the last Beat. A POST is answered when its messages have been
//     handed over.
//   - A session that polls and gives no sign of life ends within interval and
//     timeout, whether it ever polled or not. Config.MaxSessions bounds how many there
//     are, Config.MaxPayload what each sends at once, and a body that drips is cut
//     off after the timeout.
//   - A sid is 120 random bits. Who does not know one can do nothing to its session;
//     one that has ended is as unknown as one that never was.
//   - A session on a WebSocket holds no goroutine, no timer and no buffer while
//     nothing comes (package socket).
//   - A handler's panic ends its session and no other.
//
// # Not guaranteed
//
//   - That a message arrives: Send tells nobody. The answer to a poll that its
//     client never reads is lost, as is what waits when a session ends otherwise than
//     by Close or End.
//   - That a client hears of the end. If it polls it is told with its next poll,
//     within Config.CloseTimeout, or finds that its sid is unknown.
//   - JSONP, WebTransport, cookies of a load balancer and the compression of
//     answers to polls. permessage-deflate is the sockets' business; frames that are
//     sent must be plain.
//
// # The way of the data
//
// In: ServeHTTP finds the session by its sid, or has Config.Forward find the
// node that the sid names. A GET without a sid makes one. servePost reads a POST
// whole, and decodePayload hands its packets to Session.receive one by one. A
// WebSocket's messages come from package socket, by way of link, to the same
// place. Session.turn makes one line of them.
//
// Out: a frame is one or several complete WebSocket frames, encoded once and
// shared by all who receive it. On a WebSocket it goes to the outbox as it is.
// Else it waits in the session's queue, and the poll that waits, if there is one,
// takes everything that is there when its goroutine runs: frames are taken apart
// and written as a payload only then. To a client of version 3 frames with binary
// messages are written anew, because there a type stands in front of them.
//
// Upgrade: a WebSocket with the sid of a session that polls is a probe, and
// nothing more until it says "5". It says "2probe" first, which is answered with
// "3probe", and lets the waiting poll go with a noop, so that the client can end
// its polling. At the "5", in one step under the session's lock, a poll that still
// waits gets a noop, the queue goes to the WebSocket as one frame, and Send finds
// the WebSocket from then on. A probe that does not get there in time is closed,
// and the session goes on polling.
//
// Time: clients of version 4 are pinged once an interval, and end themselves
// without it. On a WebSocket socket.Conn.PingWith has the wheel do that; a session
// that polls has a timer. Any packet is a sign of life.
//
// End: Session.endLocked makes the sid unknown, answers the waiting poll and
// closes the WebSocket. Session.finish tells the handler: called by the socket's
// end where there is one, else in a goroutine of its own, because who ends a
// session may be its handler.
//
// # Alternatives that lost
//
// A queue of messages instead of frames would make encoding a payload simpler
// and every delivery to a WebSocket, the common case, an encoding of its own.
//
// Handing the queue to a poll at the first Send would save the flag woken, and
// cost a busy session a request for nearly every message.
//
// Pings from a timer for every session would not need the sockets' intervals to
// be the protocol's, and cost each idle WebSocket a timer and a goroutine's start
// every interval.
package engineio
