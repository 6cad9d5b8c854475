package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klatch-chat/klatch/engine"
)

func TestNewRefuses(t *testing.T) {
	n := newNode(t, nil)
	for name, c := range map[string]Config{
		"no engine":         {},
		"a negative bound":  {Engine: n.engine, MaxBody: -1},
		"no page in assets": {Engine: n.engine, Assets: fstest.MapFS{"a.js": {}}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	n := newNode(t, func(_ *engine.Config, c *Config) { c.Assets = fstest.MapFS{"index.html": {Data: []byte("page")}} })
	for _, path := range []string{"/nothing", "/api", "/api/", basePath, basePath + "/", basePath + "/nothing", basePath + "/me/", basePath + "//me",
		basePath + "/rooms/x/../x", basePath + "/ws", "/socket.io/", "/assets/", "/../etc/passwd", "/index.html/", "/healthz/", basePath + "/rooms//messages"} {
		n.anonymous(t).raw("GET", path, nil).refused(404, engine.CodeNotFound)
	}
	for _, c := range []struct{ method, path, allow string }{
		{"PUT", basePath + "/me", "GET, HEAD, PATCH"},
		{"GET", basePath + "/login", "POST"},
		{"HEAD", basePath + "/login", "POST"},
		{"OPTIONS", basePath + "/rooms/x/messages", "GET, HEAD, POST"},
		{"PUT", basePath + "/rooms/direct", "DELETE, GET, HEAD, PATCH, POST"},
		{"POST", "/healthz", "GET, HEAD"},
		{"POST", "/", "GET, HEAD"},
		{"BREW", basePath + "/me", "GET, HEAD, PATCH"},
	} {
		a := n.anonymous(t).raw(c.method, c.path, nil).want(405)
		if got := a.Header.Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
		if c.method != "HEAD" {
			a.refused(405, codeMethodNotAllowed)
		}
	}
}

func TestHead(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	get, head := ann.do("GET", "/me", nil).want(200), ann.do("HEAD", "/me", nil).want(200)
	if len(head.body) != 0 {
		t.Errorf("HEAD has a body: %s", head)
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Cache-Control"} {
		if g, h := get.Header.Get(name), head.Header.Get(name); g == "" || g != h {
			t.Errorf("%s: GET %q, HEAD %q", name, g, h)
		}
	}
	n.anonymous(t).do("HEAD", "/me", nil).want(401)
}

// TestHeaders holds what browsers are told about each kind of answer against one table.
func TestHeaders(t *testing.T) {
	everywhere := map[string]string{"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
	data := map[string]string{"Content-Security-Policy": apiPolicy, "Cache-Control": "no-store", "X-Frame-Options": "", "Referrer-Policy": ""}
	page := map[string]string{"Content-Security-Policy": pagePolicy, "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache"}
	for _, tls := range []bool{false, true} {
		n := newNode(t, func(_ *engine.Config, c *Config) {
			c.Assets, c.HSTS = fstest.MapFS{"index.html": {Data: []byte("page")}, "app-0123456789ab.js": {Data: []byte("code")}}, tls
			c.Realtime = http.NotFoundHandler()
		})
		for _, c := range []struct {
			method, path string
			status       int
			fields       map[string]string
		}{
			{"GET", "/", 200, page},
			{"GET", "/app-0123456789ab.js", 200, map[string]string{"X-Frame-Options": "DENY", "Content-Security-Policy": pagePolicy}},
			{"GET", "/healthz", 200, data},
			{"GET", basePath + "/openapi.json", 200, map[string]string{"Content-Security-Policy": apiPolicy}},
			{"GET", basePath + "/me", 401, data},
			{"POST", basePath + "/login", 415, data},
			{"PUT", basePath + "/login", 405, data},
			{"GET", "/nothing", 404, data},
			{"GET", "//odd//path", 404, data},
			{"GET", basePath + "/ws", 404, nil},
		} {
			h := n.anonymous(t).raw(c.method, c.path, nil).want(c.status).Header
			want := maps.Clone(c.fields)
			if want != nil {
				maps.Copy(want, everywhere)
			} else {
				want = map[string]string{}
			}
			if want["Strict-Transport-Security"] = ""; tls {
				want["Strict-Transport-Security"] = "max-age=31536000"
			}
			for name, value := range want {
				if got := h.Get(name); got != value {
					t.Errorf("TLS %v: %s %s: %s: %q, want %q", tls, c.method, c.path, name, got, value)
				}
			}
		}
	}
	if strings.Contains(pagePolicy, "unsafe") {
		t.Error("the page may run what stands in it")
	}
}

func TestRequestID(t *testing.T) {
	n := newNode(t, nil)
	for given, kept := range map[string]bool{"abc-1_2.3": true, strings.Repeat("a", 64): true, "": false, strings.Repeat("a", 65): false, "a b": false, "a\tb": false, "é": false} {
		got := n.anonymous(t).with("X-Request-Id", given).raw("GET", "/healthz", nil).Header.Get("X-Request-Id")
		if got == "" || (got == given) != kept {
			t.Errorf("given %q, answered %q", given, got)
		}
	}
}

// TestHealth drains a node.
func TestHealth(t *testing.T) {
	n := newNode(t, nil)
	n.anonymous(t).raw("GET", "/readyz", nil).want(200)
	n.engine.Drain()
	n.anonymous(t).raw("GET", "/healthz", nil).want(200)
	a := n.anonymous(t).raw("GET", "/readyz", nil)
	if a.refused(503, engine.CodeUnavailable); a.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a.Header)
	}
}

// TestClosedEngine writes to an engine that takes nothing any more.
func TestClosedEngine(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	must(t, n.engine.Close())
	a := ann.do("POST", "/rooms", map[string]any{"name": "garden"})
	if a.refused(503, engine.CodeUnavailable); a.Header.Get("Retry-After") == "" || a.Header.Get(positionKey) != "" {
		t.Errorf("headers: %v", a.Header)
	}
	ann.do("GET", "/me", nil).want(200)
}

// broken answers with what a server must keep to itself.
func (n *node) broken(t *testing.T, handle http.HandlerFunc) *response {
	t.Helper()
	s := n.handler.(*server)
	r, w := s.begin(httptest.NewRequest("GET", "/secret", nil)), httptest.NewRecorder()
	s.observed(w, r, handle)
	res := w.Result()
	res.Request = r
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return &response{t, res, body}
}

func TestInsidesAreKept(t *testing.T) {
	var log bytes.Buffer
	var seen []Observation
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Observe = func(o Observation) { seen = append(seen, o) }
	})
	s := n.handler.(*server)
	for name, handle := range map[string]http.HandlerFunc{
		"a panic":  func(http.ResponseWriter, *http.Request) { panic("hush") },
		"an error": func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errors.New("hush")) },
		"an unknown code": func(w http.ResponseWriter, r *http.Request) {
			s.fail(w, r, &engine.Error{Code: "odd", Message: "hush"})
		},
		"a cause": func(w http.ResponseWriter, r *http.Request) {
			s.fail(w, r, &engine.Error{Code: engine.CodeInternal, Message: "hush", Err: errors.New("hush")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			seen = nil
			a := n.broken(t, handle)
			if a.refused(500, engine.CodeInternal); strings.Contains(string(a.body), "hush") {
				t.Errorf("told: %s", a)
			}
			if id := a.Header.Get("X-Request-Id"); !strings.Contains(log.String(), "hush") || strings.Count(log.String(), id) != 2 {
				t.Errorf("the log, for request %s: %s", id, log.String())
			}
			if len(seen) != 1 || seen[0].Status != 500 {
				t.Errorf("observed %+v", seen)
			}
		})
	}
	t.Run("a panic in the middle", func(t *testing.T) {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("an answer that had begun was not cut: %v", v)
			}
		}()
		n.broken(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); panic("hush") })
	})
}

