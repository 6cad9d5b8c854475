package cli

import (
	"strings"
	"testing"
)

// TestAbusedPaths: a request target names exactly one thing or nothing (RFC
// 9112, 3.2; RFC 3986, 6.2): dot segments and empty segments are not resolved
// but refused, an escaped letter is the letter, an escaped slash is no slash;
// and no answer is a redirect.
func TestAbusedPaths(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) { a.endure(append(pathAbuses(a), targetAbuses(a)...)) })
}

func pathAbuses(a *abused) (all []abuse) {
	long := func(n int) string { return "/" + strings.Repeat("a", n) }
	for _, c := range []struct {
		want    int
		targets []string
	}{
		{200, []string{
			"/api/v1/rooms/t%65a", "/%61pi/v1/me", "/%69ndex.html", strings.Replace(a.script, "-", "%2D", 1),
			"/index.html?/../../etc/passwd", "/?//evil.example/..", "/api/v1/me?" + strings.Repeat("a", 8<<10),
		}},
		{404, []string{
			"/..", "/%2e%2e/", "/%2e%2e/%2e%2e/etc/passwd", "/.%2e/", "/.", "/./", "/./index.html", "/index.html/..", "/index.html/",
			"//", "//index.html", "/%2Findex.html", "/%2findex.html", "/index.html.", "/index.html%20", "/index.html%00.js", "/INDEX.HTML",
			"/index.html;v=1", "/;/index.html", "/index.html#smuggled", "/index.html%23", "/index.html%3Fx",
			"//api/v1/me", "/api//v1/me", "/api/v1//me", "/api/v1/../v1/me", "/api/v1/./me", "/api/v1/%2e%2e/v1/me", "/api/v1/me/", "/api/v1/me/.", "/api/v1/me%2F",
			"/api/v1/me;x=1", "/api%2Fv1%2Fme", "/api/v1/ME", "/api/v1/me.", "/api/v1/rooms/", "/api/v1/rooms/%2F", "/api/v1/rooms/a%2Fb",
			"/api/v1/rooms/tea%2F..%2Ftea", "/api/v1/rooms/tea/../tea", "/api/v1/rooms/tea%00", "/api/v1/rooms/%00", "/api/v1/rooms/tea%0d%0aSmuggled:%201",
			"/api/v1/rooms/tea%0d%0aSmuggled:%201/messages?limit=1", "/api/v1/users/ann%0d%0aSmuggled:%201", "/api/v1/rooms/..", "/api/v1/rooms/%2e%2e",
			"/api/v1/rooms/..%5ctea", `/api/v1/rooms/..\tea`, `/..\..\etc\passwd`, "/%5c..%5c..%5cetc%5cpasswd", "/%c0%ae%c0%ae/etc/passwd",
			"/api/v1/rooms/%c0%af", "/api/v1/rooms/%e0%80%af", "/api/v1/rooms/\xc0\xaf", "/api/v1/rooms/%ff%fe", "/api/v1/rooms/te%CC%81a", "/api/v1/rooms/%D1%82ea",
			a.script + ".br", a.script + ".gz", a.script + ".zst", a.script + "/", a.script + "%00", a.script + ".", "/." + a.script, "/dist" + a.script, "/assets/.." + a.script,
			"//evil.example/..", "//evil.example/%2e%2e", "///evil.example", "/.//evil.example/..", `/\evil.example`, "/%5cevil.example/", "/%2fevil.example/..",
			"/https://evil.example/", "/api/v1//evil.example/", "/@evil.example/", "/socket.io", "/socket.io/../api/v1/me", "/metrics", "/debug/pprof/", "/.git/config", "/.well-known/",
			long(8 << 10), "/api/v1/rooms/" + strings.Repeat("a", 8<<10), "/api/v1/rooms/" + strings.Repeat("%61", 4<<10), strings.Repeat("/..", 4<<10), strings.Repeat("/", 8<<10),
		}},
	} {
		for _, target := range c.targets {
			all = append(all, abuse{brief(target), a.get(target), []int{c.want}, goesOn})
		}
	}
	for _, target := range []string{"/%", "/%zz", "/%2", "/a\x00b", "/a b", "/a\tb", "/\x7f", "/a\x01", "", " /", "/%u002e%u002e/"} {
		all = append(all, abuse{brief(target), a.get(target), []int{400}, ends})
	}
	for _, n := range []int{80 << 10, 800 << 10} {
		all = append(all, abuse{brief(long(n)), a.get(long(n)), []int{414, 431}, ends})
	}
	return all
}

