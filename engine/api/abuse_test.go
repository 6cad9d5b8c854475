package api

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine"
)

// What breaks the transport is in package cli, against a whole node; here is
// what a well-framed request can say that makes no sense.

// quiet is a node whose log must stay without errors.
func quiet(t *testing.T) *node {
	var log bytes.Buffer
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	t.Cleanup(func() {
		if log.Len() > 0 {
			t.Errorf("the log says: %s", log.String())
		}
	})
	return n
}

// well holds the node to be alive and to answer an honest request.
func (c caller) well() {
	c.t.Helper()
	c.raw("GET", "/healthz", nil).want(200)
	c.do("GET", "/me", nil).want(200)
}

// one holds an answer to be one of some.
func (a *response) one(of ...int) {
	a.t.Helper()
	if !slices.Contains(of, a.StatusCode) {
		a.t.Errorf("want one of %v: %.300s", of, a)
	}
}

// ask gets a path with a query as it is: bytes that net/url would not write.
func (c caller) ask(path, query string) *response {
	c.t.Helper()
	r := httptest.NewRequest("GET", basePath+path, nil)
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+c.token)
	return c.send(r, nil)
}

// TestAbusedJSON: text that is not JSON in UTF-8, or that JSON's readers
// disagree about (RFC 8259, 4, 8.1 and 9), is refused and nothing is written.
func TestAbusedJSON(t *testing.T) {
	n := quiet(t)
	ann := n.user(t, "ann")
	ann.room("tea", false)
	wide := func(order func(b []byte, r uint16) []byte) string {
		var b []byte
		for _, r := range utf16.Encode([]rune("\ufeff" + `{"body":"a"}`)) {
			b = order(b, r)
		}
		return string(b)
	}
	keys := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":0,`, i)
		}
		return "{" + b.String() + `"body":"a"}`
	}
	for _, x := range []struct {
		name, body string
		status     int
	}{
		{"nested 40,000 deep", strings.Repeat("[", 40_000), 400},
		{"nested and closed", strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000), 400},
		{"nested objects", strings.Repeat(`{"body":`, 10_000) + "1" + strings.Repeat("}", 10_000), 422},
		{"nested below a name", `{"body":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}", 422},
		{"8,000 names", keys(8_000), 422},
		{"100,000 names", keys(100_000), 413},
		{"a name twice", `{"body":"a","body":"b"}`, 400},
		{"a name twice, once escaped", `{"body":"a","b\u006fdy":"b"}`, 400},
		{"a name in large letters", `{"Body":"a"}`, 422},
		{"a long name", `{"` + strings.Repeat("x", 90_000) + `":1}`, 422},
		{"a long number", `{"body":` + strings.Repeat("9", 90_000) + `}`, 422},
		{"a number past all", `{"body":1e999999999}`, 422},
		{"UTF-16, large end first", wide(func(b []byte, r uint16) []byte { return append(b, byte(r>>8), byte(r)) }), 400},
		{"UTF-16, small end first", wide(func(b []byte, r uint16) []byte { return append(b, byte(r), byte(r>>8)) }), 400},
		{"a byte order mark", "\ufeff" + `{"body":"a"}`, 400},
		{"a NUL before", "\x00" + `{"body":"a"}`, 400},
		{"a NUL after", `{"body":"a"}` + "\x00", 400},
		{"a NUL within", "{\"body\":\"a\x00\"}", 400},
		{"overlong UTF-8", "{\"body\":\"\xc0\xaf\"}", 400},
		{"a surrogate in UTF-8", "{\"body\":\"\xed\xa0\x80\"}", 400},
		{"half a surrogate pair", `{"body":"\ud800"}`, 400},
		{"a line end in a string", "{\"body\":\"a\n\"}", 400},
		{"two values", `{"body":"a"}{"body":"b"}`, 400},
		{"a comment", `{"body":"a"/**/}`, 400},
		{"a comma too many", `{"body":"a",}`, 400},
		{"single quotes", `{'body':'a'}`, 400},
		{"not a number", `{"body":NaN}`, 400},
		{"a prototype", `{"__proto__":{"role":"admin"},"body":"a"}`, 422},
		{"only blanks", strings.Repeat(" ", 90_000), 400},
	} {
		t.Run(x.name, func(t *testing.T) {
			before := n.engine.Position()
			c := ann
			c.t = t
			a := c.do("POST", "/rooms/tea/messages", x.body).want(x.status)
			if len(a.body) > 1<<10 || !utf8.Valid(a.body) {
				t.Errorf("%d bytes are said of it: %.200s", len(a.body), a)
			}
			if !n.engine.Position().Equal(before) {
				t.Error("something was written")
			}
			c.well()
		})
	}
}

// TestAbusedCredentials: what is not one good token is no token (RFC 6750, 3.1;
// RFC 6265, 5.4), and an answer never says it again.
func TestAbusedCredentials(t *testing.T) {
	n := quiet(t)
	ann := n.user(t, "ann")
	crowd := strings.Repeat("a=b; ", 300)
	for _, x := range []struct {
		name, header string
		lines        []string
		want         []int
	}{
		{"300 cookies before", "Cookie", []string{crowd + sessionCookie + "=" + ann.token}, []int{200, 401}},
		{"300 cookies after", "Cookie", []string{sessionCookie + "=" + ann.token + "; " + crowd}, []int{200, 401}},
		{"10,000 cookies", "Cookie", []string{strings.Repeat("a=b;", 10_000)}, []int{401}},
		{"1,000 sessions that are none", "Cookie", []string{strings.Repeat(sessionCookie+"=x; ", 1000)}, []int{401}},
		{"1,000 lines", "Cookie", slices.Repeat([]string{"a=b"}, 1000), []int{401}},
		{"a session and a false one", "Cookie", []string{sessionCookie + "=" + ann.token + "; " + sessionCookie + "=x"}, []int{200, 401}},
		{"a false session and a true one", "Cookie", []string{sessionCookie + "=x; " + sessionCookie + "=" + ann.token}, []int{200, 401}},
		{"two sessions in two lines", "Cookie", []string{sessionCookie + "=x", sessionCookie + "=" + ann.token}, []int{200, 401}},
		{"a quoted session", "Cookie", []string{sessionCookie + `="` + ann.token + `"`}, []int{200, 401}},
		{"a session half quoted", "Cookie", []string{sessionCookie + `="` + ann.token}, []int{401}},
		{"a session in large letters", "Cookie", []string{strings.ToUpper(sessionCookie) + "=" + ann.token}, []int{401}},
		{"a session with a blank", "Cookie", []string{sessionCookie + " = " + ann.token}, []int{200, 401}},
		{"a session by commas", "Cookie", []string{"a=b, " + sessionCookie + "=" + ann.token}, []int{401}},
		{"a cookie's attributes", "Cookie", []string{sessionCookie + "=x; Path=/; Domain=evil.example; Max-Age=1"}, []int{401}},
		{"a binary session", "Cookie", []string{sessionCookie + "=\x80\xff\x00"}, []int{401}},
		{"no cookie", "Cookie", []string{";;;=;=x;x=;"}, []int{401}},

		{"no scheme", "Authorization", []string{ann.token}, []int{401}},
		{"two schemes", "Authorization", []string{"Basic eA==, Bearer " + ann.token}, []int{401}},
		{"many schemes", "Authorization", []string{strings.Repeat("Bearer ", 5000) + ann.token}, []int{401}},
		{"the scheme twice", "Authorization", []string{"Bearer Bearer " + ann.token}, []int{401}},
		{"another scheme", "Authorization", []string{"Negotiate " + ann.token}, []int{401}},
		{"parameters", "Authorization", []string{`Bearer token="` + ann.token + `"`}, []int{401}},
		{"a tab", "Authorization", []string{"Bearer\t" + ann.token}, []int{401}},
		{"many blanks", "Authorization", []string{"Bearer " + strings.Repeat(" ", 5000) + ann.token}, []int{200, 401}},
		{"a small scheme", "Authorization", []string{"bearer " + ann.token}, []int{200}},
		{"huge", "Authorization", []string{"Bearer " + strings.Repeat("A", 60_000)}, []int{401}},
		{"huge with dots", "Authorization", []string{"Bearer " + strings.Repeat("A.", 30_000)}, []int{401}},
		{"binary", "Authorization", []string{"Bearer \x80\xff\xfe"}, []int{401}},
		{"a NUL after", "Authorization", []string{"Bearer " + ann.token + "\x00"}, []int{401}},
		{"a false line, then a true one", "Authorization", []string{"Bearer x", "Bearer " + ann.token}, []int{400, 401}},
		{"an empty line, then a true one", "Authorization", []string{"", "Bearer " + ann.token}, []int{400, 401}},
		{"a true line, then a false one", "Authorization", []string{"Bearer " + ann.token, "Bearer x"}, []int{200, 400, 401}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := n.anonymous(t)
			c.extra = http.Header{x.header: x.lines}
			a := c.do("GET", "/me", nil)
			a.one(x.want...)
			if a.Header.Get("Set-Cookie") != "" || strings.Contains(string(a.body), ann.token) {
				t.Errorf("it is said again: %s %v", a, a.Header)
			}
			c = ann
			c.t = t
			c.well()
		})
	}
}

