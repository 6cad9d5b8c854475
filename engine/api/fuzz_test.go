package api

import (
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine"
)

// FuzzBody decodes anything: it is taken, and then it is JSON in UTF-8, or
// refused with a code of the client's and a field name that may be sent back.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"body":"a","nonce":"b","reply_to":null}`, `{"users":["a",1]}`, `{"private":true,"name":"x"}`, `{"a~1b":1}`,
		"{\"body\":\"\xff\"}", `{"body":"\ud800"}`, `{"body":1}{}`, ``, `null`, `[]`, `{"body":"a","body":"b"}`, `{"` + strings.Repeat("é", 100) + `":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, into := range []any{&newMessage{}, &newRoom{}, &roomChange{}, &directRoom{}, &registration{}, &readMark{}, &profileChange{}, &newInvite{}} {
			err := unmarshal(b, into)
			if err == nil {
				if !json.Valid(b) || !utf8.Valid(b) {
					t.Fatalf("taken: %q", b)
				}
				continue
			}
			var e *engine.Error
			if !errors.As(err, &e) || statuses[e.Code] < 400 || statuses[e.Code] >= 500 {
				t.Fatalf("%q: %v", b, err)
			}
			for _, field := range e.Fields {
				if len(field.Field) > maxFieldEcho || !utf8.ValidString(field.Field) {
					t.Fatalf("%q: field %q", b, field.Field)
				}
			}
		}
	})
}

// FuzzRequest calls a server with any method, path, query, position and body:
// it answers, as documented, and never with 500.
func FuzzRequest(f *testing.F) {
	for _, rt := range routes {
		path := strings.NewReplacer("{room}", "garden", "{user}", "ann", "{id}", nothing, "{emoji}", "x").Replace(rt.fullPath())
		f.Add(rt.method, path, "limit=2&after="+nothing, "", []byte(`{"body":"a","name":"b","role":"member"}`))
	}
	f.Add("GET", "//", "%zz;", "x", []byte(nil))
	f.Add("CONNECT", "/api/v1/../me", "a=%00", "AQ", []byte("{"))
	n := newNode(f, nil)
	ann := n.user(f, "ann")
	f.Fuzz(func(t *testing.T, method, path, query, after string, body []byte) {
		u := &url.URL{Path: path, RawQuery: query}
		if p, err := url.PathUnescape(path); err == nil {
			u.Path, u.RawPath = p, path
		}
		r := httptest.NewRequest("GET", "/", strings.NewReader(string(body)))
		if u.Path == basePath+"/logout" {
			t.Skip("the walk has it, and the next calls need the token")
		}
		if !token(method) || strings.ContainsAny(after, "\r\n\x00") {
			t.Skip("net/http lets no such request through")
		}
		r.Method, r.URL = method, u
		r.Header.Set("Authorization", "Bearer "+ann.token)
		r.Header.Set("Content-Type", "application/json")
		if after != "" {
			r.Header.Set(afterKey, after)
		}
		c := ann
		c.t = t
		if _, err := n.engine.FindRoom("garden"); err != nil { // the fuzzer has ended the one before
			c.room("garden", false)
		}
		if a := c.send(r, body); a.StatusCode == http.StatusInternalServerError {
			t.Fatal(a)
		}
	})
}

// FuzzQuery reads any query as every route would: it is refused with a field
// that is named, or what comes of it is within bounds and says what was asked.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "limit=5", "limit=-1", "limit=0", "limit=201", "limit=99999999999999999999", "limit=99999999999999999999A", "limit=\u0661\u0662", "limit=5+", "limit=%2B5", "limit=5&limit=6",
		"before=" + nothing, "after=" + nothing + "&limit=2", "around=" + nothing + "&around=" + nothing, "before=" + nothing + "&after=" + nothing, "after=" + strings.Repeat("0", 26),
		"%zz", "a;b", "limit=%zz", "&&&=", strings.Repeat("a&", 50), "limit", "limit[]=1", "LIMIT=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &request{Request: httptest.NewRequest("GET", "/", nil)}
		r.URL.RawQuery = query
		q, malformed := url.ParseQuery(query)
		rg, err := r.messageRange()
		if refusable(t, query, err) {
			places := 0
			for name, id := range map[string]engine.ID{"before": rg.Before, "after": rg.After, "around": rg.Around} {
				if id.IsZero() == q.Has(name) {
					t.Fatalf("%q: %s is %v", query, name, id)
				}
				places += len(q[name])
			}
			asked(t, q, rg.Limit)
			if places > 1 || malformed != nil {
				t.Fatalf("%q is taken, with %d places, %v", query, places, malformed)
			}
		}
		after, n, err := r.listRange()
		if refusable(t, query, err) {
			if asked(t, q, n); after != q.Get("after") || malformed != nil {
				t.Fatalf("%q is taken, after %q, %v", query, after, malformed)
			}
		}
		id, n, err := r.idListRange()
		if refusable(t, query, err) {
			if asked(t, q, n); id.IsZero() != (strings.Trim(q.Get("after"), "0") == "") {
				t.Fatalf("%q: after %v", query, id)
			}
		}
	})
}

// refusable holds an error to be one of a field, and reports whether there is none.
func refusable(t *testing.T, query string, err error) (taken bool) {
	if err == nil {
		return true
	}
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != engine.CodeInvalidField || len(e.Fields) != 1 ||
		!slices.Contains([]string{"query", "limit", "before", "after", "around"}, e.Fields[0].Field) {
		t.Fatalf("%q: %v", query, err)
	}
	return false
}

// asked holds a limit to be the one that was asked for, clamped.
func asked(t *testing.T, q url.Values, n int) {
	want := defaultLimit
	if q.Has("limit") {
		digits := q.Get("limit")
		if digits == "" || strings.Trim(digits, "0123456789") != "" {
			t.Fatalf("limit %q is taken", digits)
		}
		want = engine.MaxPage
		if given, ok := new(big.Int).SetString(digits, 10); ok && given.Cmp(big.NewInt(engine.MaxPage)) < 0 {
			want = int(given.Int64())
		}
	}
	if n != want || n < 1 {
		t.Fatalf("limit %q is %d, want %d", q.Get("limit"), n, want)
	}
}

// FuzzHeaders sends any header field to every kind of handler: it answers, not
// with 500, and nothing of the field stands in the answer's header.
func FuzzHeaders(f *testing.F) {
	for name, values := range map[string][]string{
		"X-Request-Id": {"abc", "a\r\nX-Smuggled: 1", strings.Repeat("a", 65), "\x80"}, "Klatch-After": {"AQ", "x", "a\r\nb"},
		"Cookie":        {"klatch_after=x", "klatch_session=x; klatch_session=y", `klatch_session="`, ";;=", "klatch_after=AQ"},
		"Authorization": {"Bearer", "Bearer x", "Basic eA==", "\xff", ""}, "Origin": {"null", "http://example.com", "%", "http://[::1"},
		"If-None-Match": {"*", `"`, `W/"x"`, `"x", "y"`, ","}, "If-Match": {"*", `"x`, ""}, "If-Modified-Since": {"x", "Fri, 31 Dec 9999 23:59:59 GMT"},
		"If-Unmodified-Since": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "If-Range": {`"x"`, "x"}, "Range": {"bytes=0-0,0-0", "bytes=-0", "bytes=9-", "x=1"},
		"Accept-Encoding": {"gzip;q=0, *", "br;;q=", "identity;q=0"}, "Accept": {"*/*;q=x"}, "Content-Type": {"application/json; charset=x", "text/plain", ";"},
		"Content-Encoding": {"gzip"}, "X-Forwarded-For": {"::1, x", "[::1]:80,,", "1.2.3.4"}, "X-Forwarded-Proto": {"https, x"}, "Sec-Fetch-Mode": {"navigate"},
		"Cache-Control": {"no-cache", "max-age=x"}, "Connection": {"close, x"}, "Expect": {"x"}, "Upgrade": {"websocket"}, "Transfer-Encoding": {"chunked"}, "X-Smuggled": {"1"},
	} {
		for i, value := range values {
			f.Add(uint8(i), name, value)
		}
	}
	n := newNode(f, func(_ *engine.Config, c *Config) {
		c.Assets = fstest.MapFS{"index.html": {Data: []byte("<!doctype html><p>" + strings.Repeat("page ", 300))}}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // where httptest's requests come from
	})
	ann := n.user(f, "ann")
	ann.room("garden", false)
	targets := []struct{ method, path, body string }{
		{"GET", "/", ""}, {"GET", "/healthz", ""}, {"GET", basePath + "/openapi.json", ""}, {"GET", basePath + "/me", ""},
		{"GET", basePath + "/rooms/garden/messages", ""}, {"HEAD", basePath + "/rooms", ""}, {"GET", "/nothing", ""}, {"PUT", "/", ""},
		{"POST", basePath + "/rooms/garden/messages", `{"body":"a","nonce":"once"}`}, // the same message each time
		{"POST", basePath + "/login", `{"username":"ann","password":"correct horse"}`},
	}
	call := func(t testing.TB, target uint8, name, value string) http.Header {
		x := targets[int(target)%len(targets)]
		r := httptest.NewRequest(x.method, x.path, strings.NewReader(x.body))
		r.Header.Set("Authorization", "Bearer "+ann.token)
		r.Header.Set("Content-Type", "application/json")
		if name = textproto.CanonicalMIMEHeaderKey(name); name != "" {
			r.Header[name] = []string{value}
		}
		w := httptest.NewRecorder()
		n.handler.ServeHTTP(w, r)
		waits := w.Code == http.StatusServiceUnavailable && name == afterKey && w.Header().Get("Retry-After") != "" // I8
		if w.Code < 200 || w.Code >= 500 && !waits {
			t.Errorf("%s %s, %q: %q: %d %s", x.method, x.path, name, value, w.Code, w.Body)
		}
		return w.Result().Header
	}
	plain := make([]http.Header, len(targets))
	for i := range targets {
		plain[i] = call(f, uint8(i), "", "")
	}
	f.Fuzz(func(t *testing.T, target uint8, name, value string) {
		for answered, lines := range call(t, target, name, value) {
			for _, line := range lines {
				if strings.ContainsAny(line, "\r\n\x00") {
					t.Fatalf("%q: %q gives %s: %q", name, value, answered, line)
				}
				own := slices.Contains(plain[int(target)%len(targets)][answered], line)
				if !own && len(value) >= 16 && answered != "X-Request-Id" && strings.Contains(line, value) {
					t.Fatalf("%q: %q comes back as %s: %q", name, value, answered, line)
				}
			}
			if strings.Contains(answered, "Smuggled") {
				t.Fatalf("%q: %q gives %s", name, value, answered)
			}
		}
	})
}

// token reports whether s may be a method (RFC 9110).
func token(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_!#$%&'*+.^`|~") == ""
}
