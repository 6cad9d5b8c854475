package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// operatorDoor serves the routes of administrators to the operator of the node.
//
// Who comes here is the operator because of the listener that he comes by, which
// nobody else can open; that is for the caller of Operator to see to. Nothing
// that a request says is read for it: no token, no cookie, no Origin, no address.
// The doors are told apart by the operation itself, not by a mark on the request, so
// that there is nothing to forge. There is no limit of rate either: there is no user
// to count for, and the operator could stop the node.
type operatorDoor struct {
	server     *server
	mux        *http.ServeMux
	operations *http.ServeMux
}

// Operator implements Handler. The door needs nothing that Close ends: it may
// answer as long as the engine's store is open.
func (s *server) Operator() http.Handler {
	d := &operatorDoor{server: s, mux: http.NewServeMux(), operations: http.NewServeMux()}
	for _, rt := range adminRoutes {
		o := s.operation(rt)
		o.operator = true
		d.mux.Handle(rt.method+" "+o.name, o)
		d.operations.Handle(rt.method+" "+o.name, o)
	}
	d.mux.HandleFunc("/", d.refuse)
	return d
}

// ServeHTTP implements http.Handler.
func (d *operatorDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = d.server.begin(r)
	traceOf(r).operator = true
	d.server.observed(w, r, d.dispatch)
}

func (d *operatorDoor) dispatch(w http.ResponseWriter, r *http.Request) {
	if isOdd(r) {
		d.refuse(w, r)
		return
	}
	d.mux.ServeHTTP(w, r)
}

func (d *operatorDoor) refuse(w http.ResponseWriter, r *http.Request) {
	d.server.refuse(w, r, d.operations)
}

// admitOperator is the gate at the operator's door: all that is left to ask is I8.
func (o *operation) admitOperator(r *request) error {
	r.who = engine.TheOperator
	after, _, err := r.afterHeader()
	if err != nil {
		return err
	}
	return o.server.engine.WaitFor(r.Context(), after)
}
