package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

func (c caller) sessions() (items []engine.SignIn) {
	c.t.Helper()
	var l list[engine.SignIn]
	a := c.do("GET", "/me/sessions", nil).want(200)
	if a.Header.Get("X-Cache") != "BYPASS" || a.Header.Get("Cache-Control") != "private, no-cache" {
		c.t.Errorf("a private list may be kept: %v", a.Header)
	}
	a.into(&l)
	return l.Items
}

// TestI9SessionsAreTheirUsers: who asks sees and ends nobody's sign-ins but the own.
func TestI9SessionsAreTheirUsers(t *testing.T) {
	n := newNode(t, nil)
	ann, eve := n.user(t, "ann"), n.user(t, "eve")
	stranger := n.anonymous(t)
	before := n.engine.Position()
	stranger.do("GET", "/me/sessions", nil).refused(401, engine.CodeUnauthorized)
	stranger.do("DELETE", "/me/sessions", nil).refused(401, engine.CodeUnauthorized)
	stranger.do("DELETE", "/me/sessions/"+ann.session(), nil).refused(401, engine.CodeUnauthorized)
	for _, id := range []string{
		ann.session(), strings.ToLower(ann.session()), nothing, ann.user.String(), "x", "%00", strings.Repeat("7", 26), strings.Repeat("0", 9000),
	} {
		eve.do("DELETE", "/me/sessions/"+id, nil).refused(404, engine.CodeNotFound)
	}
	if !n.engine.Position().Equal(before) {
		t.Error("something was written")
	}
	eve.do("DELETE", "/me/sessions", nil).want(204)
	if got := ann.sessions(); len(got) != 1 || !got[0].Current {
		t.Errorf("ann's: %+v", got)
	}
	if got := eve.sessions(); len(got) != 1 || got[0].ID.String() != eve.session() {
		t.Errorf("eve's: %+v", got)
	}
}

// TestI9RevokedSessionListsNothing: neither its token nor the cookie opens anything any more.
func TestI9RevokedSessionListsNothing(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	lost := ann.signIn()
	gone := lost.session()
	ann.do("DELETE", "/me/sessions/"+gone, nil).want(204)
	lost.do("GET", "/me/sessions", nil).refused(401, engine.CodeUnauthorized)
	lost.do("DELETE", "/me/sessions", nil).refused(401, engine.CodeUnauthorized)
	cookie := n.anonymous(t).with("Cookie", sessionCookie+"="+lost.token).with("Origin", "http://example.com")
	cookie.do("DELETE", "/me/sessions/"+ann.session(), nil).refused(401, engine.CodeUnauthorized)
	ann.do("DELETE", "/me/sessions/"+gone, nil).refused(404, engine.CodeNotFound)
	if got := ann.sessions(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestRevokingTheOwnSessionSignsOut: the browser's cookie goes with it.
func TestRevokingTheOwnSessionSignsOut(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	a := ann.do("DELETE", "/me/sessions/"+ann.session(), nil).want(204)
	if c := a.cookie(sessionCookie); c == nil || c.Value != "" || c.MaxAge >= 0 {
		t.Errorf("the cookie: %+v", c)
	}
	again := ann.signIn()
	if c := again.do("DELETE", "/me/sessions", nil).want(204).cookie(sessionCookie); c != nil {
		t.Errorf("ending the others touched the cookie: %+v", c)
	}
	ann.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
}

// TestI9SessionsCrossSite: another site's page ends no sign-in by the cookie.
func TestI9SessionsCrossSite(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	other := ann.signIn()
	evil := n.anonymous(t).with("Cookie", sessionCookie+"="+ann.token).with("Origin", "http://evil.example")
	evil.do("DELETE", "/me/sessions", nil).refused(403, engine.CodeForbidden)
	evil.do("DELETE", "/me/sessions/"+other.session(), nil).refused(403, engine.CodeForbidden)
	if got := ann.sessions(); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

// TestSessionAgents: what a program calls itself is kept as text that can be shown, of every way to sign in.
func TestSessionAgents(t *testing.T) {
	n := newNode(t, nil)
	for i, x := range []struct{ sent, want string }{
		{"curl/8.5.0", "curl/8.5.0"},
		{"", ""},
		{"  a\x00b\x1b[31mc\r\nd\x7f\u0085e\u202ef\u200bg  ", "ab[31mcdefg"},
		{"caf\xc3\xa9 \xff\xfe", "café"},
		{strings.Repeat("é", 300), strings.Repeat("é", 100)},
		{strings.Repeat("x", 199) + "é", strings.Repeat("x", 199)},
	} {
		name := fmt.Sprint("user", i)
		with := n.anonymous(t).with("User-Agent", x.sent)
		var in signedIn
		with.do("POST", "/register", map[string]any{"username": name, "password": "correct horse"}).want(201)
		with.do("POST", "/login", map[string]any{"username": name, "password": "correct horse"}).want(200).into(&in)
		c := caller{t: t, n: n, name: name, token: in.Token}
		list := c.sessions()
		var changed me
		c.with("User-Agent", x.sent).do("PATCH", "/me", map[string]any{"password": "another horse", "current_password": "correct horse"}).want(200).into(&changed)
		c.token = changed.Token
		list = append(list, c.sessions()...)
		if len(list) != 3 {
			t.Fatalf("%q: %+v", x.sent, list)
		}
		for _, s := range list {
			if s.Agent != x.want {
				t.Errorf("%q is kept as %q, not %q", x.sent, s.Agent, x.want)
			}
		}
	}
}

// TestI8SessionsEndOnTime: a list is as of now, also where nothing was written meanwhile.
func TestI8SessionsEndOnTime(t *testing.T) {
	n := newNode(t, func(e *engine.Config, _ *Config) { e.TokenLifetime = time.Hour })
	ann := n.user(t, "ann")
	n.clock.add(50 * time.Minute)
	late := ann.signIn()
	if got := late.sessions(); len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	n.clock.add(10 * time.Minute)
	if got := late.sessions(); len(got) != 1 || got[0].ID.String() != late.session() {
		t.Errorf("%+v", got)
	}
}

// TestI6ManySignIns: 150 sign-ins leave 100; the oldest have ended, and say so.
func TestI6ManySignIns(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	all := []caller{ann}
	for range 149 {
		all = append(all, ann.signIn())
	}
	last := all[len(all)-1]
	list := last.sessions()
	if len(list) != engine.SignInLimit || !list[0].Current {
		t.Fatalf("I6: %d are kept", len(list))
	}
	for i, c := range all {
		if i < len(all)-engine.SignInLimit {
			c.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
			continue
		}
		if got := list[len(all)-1-i].ID.String(); got != c.session() {
			t.Errorf("the %dth is %s", i, got)
		}
	}
}
