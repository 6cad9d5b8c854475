package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/klatch-chat/klatch/engine"
)

// server answers all of a node's HTTP. All fields are fixed after New.
type server struct {
	Config
	engine    *engine.Engine
	mux       *http.ServeMux // operations only
	assets    assets
	openAPI   []byte
	logins    *engine.Limiter[netip.Prefix]
	strangers chan struct{} // one place for each request without a token that waits for a position
}

const strangersWaiting = 256

// New returns the handler of a node's public address.
func New(c Config) (http.Handler, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &server{
		Config: c, engine: c.Engine, mux: http.NewServeMux(),
		logins:    engine.NewLimiter[netip.Prefix](c.LoginRate, c.Now),
		strangers: make(chan struct{}, strangersWaiting),
	}
	if s.assets, err = readAssets(c.Assets); err != nil {
		return nil, fmt.Errorf("api: read the assets: %w", err)
	}
	if s.openAPI, err = OpenAPI(c.Version); err != nil {
		return nil, fmt.Errorf("api: describe the routes: %w", err)
	}
	for _, rt := range routes {
		s.mux.Handle(rt.method+" "+rt.fullPath(), &operation{rt, s})
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = s.begin(r)
	if h := s.door(r.URL.Path); h != nil {
		h.ServeHTTP(w, r) // takes the connection over: nothing of ours may stand between
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

// dispatch finds who answers.
func (s *server) dispatch(w http.ResponseWriter, r *http.Request) {
	secureHeaders(w.Header())
	h, _ := s.mux.Handler(r)
	if _, ok := h.(*operation); ok {
		s.mux.ServeHTTP(w, r) // again, for the path's values
		return
	}
	if a, ok := s.assets[r.URL.Path]; ok {
		s.serveAsset(w, r, a)
		return
	}
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
