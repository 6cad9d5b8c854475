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
	server   *server
	name     string // the route's full path
	fields   fields
	operator bool // it stands at the operator's door
}

// ServeHTTP implements http.Handler.
func (o *operation) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &request{Request: hr, trace: traceOf(hr)}
	r.trace.route = o.name
	if o.unsafe() {
		hr.Body = http.MaxBytesReader(w, hr.Body, o.server.MaxBody)
	}
	if o.body != "" && hr.ContentLength > o.server.MaxBody {
		w.Header().Set("Connection", "close") // so that what is announced is not waited for
		o.server.fail(w, hr, bodyTooLarge(o.server.MaxBody))
		return
	}
	err := o.admit(w, r)
	if err == nil {
		err = o.answer(w, r)
	}
	if err != nil {
		o.server.fail(w, hr, err)
	}
}

// answer runs the route's function. After an error nothing has been written.
func (o *operation) answer(w http.ResponseWriter, r *request) error {
	if o.view != nil {
		return o.show(w, r)
	}
	a, err := o.serve(o.server, r)
	if err != nil {
		return err
	}
	if err := o.server.setHeaders(w, r, a); err != nil {
		return err
	}
	if o.unsafe() || a.status != http.StatusOK {
		o.server.send(w, r, a)
		return nil
	}
	k, how := a.kept, source("")
	if k == nil {
		k = newKept("", reading{body: a.body, links: a.links}, o.server.Now())
	}
	if o.positioned() {
		how = bypass
	}
	o.server.sendKept(w, r.Request, &o.fields, k, how)
	return nil
}

// show answers a GET from the cache, or as if there were none.
func (o *operation) show(w http.ResponseWriter, r *request) error {
	v, err := o.view(o.server, r)
	if err != nil {
		return err
	}
	var k *kept
	how := bypass
	if c := o.server.responses; uncached(r.Request) {
		k, how, err = c.pass(v)
	} else {
		k, how, err = c.get(o.name, v, r.who.User, o.ttl)
	}
	if err != nil {
		return err
	}
	o.server.sendKept(w, r.Request, &o.fields, k, how)
	if how != bypass && v.older != nil && !k.prev.IsZero() {
		o.server.responses.readAhead(o.name, v.older(k.prev), r.who.User, o.ttl)
	}
	return nil
}

// admit is the gate of every operation (I8, I9).
func (o *operation) admit(w http.ResponseWriter, r *request) error {
	if o.operator {
		return o.admitOperator(r)
	}
	token, fromCookie := credentials(r.Request)
	if o.unsafe() && !o.anyone && fromCookie && !sameOrigin(r.Request) {
		return &engine.Error{Code: engine.CodeForbidden, Message: "a page of another origin may not do this: Origin must name this host"}
	}
	if !o.positioned() {
		return nil // its answer is the same in every state
	}
	if o.anyone {
		if err := o.server.limits().signIns.take(w.Header(), network(r.trace.client)); err != nil {
			return err
		}
	}
	after, err := o.server.after(w, r)
	if err == nil {
		err = o.identify(r, token, after)
	}
	if o.anyone {
		return err
	}
	return o.limit(w.Header(), r, err)
}

// limit takes one from the bucket of who has been let in or, by an error, has not.
func (o *operation) limit(h http.Header, r *request, err error) error {
	known := r.who != nil // if not, by an error: without a token that holds, or banned
	no := errors.Is(err, engine.ErrForbidden)
	if err != nil && !no && !errors.Is(err, engine.ErrUnauthorized) {
		return err
	}
	limits := o.server.limits()
	var limited error
	switch {
	case !known:
		limited = limits.strangers.take(h, network(r.trace.client))
	case o.unsafe():
		limited = limits.writes.take(h, r.who.User)
	default:
		limited = limits.reads.take(h, r.who.User)
	}
	if limited != nil {
		return limited
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
	if r.who == nil {
		return err
	}
	r.trace.user = r.who.User
	if err == nil && o.admin {
		err = o.server.engine.Administers(r.who)
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
