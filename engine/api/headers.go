package api

import (
	"maps"
	"net/http"
)

const (
	apiPolicy  = "default-src 'none'; frame-ancestors 'none'"
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
		"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// security is what every answer begins with.
var security = map[string][]string{
	"X-Content-Type-Options":       {"nosniff"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Content-Security-Policy":      {apiPolicy},
	"Cache-Control":                {"no-store"},
}

// pageSecurity is what only documents and their parts need beside: in a JSON
// answer no browser looks at it. Referrer-Policy is not no-referrer, for with that
// browsers send "Origin: null" with a form of our own page.
var pageSecurity = map[string][]string{
	"Content-Security-Policy":    {pagePolicy},
	"X-Frame-Options":            {"DENY"},
	"Referrer-Policy":            {"same-origin"},
	"Cross-Origin-Opener-Policy": {"same-origin"},
}

// transportSecurity has browsers come by TLS alone for a year. Names below this
// one are somebody else's business.
var transportSecurity = map[string][]string{"Strict-Transport-Security": {"max-age=31536000"}}

// secure sets fields whose values are shared: they are replaced, never changed.
func secure(h http.Header, fields map[string][]string) { maps.Copy(h, fields) }
