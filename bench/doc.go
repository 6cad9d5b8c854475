// Package bench puts a chat server under load through its public protocol and
// measures what its users would feel.
//
// Load is open loop: messages have an intended time, fixed by the rate alone,
// and latency counts from that time. A server that stalls is charged for every
// message that it made wait (no coordinated omission; Tene, "How NOT to Measure
// Latency", 2013). Latencies go into an HdrHistogram with three significant digits.
//
// Every delivery is checked: each message carries its sender and number, so that
// a receiver knows of each sender which number must come next (lost, doubled)
// and, by message id, whether its room's order held.
//
// Every page of Pages is checked too: before a request leaves, the generator
// notes the newest message of the room that was acknowledged to anybody, and a
// page without it or one newer is stale. Its requests have an intended time as
// posts do, and wait for one of a bounded number of kept-alive connections:
// that wait is the server's too, for connections are free while it keeps up.
//
// The generator is a separate process from the server and sees only the wire.
// When it falls behind its own schedule it says so (Result.Late): such a run
// measures the generator.
package bench