func TestObservations(t *testing.T) {
	var seen []Observation
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Assets = fstest.MapFS{"index.html": {Data: []byte("page")}}
		c.Observe = func(o Observation) { seen = append(seen, o) }
	})
	c := n.anonymous(t)
	c.raw("GET", "/", nil)
	c.do("GET", "/rooms/garden/messages", nil)
	c.raw("BREW", "/x", nil)
	for i, want := range []Observation{{"assets", "GET", 200, 0, 4}, {basePath + "/rooms/{room}/messages", "GET", 401, 0, 0}, {"", "other", 404, 0, 0}} {
		got := seen[i]
		if want.Bytes == 0 {
			got.Bytes = 0
		}
		if got != want {
			t.Errorf("observed %+v, want %+v", got, want)
		}
	}
}

// TestLogsKeepSecrets makes calls that carry secrets and looks for them in a log of everything.
func TestLogsKeepSecrets(t *testing.T) {
	var log bytes.Buffer
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ann := n.user(t, "ann")
	ann.do("GET", "/me?token="+ann.token, nil).want(200)
	ann.do("PATCH", "/me", `{"password":"another horse","current_password":"wrong horse"}`).want(403)
	if log.Len() == 0 {
		t.Fatal("nothing was logged")
	}
	for _, secret := range []string{ann.token, "horse"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q: %s", secret, log.String())
		}
	}
}

// TestDoors mounts handlers that take connections over, and shows them the client's address.
func TestDoors(t *testing.T) {
	door := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := w.(*httptest.ResponseRecorder); !ok {
				t.Errorf("%s: something stands before the connection: %T", name, w)
			}
			_, _ = io.WriteString(w, name+" "+r.RemoteAddr)
		})
	}
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Realtime, c.SocketIO = door("realtime"), door("socketio")
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	for path, name := range map[string]string{basePath + "/ws": "realtime", "/socket.io/": "socketio", "/socket.io/?EIO=4": "socketio"} {
		a := n.anonymous(t).with("X-Forwarded-For", "198.51.100.7").raw("GET", path, nil)
		if want := name + " 198.51.100.7:0"; string(a.body) != want {
			t.Errorf("%s: %q, want %q", path, a.body, want)
		}
	}
}

// TestGoneClientIsNoFailure: who hangs up in the middle of a write has not found an error.
func TestGoneClientIsNoFailure(t *testing.T) {
	var log bytes.Buffer
	n := newNode(t, func(_ *engine.Config, c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s := n.handler.(*server)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	s.fail(httptest.NewRecorder(), r, &engine.Error{Code: engine.CodeUnavailable, Message: "gave up", Err: ctx.Err()})
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}
