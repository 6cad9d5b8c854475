package cli

import (
	"fmt"
	"strings"
	"testing"
)

// TestAbusedHeaders: header fields that break the grammar are refused (RFC
// 9112, 5), those without end are refused at a bound (RFC 6585, 5), and none
// comes back in an answer.
func TestAbusedHeaders(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) {
		a.endure(headerFloods(a))
		a.endure(headerGrammar(a))
		a.endure(headerEchoes(a))
	})
}

func headerFloods(a *abused) []abuse {
	lines := func(n int, format string) (all []string) {
		for i := range n {
			all = append(all, strings.ReplaceAll(format, "#", fmt.Sprint(i)))
		}
		return all
	}
	return []abuse{
		{"60 KiB in one", a.get("/healthz", "X-Long: "+strings.Repeat("x", 60<<10)), []int{200, 431}, either},
		{"72 KiB in one", a.get("/healthz", "X-Long: "+strings.Repeat("x", 72<<10)), []int{431}, ends},
		{"1 MiB in one", a.get("/healthz", "X-Long: "+strings.Repeat("x", 1<<20)), []int{431}, ends},
		{"1 MiB of name", a.get("/healthz", strings.Repeat("x", 1<<20)+": y"), []int{431}, ends},
		{"1 MiB without an end", "GET /healthz HTTP/1.1\r\nHost: klatch\r\nX-Long: " + strings.Repeat("x", 1<<20), []int{431}, ends},
		{"1,000 of one name", a.get("/healthz", lines(1000, "A: b")...), []int{200, 431}, either},
		{"10,000 of one name", a.get("/healthz", lines(10_000, "A: b")...), []int{200, 431}, either},
		{"10,000 names", a.get("/healthz", lines(10_000, "X-#: y")...), []int{431}, ends},
		{"100,000 names", a.get("/healthz", lines(100_000, "X-#: y")...), []int{431}, ends},
		{"3,000 folds", a.get("/healthz", "X-Fold: a\r\n "+strings.Repeat("b\r\n ", 3000)+"c"), []int{200, 400, 431}, either},
		{"10,000 codings", a.get("/", "Accept-Encoding: "+strings.Repeat("x;q=1,", 10_000)), []int{200, 406, 431}, either},
		{"10,000 proxies", a.get("/healthz", "X-Forwarded-For: "+strings.Repeat("::1,", 10_000)), []int{200, 431}, either},
		{"10,000 hop-by-hop", a.get("/healthz", "Connection: "+strings.Repeat("x, ", 10_000)+"Authorization"), []int{200, 431}, either},
	}
}

func headerGrammar(a *abused) (all []abuse) {
	for name, line := range map[string]string{
		"a space in a name":          "X Smuggled: 1",
		"a space before the colon":   "X-Smuggled : 1",
		"a tab before the colon":     "X-Smuggled\t: 1",
		"no name":                    ": smuggled",
		"no colon":                   "smuggled",
		"a name of other characters": "X(smuggled): 1",
		"a name of high bytes":       "X-\xc3\xa9: smuggled",
		"a NUL in a name":            "X-\x00: smuggled",
		"a NUL in a value":           "X-A: a\x00Smuggled: 1",
		"a bare CR in a value":       "X-A: a\rX-Smuggled: 1",
		"a bare CR in an id":         "X-Request-Id: a\rX-Smuggled: 1",
		"a bare CR in a length":      "Content-Length: 0\rX-Smuggled: 1",
		"a bare CR before a name":    "\rX-Smuggled: 1",
		"a DEL in a value":           "X-A: \x7f",
		"an ESC in a value":          "X-A: \x1b[2J",
		"only bare CRs":              "X-A: 1\rHost: evil.example\r",
	} {
		all = append(all, abuse{name, a.get("/healthz", line), []int{400}, ends})
	}
	return append(all,
		abuse{"a fold", a.get("/healthz", "X-Fold: a\r\n X-Smuggled: 1"), []int{200, 400}, either},
		abuse{"a fold of nothing", a.get("/healthz", "X-Fold:\r\n \r\n\t"), []int{200, 400}, either},
		abuse{"a fold before all", "GET /healthz HTTP/1.1\r\n Host: klatch\r\n\r\n", []int{400}, ends},
		abuse{"bare LFs", strings.ReplaceAll(a.get("/healthz"), "\r\n", "\n"), []int{200, 400}, either},
		abuse{"a bare LF among CRLFs", a.get("/healthz", "X-A: 1\nX-Smuggled: 1"), []int{200, 400}, either},
		abuse{"high bytes in a value", a.get("/healthz", "X-A: \xff\xfe"), []int{200, 400}, either},
		abuse{"empty lines before", "\r\n\r\n\r\n" + a.get("/healthz"), []int{200, 400}, either},
		abuse{"no end", strings.TrimSuffix(a.get("/healthz"), "\r\n"), []int{200, 400}, either},
	)
}

