package api

import (
	"net/http"

	"github.com/klatch-chat/klatch/engine"
)

// after returns the position that a request must be answered from (I8); zero
// for none. A program's mistake it tells; a browser's broken cookie it takes
// away, for the user could do nothing about it.
func (s *server) after(w http.ResponseWriter, r *request) (engine.Position, error) {
	if given := r.Header.Values(afterKey); len(given) > 0 {
		p, err := engine.ParsePosition(given[0])
		if err != nil || len(given) > 1 {
			return engine.Position{}, fieldError(afterKey, "malformed", "send the Klatch-Position of one answer, as it was")
		}
		return p, nil
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
