package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// after returns the position that a request must be answered from (I8); zero
// for none. A program's mistake it tells; a browser's broken cookie it takes
// away, for the user could do nothing about it.
func (s *server) after(w http.ResponseWriter, r *request) (engine.Position, error) {
	if p, given, err := r.afterHeader(); given {
		return p, err
	}
	c, err := r.Cookie(afterCookie)
	if err != nil {
		return engine.Position{}, nil
	}
	p, err := engine.ParsePosition(c.Value)
	if err != nil {
		s.setCookie(w, r, http.Cookie{Name: afterCookie, MaxAge: -1})
	}
	return p, nil
}

func (r *request) afterHeader() (p engine.Position, given bool, err error) {
	values := r.Header.Values(afterKey)
	if len(values) == 0 {
		return p, false, nil
	}
	if p, err = engine.ParsePosition(values[0]); err != nil || len(values) > 1 {
		return engine.Position{}, true, fieldError(afterKey, "malformed", "send the Klatch-Position of one answer, as it was")
	}
	return p, true, nil
}
