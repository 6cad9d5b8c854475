package api

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// TestI9CrossSite makes unsafe calls with the session cookie from everywhere.
func TestI9CrossSite(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	cookie := ann
	cookie.token = ""
	cookie = cookie.with("Cookie", "other=1; "+sessionCookie+"="+ann.token)
	type headers map[string]string
	for _, c := range []struct {
		name    string
		headers headers
		ok      bool
	}{
		{"the own page", headers{"Origin": "http://example.com"}, true},
		{"the own page by TLS", headers{"Origin": "https://EXAMPLE.com", "Sec-Fetch-Site": "same-origin"}, true},
		{"no origin, same site", headers{"Sec-Fetch-Site": "same-origin"}, true},
		{"no origin, typed", headers{"Sec-Fetch-Site": "none"}, true},
		{"nothing", headers{}, false},
		{"another host", headers{"Origin": "http://evil.example"}, false},
		{"another host that says same-origin", headers{"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, false},
		{"a sibling", headers{"Origin": "http://a.example.com"}, false},
		{"another port", headers{"Origin": "http://example.com:8080"}, false},
		{"a longer host", headers{"Origin": "http://example.com.evil.example"}, false},
		{"a user part", headers{"Origin": "http://example.com@evil.example"}, false},
		{"null", headers{"Origin": "null"}, false},
		{"an empty origin", headers{"Origin": ""}, false},
		{"no URL", headers{"Origin": "http://[::"}, false},
		{"no origin, a sibling", headers{"Sec-Fetch-Site": "same-site"}, false},
		{"no origin, cross-site", headers{"Sec-Fetch-Site": "cross-site"}, false},
		{"a referrer only", headers{"Referer": "http://example.com/"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := n.engine.Position()
			page, program, stranger := cookie, ann, n.anonymous(t)
			page.t = t
			for name, value := range c.headers {
				page, program, stranger = page.with(name, value), program.with(name, value), stranger.with(name, value)
			}
			page.do("GET", "/me", nil).want(200)
			for _, call := range []struct{ method, path, body string }{
				{"PATCH", "/me", `{"display_name":"A"}`}, {"POST", "/rooms/direct", `{"users":["x"]}`}, {"DELETE", "/rooms/x", ""}, {"POST", "/invites", ""},
			} {
				if !c.ok {
					page.do(call.method, call.path, call.body).refused(403, engine.CodeForbidden)
				}
			}
			if c.ok {
				page.do("POST", "/rooms/garden/join", nil).refused(404, engine.CodeNotFound)
				page.do("PATCH", "/me", `{"display_name":"A"}`).want(200)
			} else if !n.engine.Position().Equal(before) {
				t.Error("something was written")
			}
			// A token that no browser adds by itself needs no origin, nor does sign-in.
			program.do("PATCH", "/me", `{"display_name":"A"}`).want(200)
			stranger.do("POST", "/login", `{"username":"ann","password":"correct horse"}`).want(200)
		})
	}
	// What a page can send to another site without being asked for leave is not JSON.
	cookie.with("Origin", "http://evil.example").with("Content-Type", "text/plain").
		do("POST", "/login", `{"username":"ann","password":"correct horse"}`).refused(415, engine.CodeInvalidJSON)
}

// TestSessionCookie signs in as a browser does, and out.
func TestSessionCookie(t *testing.T) {
	n := newNode(t, nil)
	n.user(t, "ann")
	a := n.anonymous(t).do("POST", "/login", `{"username":"ann","password":"correct horse"}`).want(200)
	var in signedIn
	a.into(&in)
	c := a.cookie(sessionCookie)
	if c == nil || c.Value != in.Token || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure ||
		c.MaxAge < 29*24*3600 || c.MaxAge > 30*24*3600 {
		t.Fatalf("the cookie: %+v", c)
	}
	browser := n.anonymous(t).with("Cookie", c.Name+"="+c.Value).with("Origin", "http://example.com")
	browser.do("GET", "/me", nil).want(200)
	out := browser.do("POST", "/logout", nil).want(204).cookie(sessionCookie)
	if out == nil || out.Value != "" || out.MaxAge >= 0 || out.Path != "/" {
		t.Errorf("after signing out: %+v", out)
	}
	browser.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
}

func TestSecureCookies(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name   string
		always bool
		peer   string
		proto  string
		tls    bool
		want   bool
	}{
		{"plain", false, "192.0.2.1:1", "", false, false},
		{"TLS", false, "192.0.2.1:1", "", true, true},
		{"a proxy's TLS", false, "10.1.2.3:1", "https", false, true},
		{"a chain's TLS", false, "10.1.2.3:1", "https, http", false, true},
		{"a proxy's plain", false, "10.1.2.3:1", "http", false, false},
		{"a stranger's word", false, "192.0.2.1:1", "https", false, false},
		{"always", true, "192.0.2.1:1", "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, func(_ *engine.Config, ac *Config) { ac.TrustedProxies, ac.SecureCookies = proxies, c.always })
			ann := n.user(t, "ann")
			r := httptest.NewRequest("POST", basePath+"/logout", nil)
			r.RemoteAddr = c.peer
			r.Header.Set("Authorization", "Bearer "+ann.token)
			r.Header.Set("X-Forwarded-Proto", c.proto)
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			a := ann.send(r, nil).want(204)
			for _, name := range []string{sessionCookie, afterCookie} {
				if got := a.cookie(name).Secure; got != c.want {
					t.Errorf("%s: Secure is %v", name, got)
				}
			}
		})
	}
}

