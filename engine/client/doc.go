// Package client is the Go client of klatch's public protocol: the WebSocket at
// /api/v1/ws in JSON or CBOR, and the few REST calls that one needs to get there.
// It knows the wire and nothing of the server.
//
// # Guarantees
//
//   - A client that Dial has returned stays connected: after every end of its
//     connection but the close codes 4001, 4002 and 4009 it comes back, with
//     exponential backoff and full jitter, and with its last cursor.
//   - Events are delivered in order, on one goroutine, at least once. After a
//     reconnect those since the last checkpoint come again: an event tells the
//     state of its subject (a message's id and content, a reaction and its count),
//     so applying it twice is applying it once. There is no deduplication here: a
//     window of ids would cost each connection memory and still end somewhere.
//   - Where the server cannot resume, the event "reset" comes, also when the
//     connection broke before the server's word of it arrived.
//   - A post without an ack is sent again after a reconnect, with its nonce, so
//     that there is one message. Other calls fail with ErrDisconnected when the
//     connection ends before their answer; what was not yet sent waits.
//   - A silent server is found out within the heartbeat's interval and timeout.
//
// # Cost
//
// A connected client is one goroutine, one timer and Config.ReadBuffer bytes, so
// that a load generator can hold thousands. Events are decoded only when asked.
package client
