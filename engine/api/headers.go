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

// security is what every answer has. Referrer-Policy is not no-referrer, for
// with that browsers send "Origin: null" with a form of our own page.
var security = map[string][]string{
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"same-origin"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Content-Security-Policy":      {apiPolicy},
	"Cache-Control":                {"no-store"},
}

// secureHeaders sets what every answer begins with. The values are shared: they are replaced, never changed.
func secureHeaders(h http.Header) { maps.Copy(h, security) }
