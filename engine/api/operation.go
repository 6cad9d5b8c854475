package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// request is one call of an operation and who makes it.
type request struct {
	*http.Request
	trace *trace
	who   *engine.Identity // nil where anyone may call
}

// operation is a route on a server.
type operation struct {
	route
	server *server
}

// ServeHTTP implements http.Handler.
func (o *operation) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	hr.Body = http.MaxBytesReader(w, hr.Body, o.server.MaxBody)
	r := &request{Request: hr, trace: traceOf(hr)}
	r.trace.route = o.fullPath()
	err := o.admit(w, r)
	var a reply
	if err == nil {
		a, err = o.serve(o.server, r)
	}
	if err != nil {
		o.server.fail(w, hr, err)
		return
	}
	o.server.send(w, r, a)
}

// admit is the gate of every operation (I8, I9).
func (o *operation) admit(w http.ResponseWriter, r *request) error {
	token, fromCookie := credentials(r.Request)
	if o.unsafe() && !o.anyone && fromCookie && !sameOrigin(r.Request) {
		return &engine.Error{Code: engine.CodeForbidden, Message: "a page of another origin may not do this: Origin must name this host"}
	}
	if o.anyone && o.unsafe() {
		if wait, ok := o.server.logins.Allow(network(r.trace.client)); !ok {
			return engine.RateError(wait)
		}
	}
	if !o.positioned() {
		return nil // its answer is the same in every state
	}
	after, err := o.server.after(w, r)
	if err == nil {
		err = o.identify(r, token, after)
	}
	if err == nil && o.unsafe() && !o.anyone {
		err = o.server.engine.Allow(r.who.User)
	}
	return err
}

// identify finds out who calls, in a state that covers after. A node that is
// behind may know neither the caller nor that the token has been revoked, so
// it asks again once it has caught up.
func (o *operation) identify(r *request, token string, after engine.Position) error {
	covered := o.server.engine.Position().Covers(after) // before: what comes in between must not count as seen
	if err := o.authenticate(r, token); covered || errors.Is(err, engine.ErrNotCaughtUp) {
		return err
	}
	if err := o.server.waitFor(r.Context(), after, r.who != nil); err != nil {
		return err
	}
	return o.authenticate(r, token)
}

func (o *operation) authenticate(r *request, token string) (err error) {
	if !o.anyone {
		r.who, err = o.server.engine.Authenticate(r.Context(), token)
	}
	return err
}

// waitFor waits for a position. Strangers, who could name one that never comes, have few places to wait.
func (s *server) waitFor(ctx context.Context, p engine.Position, known bool) error {
	if !known {
		select {
		case s.strangers <- struct{}{}:
			defer func() { <-s.strangers }()
		default:
			return engine.ErrNotCaughtUp
		}
	}
	return s.engine.WaitFor(ctx, p)
}