// TestAbusedPositions (I8): a broken header is told to the program that sent it,
// a broken cookie is taken from the browser, which could do nothing about it.
func TestAbusedPositions(t *testing.T) {
	n := quiet(t)
	ann := n.user(t, "ann")
	good := n.engine.Position().String()
	for _, broken := range []string{"x", "=", "AQ==", good + "=", good + good, good[:len(good)-1], `"` + good + `"x`, "a%0d%0aX-Smuggled:%201", strings.Repeat("A", 60_000), "\u0661", "-1", "0", "null"} {
		c := ann
		c.t = t
		c.with(afterKey, broken).do("GET", "/me", nil).want(422)
		a := c.with("Cookie", afterCookie+"="+broken).do("GET", "/me", nil).want(200)
		if _, err := http.ParseCookie(afterCookie + "=" + broken); err != nil {
			continue // it is no cookie, so nobody sees it
		}
		taken := a.cookie(afterCookie)
		if lines := a.Header.Values("Set-Cookie"); len(lines) != 1 || taken == nil || taken.MaxAge >= 0 || taken.Value != "" {
			t.Errorf("%.40q: the answer sets %q", broken, lines)
		}
	}
	both := ann
	both.extra = http.Header{afterKey: {good, good}}
	both.do("GET", "/me", nil).want(422)
	ann.with("Cookie", afterCookie+"=x; "+afterCookie+"="+good).do("GET", "/me", nil).want(200)
	ann.well()
}

