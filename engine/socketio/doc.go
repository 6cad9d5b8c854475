// Package socketio is a Socket.IO server: version 5 of the protocol, as clients
// from 3.x to 4.x speak it, and with AllowEIO3 version 4, for clients of 2.x. It
// knows nothing of chats; a Go program may use it as it would use the
// JavaScript server:
//
//	srv, err := socketio.New(socketio.Config{})
//	...
//	srv.OnConnection(func(s *socketio.Socket) {
//		s.On("message", func(e *socketio.Event) {
//			var room, body string
//			if err := e.Bind(&room, &body); err != nil {
//				return
//			}
//			s.To(room).Emit("message", body)
//			e.Ack("sent")
//		})
//	})
//	mux.Handle("/socket.io/", srv)
//
// The protocol is on one page, packet.go. Its source is
// https://socket.io/docs/v4/socket-io-protocol/, and where that is silent the
// reference server, socket.io 4.8.
//
// # Guarantees
//
//   - Emit and Broadcast never block. An event is encoded once, however many
//     receive it, and its frames are shared; a client that does not read is cut
//     off as "too slow" and no other notices (invariant I6).
//   - A client gets what was emitted to its socket in that order, after the answer
//     to its CONNECT. An attachment follows its packet with nothing in between.
//   - The listeners of a connection run one after the other, in the order of its
//     events, and may wait, for acknowledgements of the same client too.
//     OnDisconnect's come last, once. All have returned when Server.Close has,
//     unless its ctx ended first.
//   - A socket that a middleware refuses was never in its namespace: nothing is
//     sent to it, and nothing of it is heard (invariant I9).
//   - A packet that is none ends the connection with "parse error"; one that does
//     not fit the connection's state, such as an event for a namespace that was
//     not joined, with "forced server close". An acknowledgement that nobody waits
//     for is ignored.
//   - A listener's panic ends its connection and no other.
//   - Everything that a client can make grow is bounded: the bytes of a packet with
//     its attachments, their number, nesting, namespaces, rooms and
//     acknowledgements of a socket (Config), 256 events or MaxPayload bytes that
//     wait for listeners. Where these stay full for ListenTimeout the connection
//     ends with "server too slow"; until then its client has to wait.
//   - A connection that is in no namespace for ConnectTimeout ends.
//
// # Not guaranteed
//
//   - That an event arrives, unless it is acknowledged. Nothing is stored:
//     connection state recovery is for the protocols above, by Namespace.Raw.
//   - That a listener that never returns can be ended. It holds its connection.
//   - Broadcasts to other processes.
//   - What a client of 2.x sees of an id's secrecy: its socket.id is the session's.
//
// # The way of the data
//
// engineio gives a connection its messages, one after the other. The decoder
// makes packets of them, and connection finds the socket by the namespace. Its
// Receiver takes the packet on the same goroutine. That is all there is for a
// raw namespace: nothing is copied, and the Receiver says what frames to send.
//
// For the others the receiver is listeners. It copies the event and puts it into
// the connection's mailbox, which has a goroutine only while there is something to
// do. Middleware and OnConnection go the same way. Acknowledgements do not: they
// are handed over where they are read, so that a listener can wait for one.
//
// Out: arguments are encoded as encoding/json would, but for []byte, which
// becomes a placeholder and an attachment. The packet becomes WebSocket frames,
// text and attachments in one slice, and engineio sends that slice as it is or
// takes it apart for a poll.
//
// A socket ends once, whoever is first to end it: the client, the program, the
// connection. If its Receiver is at work then, Closed is called when it is done.
//
// # Different from the reference
//
//   - An event that arrives after the server has disconnected its socket is
//     dropped, where the reference ends the whole connection.
//   - EVENT needs a payload and ACK an id and a payload, as the protocol says; the
//     reference takes them without.
//   - The connect timeout counts again when the last namespace was left.
//   - A client that polls gets the close packet with a poll of its own: it acts on
//     one before a DISCONNECT in the same answer, and would come back.
//   - Leave does not take a socket out of the room of its own id.
//   - There are no volatile events, dynamic namespaces, acknowledgements of
//     broadcasts and listeners for outgoing events.
//
// # Alternatives that lost
//
// Listeners on the reading goroutine need no copy and no mailbox, but one that
// waits for its client's acknowledgement would wait for itself, and one that
// waits for a database would keep pongs from being read. A goroutine for each event
// loses their order. A mailbox for each socket costs more than it gives: clients
// with several namespaces are few.
//
// Binary data as base64 in the JSON, as encoding/json has it, would be simpler; but
// clients in JavaScript expect attachments, and these are a quarter smaller.
package socketio
