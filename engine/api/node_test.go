package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// node is a whole server on a disk in memory. What it answers is held against the OpenAPI document.
type node struct {
	engine  *engine.Engine
	handler Handler
	clock   *clock

	mu   sync.Mutex
	seen map[string]bool // "operationId status"
}

// newNode opens a server; change may be nil.
func newNode(t testing.TB, change func(*engine.Config, *Config)) *node {
	t.Helper()
	store, err := storage.Open("data", storage.Options{FS: vfs.NewMem(), Memory: 8 << 20, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, seen: map[string]bool{}}
	ec := engine.Config{Store: store, Now: n.clock.Now, Password: engine.PasswordCost{MemoryKiB: 8, Passes: 1, Lanes: 1}}
	ac := Config{Now: n.clock.Now, Version: "test", Memory: 4 << 20, Figures: func() NodeStats {
		return NodeStats{Node: "x", Cache: []CacheStats{{Name: "answers"}}, Cluster: []PeerStats{}}
	}}
	if change != nil {
		change(&ec, &ac)
	}
	if n.engine, err = engine.Open(ec); err != nil {
		t.Fatal(err)
	}
	ac.Engine = n.engine
	if n.handler, err = New(ac); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(n.handler.Close(), n.engine.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return n
}

// caller makes requests, as a user if it has a token.
type caller struct {
	t     testing.TB
	n     *node
	name  string
	user  engine.ID
	token string
	extra http.Header
}

func (n *node) anonymous(t testing.TB) caller { return caller{t: t, n: n, name: "anonymous"} }

// user registers somebody.
func (n *node) user(t testing.TB, name string) caller { return n.invited(t, name, "") }

func (n *node) invited(t testing.TB, name, invite string) caller {
	t.Helper()
	body := map[string]any{"username": name, "password": "correct horse"}
	if invite != "" {
		body["invite"] = invite
	}
	var in signedIn
	n.anonymous(t).do("POST", "/register", body).want(201).into(&in)
	return caller{t: t, n: n, name: name, user: in.User.ID, token: in.Token}
}

// signIn signs the same user in again.
func (c caller) signIn() caller {
	c.t.Helper()
	var in signedIn
	c.n.anonymous(c.t).do("POST", "/login", map[string]any{"username": c.name, "password": "correct horse"}).want(200).into(&in)
	c.token = in.Token
	return c
}

// session is the id of the sign-in that the caller's token is of.
func (c caller) session() string {
	c.t.Helper()
	who, err := c.n.engine.Authenticate(context.Background(), c.token)
	if err != nil {
		c.t.Fatal(err)
	}
	return who.Token.String()
}

// admin registers the first administrator.
func (n *node) admin(t testing.TB) caller {
	t.Helper()
	invite, err := n.engine.SetupInvite()
	if err != nil || invite == "" {
		t.Fatalf("no invite for the first administrator: %q, %v", invite, err)
	}
	return n.invited(t, "admin", invite)
}

// with returns a caller that sends one header more.
func (c caller) with(name, value string) caller {
	h := c.extra.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Add(name, value)
	c.extra = h
	return c
}

// do makes a request under basePath. A string body is sent as it is, anything else as JSON.
func (c caller) do(method, path string, body any) *response {
	c.t.Helper()
	return c.raw(method, basePath+path, body)
}

func (c caller) raw(method, target string, body any) *response {
	c.t.Helper()
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	default:
		var err error
		if sent, err = json.Marshal(b); err != nil {
			c.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, target, bytes.NewReader(sent))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, values := range c.extra {
		r.Header[name] = values
	}
	return c.send(r, sent)
}

func (c caller) send(r *http.Request, sent []byte) *response {
	c.t.Helper()
	a := c.unchecked(r)
	c.n.check(a, sent)
	return a
}

// unchecked is send for answers that are not as the document shows them: coded ones.
func (c caller) unchecked(r *http.Request) *response {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.n.handler.ServeHTTP(w, r)
	res := w.Result()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Request = r
	return &response{c.t, res, got}
}

// response is an answer; it knows what was asked.
type response struct {
	t testing.TB
	*http.Response
	body []byte
}

func (a *response) String() string {
	return a.Request.Method + " " + a.Request.URL.String() + ": " + a.Status + " " + string(a.body)
}

func (a *response) want(status int) *response {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("want %d: %s", status, a)
	}
	return a
}

func (a *response) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%s: %v", a, err)
	}
}

// refused holds the answer to be a problem of a code.
func (a *response) refused(status int, code engine.Code) problem {
	a.t.Helper()
	a.want(status)
	var p problem
	a.into(&p)
	if p.Code != code || p.Status != status {
		a.t.Fatalf("want code %s: %s", code, a)
	}
	return p
}

func (a *response) cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (c caller) room(name string, private bool) engine.RoomView {
	c.t.Helper()
	var v engine.RoomView
	c.do("POST", "/rooms", map[string]any{"name": name, "private": private}).want(201).into(&v)
	return v
}

func (c caller) post(room, body string) engine.Message {
	c.t.Helper()
	var m engine.Message
	c.do("POST", "/rooms/"+room+"/messages", map[string]any{"body": body}).want(201).into(&m)
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