// brief is a name that fits a line.
func brief(s string) string {
	if len(s) > 60 {
		s = s[:40] + "…" + s[len(s)-10:]
	}
	return strings.NewReplacer("\x00", "NUL", "\r", "CR", "\n", "LF", "\t", "TAB").Replace(s)
}

// targetAbuses are the other forms of a target, and the hosts, methods and versions around it.
func targetAbuses(a *abused) []abuse {
	raw := func(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }
	return []abuse{
		{"absolute form", a.get("http://klatch/api/v1/me"), []int{200}, goesOn},
		{"absolute form of another host", a.get("http://evil.example/healthz"), []int{200, 421}, goesOn},
		{"absolute form with dots", a.get("http://evil.example/.."), []int{404, 421}, goesOn},
		{"absolute form with two hosts", a.get("http://evil.example//evil.example/%2e%2e"), []int{404, 421}, goesOn},
		{"absolute form with a user", a.get("http://ann:evil@klatch/healthz"), []int{200, 400}, either},
		{"absolute form without a path", a.get("http://evil.example"), []int{200, 404, 421}, goesOn},
		{"another scheme", a.get("ftp://evil.example/healthz"), []int{200, 400, 404, 421}, either},
		{"no hierarchy", a.get("mailto:evil@example"), []int{400, 404}, either},
		{"script scheme", a.get("javascript:evil"), []int{400, 404}, either},
		{"authority form", a.get("evil.example:80"), []int{400, 404}, either},
		{"an asterisk", a.get("*"), []int{400, 404}, either},
		{"a path without a slash", a.get("healthz"), []int{400}, ends},
		{"OPTIONS of the server", a.head("OPTIONS *"), []int{200, 204, 404}, goesOn},
		{"CONNECT", a.head("CONNECT evil.example:443"), []int{400, 404, 405}, either},
		{"CONNECT a path", a.head("CONNECT /healthz"), []int{400, 404, 405}, either},
		{"CONNECT a path with dots", a.head("CONNECT /api/v1/../../healthz"), []int{400, 404, 405}, either},
		{"TRACE", a.head("TRACE /healthz", "X-Smuggled: 1"), []int{405}, goesOn},
		{"a method of small letters", a.head("get /healthz"), []int{405}, goesOn},
		{"a method that is none", a.head("G(T /healthz"), []int{400}, ends},
		{"no method", a.head(" /healthz"), []int{400}, ends},
		{"a long method", a.head(strings.Repeat("G", 8<<10) + " /healthz"), []int{405, 501}, goesOn},

		{"no host", raw("GET /healthz HTTP/1.1"), []int{400}, ends},
		{"two hosts", raw("GET /healthz HTTP/1.1", "Host: klatch", "Host: evil.example"), []int{400}, ends},
		{"one host twice", raw("GET /healthz HTTP/1.1", "Host: klatch", "Host: klatch"), []int{400}, ends},
		{"two hosts in one", raw("GET /healthz HTTP/1.1", "Host: klatch evil.example"), []int{400}, ends},
		{"a host of nonsense", raw("GET /healthz HTTP/1.1", "Host: \x01"), []int{400}, ends},
		{"a host with a path", raw("GET /healthz HTTP/1.1", "Host: evil.example/.."), []int{200, 400}, either},
		{"an empty host", raw("GET /healthz HTTP/1.1", "Host:"), []int{200, 400}, either},
		{"another host", raw("GET / HTTP/1.1", "Host: evil.example", "X-Forwarded-Host: evil.example", "X-Host: evil.example"), []int{200, 421}, goesOn},
		{"a host with a dot", raw("GET /healthz HTTP/1.1", "Host: klatch."), []int{200}, goesOn},
		{"a rewritten target", raw("GET /healthz HTTP/1.1", "Host: klatch", "X-Original-URL: /api/v1/me", "X-Rewrite-URL: //evil.example/"), []int{200}, goesOn},
		{"an overridden method", a.get("/api/v1/me", "X-HTTP-Method-Override: DELETE", "X-Method-Override: PATCH"), []int{200}, goesOn},

		{"version 0.9", "GET /healthz\r\n\r\n", []int{400}, ends},
		{"version 1.0", "GET /healthz HTTP/1.0\r\n\r\n", []int{200}, ends},
		{"version 9.9", raw("GET /healthz HTTP/9.9", "Host: klatch"), []int{400, 505}, ends},
		{"version nonsense", raw("GET /healthz HTTP/1.1x", "Host: klatch"), []int{400}, ends},
		{"version with a line too many", raw("GET /healthz HTTP/1.1 HTTP/1.1", "Host: klatch"), []int{400}, ends},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 405, 505}, either},
		{"TLS where HTTP is spoken", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}, ends},
	}
}
