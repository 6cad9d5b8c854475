package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// atDoor makes a request at the operator's door.
func (n *node) atDoor(t testing.TB, method, path, body string, headers ...string) *response {
	t.Helper()
	r := httptest.NewRequest(method, basePath+path, strings.NewReader(body))
	r.RemoteAddr = "@" // as of a unix socket
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	n.handler.Operator().ServeHTTP(w, r)
	a := &response{t: t, Response: w.Result(), body: w.Body.Bytes()}
	a.Request = r
	if strings.HasPrefix(path, "/admin/") {
		n.check(a, []byte(body))
	}
	return a
}

// TestOperator manages a node that nobody has an account on.
func TestOperator(t *testing.T) {
	n := newNode(t, func(ec *engine.Config, ac *Config) {
		ac.StrangerRate = engine.Rate{PerSecond: 0.001, Burst: 1}
		ec.UserRate = engine.Rate{PerSecond: 0.001, Burst: 1}
	})
	for range 3 { // no rate is counted
		n.atDoor(t, "GET", "/admin/users", "").want(200)
	}
	a := n.atDoor(t, "POST", "/admin/users", `{"username":"root","password":"correct horse","role":"admin"}`).want(201)
	if a.Header.Get(positionKey) == "" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a write's headers: %v", a.Header)
	}
	n.atDoor(t, "PATCH", "/admin/users/root", `{"role":"user"}`).want(200) // the last one
	n.atDoor(t, "GET", "/admin/users/root", "", afterKey, a.Header.Get(positionKey)).want(200)
	n.atDoor(t, "GET", "/admin/users/root", "", afterKey, "nonsense").refused(422, engine.CodeInvalidField)
	// What a request brings along is not looked at.
	n.atDoor(t, "GET", "/admin/users", "", "Authorization", "Bearer nonsense", "Cookie", sessionCookie+"=nonsense; "+afterCookie+"=nonsense",
		"Origin", "http://evil.example").want(200)
	var b engine.Ban
	n.atDoor(t, "POST", "/admin/bans", `{"user":"root","reason":"x"}`).want(201).into(&b)
	if !b.By.IsZero() {
		t.Errorf("the operator has an account: %+v", b)
	}
}

// TestOperatorHasNoOtherRoutes: there is no user to act for.
func TestOperatorHasNoOtherRoutes(t *testing.T) {
	n := newNode(t, nil)
	for _, rt := range routes {
		if !rt.admin && !rt.root {
			n.atDoor(t, rt.method, rt.path, "").refused(404, engine.CodeNotFound)
		}
	}
	n.atDoor(t, "PUT", "/admin/users", "").refused(405, "method_not_allowed")
	n.atDoor(t, "GET", "/admin//users", "").refused(404, engine.CodeNotFound)
	n.atDoor(t, "GET", "/ws", "").refused(404, engine.CodeNotFound)
}

// TestI9NobodyIsTheOperator: at the public door no header, cookie or address makes anybody the operator.
func TestI9NobodyIsTheOperator(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	zero := (engine.ID{}).String()
	attempts := [][2]string{
		{"Authorization", "Operator"}, {"Authorization", "Bearer operator"}, {"Authorization", "Bearer " + zero}, {"Authorization", "Basic b3BlcmF0b3I6"},
		{"Operator", "true"}, {"X-Operator", "1"}, {"Klatch-Operator", "true"}, {"X-Klatch-Operator", "true"}, {"Klatch-User", zero}, {"X-User", zero},
		{"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-For", "@"}, {"X-Real-Ip", "127.0.0.1"}, {"Forwarded", `for="unix:"`}, {"X-Forwarded-Host", "node"},
		{"Host", "node"}, {"Origin", "http://node"}, {"Cookie", sessionCookie + "=operator"}, {"Cookie", "operator=1"},
		{"X-Original-Url", "/api/v1/admin/users"}, {"X-Http-Method-Override", "GET"},
	}
	for _, from := range []string{"192.0.2.1:1", "127.0.0.1:1", "[::1]:1", "@", "/run/control.sock", ""} {
		for _, h := range attempts {
			for _, rt := range adminRoutes {
				path := strings.NewReplacer("{user}", "ann", "{room}", "x", "{id}", zero, "{session}", zero, "{invite}", zero).Replace(rt.fullPath())
				r := httptest.NewRequest(rt.method, path, http.NoBody)
				r.RemoteAddr, r.Host = from, "node"
				r.Header.Set(h[0], h[1])
				if a := n.anonymous(t).send(r, nil); a.StatusCode != 401 && a.StatusCode != 403 { // 403: a cookie without an Origin
					t.Errorf("from %q with %s %q: %s", from, h[0], h[1], a)
				}
				if h[0] == "Authorization" || h[0] == "Cookie" || h[0] == "Origin" {
					continue
				}
				r.Header.Set("Authorization", "Bearer "+ann.token)
				ann.send(r, nil).refused(403, engine.CodeForbidden)
			}
		}
	}
}

// TestAdminRefusesBeforeItReads: who is no administrator is told so whatever the body, and it is not read.
func TestAdminRefusesBeforeItReads(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	for _, rt := range adminRoutes {
		if rt.body == "" {
			continue
		}
		body := &watchedBody{}
		path := strings.NewReplacer("{user}", "ann", "{room}", "x").Replace(rt.fullPath())
		r := httptest.NewRequest(rt.method, path, body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+ann.token)
		ann.send(r, nil).refused(403, engine.CodeForbidden)
		if body.read {
			t.Errorf("%s: the body was read", rt.id)
		}
	}
}

// watchedBody knows whether it was read.
type watchedBody struct{ read bool }

func (b *watchedBody) Read([]byte) (int, error) {
	b.read = true
	return 0, http.ErrBodyReadAfterClose
}

// TestAdminRate: who knocks without the right is counted all the same.
func TestAdminRate(t *testing.T) {
	n := newNode(t, func(_ *engine.Config, ac *Config) { ac.ReadRate = engine.Rate{PerSecond: 0.5, Burst: 2} })
	ann, admin := n.user(t, "ann"), n.admin(t)
	for range 2 {
		ann.do("GET", "/admin/users", nil).refused(403, engine.CodeForbidden)
	}
	ann.do("GET", "/admin/users", nil).refused(429, engine.CodeRateLimited)
	for range 2 {
		admin.do("GET", "/admin/users", nil).want(200)
	}
	admin.do("GET", "/admin/users", nil).refused(429, engine.CodeRateLimited)
}
