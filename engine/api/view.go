package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// view is what a GET shows, before it is read. Whoever has one may see it: a
// route's view function settles that on every request, so that a cached answer
// is as closed as any other (I9).
type view struct {
	// key names the view among those of its route. With the caller, where it is
	// not shared, the answer is a function of the key and of the store.
	key string
	// shared: all who may see it see the same, but for those the reading excepts.
	// Never set for what is private.
	shared bool
	// read reads the answer. It takes the marks of what the answer depends on
	// first (see engine.Freshness). plain: not from anything that is kept.
	read func(plain bool) (reading, error)
	// older returns the view of the page before this one, from reading.prev.
	older func(prev engine.ID) view
}

// reading is an answer as it was read.
type reading struct {
	body   any    // JSON is made of it
	raw    []byte // or it is this
	links  string // the Link field (RFC 8288), "" for none
	prev   engine.ID
	marks  []engine.Mark
	single bool        // not for sharing after all
	except []engine.ID // for whom it is not the same, in order
}

// viewOf returns what a route shows to a caller.
type viewOf func(*server, *request) (view, error)

func (s *server) mark(about ...engine.Subject) []engine.Mark {
	marks := make([]engine.Mark, 0, len(about))
	for i := range about {
		marks = append(marks, s.engine.Store().Mark(about[i]))
	}
	return marks
}

// uncached reports whether the client wants to have nothing from a cache (RFC 9111, 5.2.1).
func uncached(r *http.Request) bool {
	for _, line := range r.Header["Cache-Control"] {
		for d := range directives(line) {
			if d == "no-cache" || d == "no-store" {
				return true
			}
		}
	}
	return false
}
