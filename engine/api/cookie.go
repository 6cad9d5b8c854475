package api

import (
	"net/http"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

const (
	sessionCookie = "klatch_session"
	afterCookie   = "klatch_after"
	positionKey   = "Klatch-Position"
	durabilityKey = "Klatch-Durability"
	afterKey      = "Klatch-After"
)

// afterSeconds is how long a browser asks for its own writes: longer than any node is behind.
const afterSeconds = 60

// setHeaders sets what an answer changes of the browser's state, and the receipt of a write.
func (s *server) setHeaders(w http.ResponseWriter, r *request, a reply) error {
	if !a.receipt.Equal(engine.Position{}) {
		p := a.receipt.String()
		w.Header().Set(positionKey, p)
		if !r.trace.operator {
			s.setCookie(w, r, http.Cookie{Name: afterCookie, Value: p, MaxAge: afterSeconds})
		}
	}
	if level := a.receipt.Durability; level != "" {
		w.Header().Set(durabilityKey, string(level))
	}
	if a.signOut {
		s.setCookie(w, r, http.Cookie{Name: sessionCookie, MaxAge: -1})
	}
	if a.signIn == "" {
		return nil
	}
	who, err := s.engine.Authenticate(r.Context(), a.signIn)
	if err != nil {
		return err
	}
	seconds := int(who.Expires.Sub(s.Now()) / time.Second)
	s.setCookie(w, r, http.Cookie{Name: sessionCookie, Value: a.signIn, MaxAge: max(1, seconds)})
	return nil
}

func (s *server) setCookie(w http.ResponseWriter, r *request, c http.Cookie) {
	c.Path, c.HttpOnly, c.SameSite = "/", true, http.SameSiteLaxMode
	c.Secure = s.SecureCookies || r.trace.secure
	http.SetCookie(w, &c)
}