// TestLoginRate guesses from several addresses.
func TestLoginRate(t *testing.T) {
	n := newNode(t, func(_ *engine.Config, ac *Config) {
		ac.LoginRate = engine.Rate{PerSecond: 0.5, Burst: 2}
		ac.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	guess := func(peer, forwarded string) *response {
		t.Helper()
		r := httptest.NewRequest("POST", basePath+"/login", nil)
		r.RemoteAddr = peer
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		return n.anonymous(t).send(r, nil)
	}
	const limited = 429
	for i, c := range []struct {
		peer, forwarded string
		limited         bool
	}{
		{"192.0.2.1:1", "", false},
		{"192.0.2.1:2", "", false},
		{"192.0.2.1:3", "", true},
		{"192.0.2.1:4", "192.0.2.99", true}, // nobody's proxy
		{"[::ffff:192.0.2.1]:5", "", true},
		{"10.0.0.1:1", "192.0.2.1", true},
		{"10.0.0.1:1", "198.51.100.1, 192.0.2.1", true}, // what the client made up comes first
		{"10.0.0.1:1", "192.0.2.1, 10.9.9.9", true},
		{"10.0.0.1:1", "192.0.2.1:4711", true},
		{"10.0.0.1:1", "192.0.2.2", false},
		{"[fd00::1]:1", "192.0.2.2", false},
		{"10.0.0.1:1", "192.0.2.2", true},
		{"192.0.2.3:1", "", false},
		{"[2001:db8:1:1::1]:1", "", false},
		{"[2001:db8:1:1::2]:1", "", false},
		{"[2001:db8:1:1:9:9:9:9]:1", "", true}, // the same network
		{"10.0.0.1:1", "[2001:db8:1:1::7]", true},
		{"[2001:db8:1:2::1]:1", "", false},
		{"10.0.0.1:1", "nonsense", false}, // the proxy's own
		{"@", "", false},
	} {
		a := guess(c.peer, c.forwarded)
		if got := a.StatusCode == limited; got != c.limited {
			t.Errorf("guess %d from %s for %q: %s", i, c.peer, c.forwarded, a)
		}
		if c.limited && a.Header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
		}
	}
	n.clock.add(2 * time.Second)
	guess("192.0.2.1:1", "").refused(415, engine.CodeInvalidJSON)
}

// TestUserRate bounds one user's unsafe calls; others and reads go on.
func TestUserRate(t *testing.T) {
	n := newNode(t, func(ec *engine.Config, _ *Config) { ec.UserRate = engine.Rate{PerSecond: 1, Burst: 2} })
	ann, bob := n.user(t, "ann"), n.user(t, "bob")
	ann.room("garden", false)
	ann.room("cellar", false)
	before := n.engine.Position()
	a := ann.do("POST", "/rooms", map[string]any{"name": "attic"})
	a.refused(429, engine.CodeRateLimited)
	if a.Header.Get("Retry-After") != "1" || !n.engine.Position().Equal(before) {
		t.Errorf("%s: %v", a, a.Header)
	}
	ann.do("GET", "/rooms", nil).want(200)
	bob.do("POST", "/rooms/garden/join", nil).want(200)
	n.clock.add(time.Second)
	ann.do("POST", "/rooms", map[string]any{"name": "attic"}).want(201)
}

func TestRegistrationByInvite(t *testing.T) {
	n := newNode(t, func(ec *engine.Config, _ *Config) { ec.Registration = engine.RegistrationInvite })
	n.anonymous(t).do("POST", "/register", `{"username":"ann","password":"correct horse"}`).refused(403, engine.CodeForbidden)
	admin := n.admin(t)
	var inv invite
	admin.do("POST", "/invites", `{}`).want(201).into(&inv)
	ann := n.invited(t, "ann", inv.Invite)
	var u engine.User
	ann.do("GET", "/me", nil).want(200).into(&u)
	if u.Admin() {
		t.Error("a plain invite made an administrator")
	}
	admin.do("POST", "/invites", `{}`).want(201).into(&inv)
	n.clock.add(8 * 24 * time.Hour)
	n.anonymous(t).do("POST", "/register", map[string]any{"username": "late", "password": "correct horse", "invite": inv.Invite}).
		refused(403, engine.CodeForbidden)
}
