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
// (I8), does its user ask too often. Only then the route's function runs: it
// reads the request, calls one method of the engine, and returns a reply or an
// error. Nothing but the server writes to the connection.
//
// The route table is the only list of calls: the mux and the OpenAPI document
// at /api/v1/openapi.json are both made from it.
//
// # Guarantees
//
//   - I9: a call that is not marked for anyone runs only with a verified token. A
//     cookie counts for an unsafe method only from a page of this host.
//   - I8: a request with Klatch-After, or the klatch_after cookie, is answered
//     from a state at least that new, or with 503. Also who the caller is, is
//     decided in that state.
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
// # The alternative that lost
//
// Handlers of net/http's own shape, each writing its answer: then position,
// cookies, cache headers and errors are the duty of thirty functions.
package api
