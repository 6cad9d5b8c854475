package engineio

import (
	"net/http"
	"net/url"
	"time"
)

// Request is what is kept of the request that made a session. Nobody may change it.
type Request struct {
	Header     http.Header
	Query      url.Values
	Host       string
	URL        string // as requested: path and query
	RemoteAddr string
	Secure     bool // it came over TLS to this process
	Time       time.Time
}

func keepRequest(r *http.Request, query url.Values, now time.Time) *Request {
	return &Request{
		Header: r.Header.Clone(), Query: query, Host: r.Host, URL: r.RequestURI,
		RemoteAddr: r.RemoteAddr, Secure: r.TLS != nil, Time: now,
	}
}

// Name is what the session is called in the log: the X-Request-Id of this request,
// "" if it has none. The sid would open the session to whoever reads it.
func (r *Request) Name() string { return r.Header.Get("X-Request-Id") }

// Cookie returns the value of a cookie, or "".
func (r *Request) Cookie(name string) string {
	cookie, err := (&http.Request{Header: r.Header}).Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}
