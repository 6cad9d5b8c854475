package api

import (
	"net/http"
	"net/url"
	"strings"
)

// credentials returns the token that a request carries. A header that is no
// bearer token is a wrong token, not a missing one: the cookie does not stand in for it.
func credentials(r *http.Request) (token string, fromCookie bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false
		}
		return strings.TrimSpace(token), false
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		return c.Value, true
	}
	return "", false
}

// sameOrigin reports whether a request shows that a page of ours sent it. Only
// for requests that live on the cookie: a browser adds that by itself, also to
// what another site's page sends. Sign-in needs no cookie, and its JSON no
// other site's page can send, for browsers ask before such a request.
func sameOrigin(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 0 {
		u, err := url.Parse(origins[0])
		return err == nil && len(origins) == 1 && u.Host != "" && strings.EqualFold(u.Host, r.Host)
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "same-origin" || site == "none"
}
