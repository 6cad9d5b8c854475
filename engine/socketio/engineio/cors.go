package engineio

import (
	"net/http"
	"net/url"
	"strings"
)

// allowOrigin adds what CORS (the Fetch standard) wants to know of every answer.
func (srv *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	allow, credentials := srv.config.Origin(r)
	h := w.Header()
	if allow != "*" {
		h.Add("Vary", "Origin")
	}
	if allow == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allow)
	if credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers the question that a browser asks before it sends.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Max-Age", "600")
		if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
			h.Set("Access-Control-Allow-Headers", wanted)
			h.Add("Vary", "Access-Control-Request-Headers")
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// mayConnect is about WebSockets, which CORS knows nothing of.
func (srv *Server) mayConnect(r *http.Request, origin string) bool {
	if u, err := url.Parse(origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	allow, _ := srv.config.Origin(r)
	return allow == "*" || allow != "" && allow == origin
}
