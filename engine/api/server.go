package api

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
)

// server answers all of a node's HTTP. All fields but tuned are fixed after New.
type server struct {
	Config
	engine     *engine.Engine
	mux        *http.ServeMux
	operations *http.ServeMux // these only, to ask which methods a path has
	responses  *responses
	assets     assets
	openAPI    *kept
	signIns    signInCounts
	tuned      atomic.Pointer[tuned]
	requests   *requestIDs
	strangers  chan struct{} // one place for each request without a token that waits for a position
}

const strangersWaiting = 256

// Handler answers a node's HTTP. Close it when no request runs any more, before its engine.
type Handler interface {
	http.Handler
	io.Closer
	Stats() Stats
	// Operator returns the operator's door: see operator.go.
	Operator() http.Handler
	Tune(Tuning) // for all requests that come later
}

// New returns the handler of a node's public address.
func New(c Config) (Handler, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &server{
		Config: c, engine: c.Engine, mux: http.NewServeMux(), operations: http.NewServeMux(),
		requests:  newRequestIDs(),
		strangers: make(chan struct{}, strangersWaiting),
	}
	s.tuned.Store(newTuned(&c, nil))
	if s.assets, err = readAssets(c.Assets); err != nil {
		return nil, fmt.Errorf("api: read the assets: %w", err)
	}
	document, err := OpenAPI(c.Version)
	if err != nil {
		return nil, fmt.Errorf("api: describe the routes: %w", err)
	}
	s.openAPI = newKept("", reading{raw: document}, c.Now())
	if s.responses, err = newResponses(c.Memory, c.Engine.Store(), c.Now, c.Logger); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s.mount()
	return s, nil
}

// mount puts every operation, and what is none, where the mux finds it.
func (s *server) mount() {
	for _, rt := range routes {
		o := s.operation(rt)
		s.mux.Handle(rt.method+" "+o.name, o)
		s.operations.Handle(rt.method+" "+o.name, o)
	}
	s.mux.HandleFunc("/", s.serveOther)
}

func (s *server) operation(rt route) *operation {
	return &operation{route: rt, server: s, name: rt.fullPath(), fields: rt.commonFields()}
}

// Close implements Handler.
func (s *server) Close() error {
	s.responses.close()
	return nil
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
		// Where two framings were given net/http has dropped one, and nobody can say
		// any more that they agreed: RFC 9112, 6.1 has such a connection closed.
		w.Header().Set("Connection", "close")
	}
	if s.HSTS {
		secure(w.Header(), transportSecurity)
	}
	r = s.begin(r)
	if err := s.engine.AdmitAddress(traceOf(r).client); err != nil {
		s.observed(w, r, func(w http.ResponseWriter, r *http.Request) {
			secure(w.Header(), security)
			s.fail(w, r, err)
		})
		return
	}
	if h := s.door(r.URL.Path); h != nil {
		r.Header.Set("X-Request-Id", traceOf(r).id) // what its lines in the log are found by
		h.ServeHTTP(w, r)                           // takes the connection over: nothing of ours may stand between
		return
	}
	s.observed(w, r, s.dispatch)
}

// door returns the real-time handler of a path, nil for all other paths.
func (s *server) door(path string) http.Handler {
	switch {
	case path == basePath+"/ws":
		return s.Realtime
	case strings.HasPrefix(path, "/socket.io/"):
		return s.SocketIO
	}
	return nil
}

// dispatch finds who answers. The mux would send whoever writes a path in an
// odd way to the plain one; here what is not the path of anything is nothing.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), security)
	if isOdd(r) {
		s.serveOther(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func isOdd(r *http.Request) bool {
	p := r.URL.EscapedPath()
	return r.Method == http.MethodConnect || p == "" || p[0] != '/' || !isClean(p)
}

// isClean reports whether a path has no empty part and none of dots alone.
func isClean(p string) bool {
	clean := path.Clean(p)
	return clean == p || clean != "/" && p == clean+"/"
}

// serveOther answers for what is no operation.
func (s *server) serveOther(w http.ResponseWriter, r *http.Request) {
	if a, ok := s.assets[r.URL.Path]; ok {
		s.serveAsset(w, r, a)
		return
	}
	s.refuse(w, r, s.operations)
}

// refuse answers a request that none of some operations takes.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, operations *http.ServeMux) {
	h, _ := operations.Handler(r)
	if allowed := allowedMethods(h, r); allowed != "" {
		s.refuseMethod(w, r, allowed)
		return
	}
	s.fail(w, r, &engine.Error{Code: engine.CodeNotFound, Message: "there is nothing at this path"})
}

func (s *server) refuseMethod(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	s.fail(w, r, &engine.Error{Code: codeMethodNotAllowed, Message: "this path answers to " + allowed})
}

// allowedMethods asks the mux's own answer to a request that no operation
// takes: its Allow header says whether only the method was wrong.
func allowedMethods(h http.Handler, r *http.Request) string {
	p := probe{}
	h.ServeHTTP(p, r)
	return http.Header(p).Get("Allow")
}

// probe keeps an answer's header and forgets the rest.
type probe http.Header

func (p probe) Header() http.Header         { return http.Header(p) }
func (p probe) Write(b []byte) (int, error) { return len(b), nil }
func (p probe) WriteHeader(int)             {}