// TestAbusedQueries: a query is read strictly where it counts, clamped where the
// contract says so, and what nobody knows is nobody's.
func TestAbusedQueries(t *testing.T) {
	n := quiet(t)
	ann := n.user(t, "ann")
	ann.room("tea", false)
	m := ann.post("tea", "x").ID.String()
	for query, want := range map[string][]int{
		"limit=-1": {422}, "limit=0": {422}, "limit=-0": {422}, "limit=%2B5": {422}, "limit=+5": {422}, "limit=5+": {422}, "limit=5%20": {422}, "limit=%095": {422},
		"limit=1e9": {422}, "limit=0x5": {422}, "limit=5.0": {422}, "limit=1_0": {422}, "limit=%D9%A1%D9%A2": {422}, "limit=%EF%BC%91": {422},
		"limit=99999999999999999999A": {422}, "limit=NaN": {422}, "limit=null": {422}, "limit[]=5": {200}, "limit=5%00": {422}, "limit=": {422}, "limit": {422}, "LIMIT=0": {200}, "limit=005": {200, 422},
		"limit=201": {200}, "limit=1000000000": {200}, "limit=99999999999999999999": {200}, "limit=" + strings.Repeat("9", 30_000): {200},
		"limit=5&limit=6": {200, 422}, "limit=5&limit=x": {200, 422}, "limit=x&limit=5": {422},
		"before=" + m + "&before=" + m: {422}, "before=" + m + "&after=" + m: {422}, "before=" + m + "%00": {422}, "before=" + m + m: {422}, "before=%zz": {422},
		"before=" + strings.Repeat("0", 26): {200}, "after=" + strings.Repeat("Z", 26): {422}, "around=" + strings.Repeat("7", 60_000): {422}, "around=../../x": {422},
		"limit=%zz": {422}, "%zz=1": {422}, "%": {422}, "a;b": {422}, "limit=5;limit=6": {422}, "limit=5%3Blimit=6": {422},
		"unknown=1": {200}, "__proto__=1&constructor=2": {200}, "&&&&": {200}, "=": {200}, "=x": {200}, "?limit=0": {200}, "limit=5#x": {422}, "\xff=\xfe": {200, 422},
		strings.Repeat("a&", 15_000): {200, 422}, strings.Repeat("a=b&", 100_000): {200, 422}, strings.Repeat("limit=5&", 5000): {200, 422}, strings.Repeat("%61", 10_000): {200},
	} {
		for _, path := range []string{"/rooms/tea/messages", "/rooms/tea/messages/" + m + "/replies", "/rooms/tea/members", "/rooms"} {
			if path != "/rooms/tea/messages" && !strings.HasPrefix(query, "limit") {
				continue // the places of messages
			}
			t.Run(path[:6]+" "+query[:min(len(query), 40)], func(t *testing.T) {
				c := ann
				c.t = t
				r := c.ask(path, query)
				r.one(want...)
				if r.StatusCode == 200 {
					var l struct{ Items []any }
					if r.into(&l); len(l.Items) > engine.MaxPage {
						t.Errorf("%d items", len(l.Items))
					}
				}
			})
		}
	}
	ann.well()
}
