// Package api is klatch over HTTP: the REST calls under /api/v1, the health
// checks, the web client's files, and the door to the real-time handlers, on
// net/http and its ServeMux alone.
//
// # The way of a request
//
// The server finds out who sends it (trusted proxies), gives it an id, and
// recovers, logs and counts around it. A path of the route table then goes
// through one gate, in this order: is it cross-site, does its address ask too
// often (sign-in), whose token is it, has this node seen what the client has
// (I8), does its user ask too often. Only then the route's function runs. For
// what writes it reads the request, calls one method of the engine, and returns a
// reply or an error. For what reads it settles the caller's right and returns a
// view: what is to be shown, under which key, and how to read it. Nothing
// but the server writes to the connection.
//
// The route table is the only list of calls: the mux and the OpenAPI document
// at /api/v1/openapi.json are both made from it. Those for administrators ask for
// that role at the gate, and stand a second time at a door of their own, by which
// the node's operator comes with no account (operator.go).
//
// # The cache
//
// A view's answer is kept (responses.go) with the marks of what it was derived
// from, taken before it was read (engine.Freshness), and given again while those
// are fresh. One who asks while it is being read waits for that reading, if it
// may have seen what he may expect (flight.go). Public answers are shared by all
// who see the same, and name those who do not, who have reacted to what they
// show; all others belong to one user. A page that was paged back to has the one
// before it read ahead (ahead.go).
//
// # Guarantees
//
//   - I9: a call that is not marked for anyone runs only with a verified token. A
//     cookie counts for an unsafe method only from a page of this host.
//   - I8: a request with Klatch-After, or the klatch_after cookie, is answered
//     from a state at least that new, or with 503. Also who the caller is, is
//     decided in that state. From the cache or not makes no difference: an answer
//     that is given is one that the store could have given during the request.
//   - The right to see an answer is asked of the store for every request, kept
//     answer or not. A private room's answers are never under a key that two users share.
//   - A cache that fails costs time, never an answer.
//   - Every error is a problem (RFC 9457) with a code of the engine; its status
//     follows from the code. What broke inside is logged with the request's id
//     and never told.
//
// # Not guaranteed
//
// The klatch_after cookie holds one position. A browser with two writes in
// flight to two nodes keeps the one that answered last; a program can hold on
// to both answers and wait for each.
//
// The members of a room are shown with their presence, which is no event and has
// no marks: that answer is never kept. A message read while it is being synced
// may be seen a moment before its event is published, from the cache as from the store.
//
// # The alternatives that lost
//
// Handlers of net/http's own shape, each writing its answer: then position,
// cookies, cache headers and errors are the duty of thirty functions. Deleting
// answers when an event comes: a reader who read before it and keeps his answer
// after it undoes the deletion, and every event would have to know every key. A
// time to live alone: it is stale for that long, and a miss in a room where nothing happens.
package api