// headerEchoes are values that an answer might take over.
func headerEchoes(a *abused) (all []abuse) {
	const split = "a%0d%0aX-Smuggled:%201"
	for _, x := range []struct {
		name, target, line string
		want               int
	}{
		{"a request id", "/healthz", "X-Request-Id: " + split, 200},
		{"a request id with a space", "/healthz", "X-Request-Id: smuggled id", 200},
		{"a request id of Unicode line ends", "/healthz", "X-Request-Id: a\u2028X-Smuggled: 1\u0085", 200},
		{"a position", "/api/v1/me", "Klatch-After: " + split, 422},
		{"a position's cookie", "/api/v1/me", "Cookie: klatch_after=" + split, 200},
		{"a session's cookie", "/healthz", "Cookie: klatch_session=" + split, 200},
		{"an origin", "/api/v1/me", "Origin: https://evil.example", 200},
		{"a preflight", "/api/v1/me", "Origin: https://evil.example\r\nAccess-Control-Request-Method: DELETE\r\nAccess-Control-Request-Headers: smuggled", 200},
		{"a referrer", "/nothing", "Referer: https://evil.example/" + split, 404},
		{"an upgrade", "/healthz", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", 200},
		{"an upgrade to nonsense", "/healthz", "Connection: Upgrade\r\nUpgrade: smuggled", 200},
		{"an expectation", "/healthz", "Expect: smuggled", 417},
		{"hop-by-hop", "/api/v1/me", "Connection: keep-alive, X-Request-Id, smuggled", 200},
		{"a proxy's word", "/healthz", "Forwarded: for=smuggled;proto=https;host=evil.example", 200},
		{"a proxy's nonsense", "/healthz", "X-Forwarded-For: smuggled, \x80\r\nX-Forwarded-Proto: smuggled\r\nX-Real-IP: evil", 200},
		{"a coding", "/", "Accept-Encoding: smuggled, *;q=evil, gzip;q=1e9, ;;;", 200},
		{"a language", "/", "Accept-Language: smuggled\r\nAccept: evil/evil", 200},
		{"trailers", "/healthz", "TE: trailers, smuggled\r\nTrailer: X-Smuggled", 200},
		{"a link's query", "/api/v1/rooms/tea/messages?limit=1&x=%3E%3B%20rel%3Dsmuggled%2C%3C//evil.example%3E", "X-A: b", 200},
		{"a link's raw query", "/api/v1/rooms?limit=1&x=>;rel=\"next\",<//evil.example>", "X-A: b", 422},
		{"a link's line end", "/api/v1/rooms/tea/members?limit=1&x=" + split, "X-A: b", 200},
	} {
		want, then := []int{x.want}, goesOn
		switch x.want {
		case 417:
			then = either // the body may come nevertheless
		case 422:
			want = append(want, 200, 400) // as strict as the reader is
		}
		all = append(all, abuse{x.name, a.get(x.target, x.line), want, then})
	}
	name := `{"name":"tea\r\nX-Smuggled: 1"}`
	return append(all,
		abuse{"a room's name", a.head("POST /api/v1/rooms", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(name))) + name, []int{422}, goesOn},
		abuse{"a new room's path", a.head("PUT /api/v1/rooms/tea/members/ann%0d%0aX-Smuggled:%201", "Content-Type: application/json", "Content-Length: 17") + `{"role":"member"}`, []int{404}, goesOn},
	)
}
