package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
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

// token reports whether s may be a method (RFC 9110).
func token(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_!#$%&'*+.^`|~") == ""
}
