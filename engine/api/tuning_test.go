package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// guess signs in from an address, with a password that is nobody's.
func (n *node) guess(t *testing.T, address, name string) *response {
	t.Helper()
	body := fmt.Sprintf(`{"username":%q,"password":"wrong password"}`, name)
	r := httptest.NewRequest("POST", basePath+"/login", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = address
	return n.anonymous(t).send(r, []byte(body))
}

func forwarded(proxy, client string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = proxy
	r.Header.Set("X-Forwarded-For", client)
	return r
}

// TestI9AccountRate: guesses at one account are slow from however many addresses,
// and what they are told does not depend on whether it is there.
func TestI9AccountRate(t *testing.T) {
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.AccountRate = engine.Rate{PerSecond: 0.1, Burst: 3}
		c.LoginRate = engine.Rate{PerSecond: 1, Burst: 100}
	})
	ann := n.user(t, "ann")
	for _, name := range []string{"ann", "nobody", strings.Repeat("n", 3000)} {
		for i := range 5 {
			a := n.guess(t, fmt.Sprintf("192.0.2.%d:1", i), name)
			if i < 3 {
				a.refused(401, engine.CodeUnauthorized)
				continue
			}
			a.refused(429, engine.CodeRateLimited)
			if got := a.Header.Get("Retry-After"); got != "10" {
				t.Errorf("%.10s: Retry-After %q", name, got)
			}
		}
	}
	n.anonymous(t).do("POST", "/login", map[string]any{"username": "ann", "password": "correct horse"}).refused(429, engine.CodeRateLimited)
	for i := range 5 { // a stolen token does not help
		a := ann.do("PATCH", "/me", map[string]any{"password": "another horse", "current_password": "wrong password"})
		if i < 3 && a.StatusCode == 429 || i >= 3 && a.StatusCode != 429 {
			t.Errorf("guess %d at the current password answers %d", i, a.StatusCode)
		}
	}
	n.user(t, "bob") // nobody else is kept out
	n.anonymous(t).do("POST", "/login", map[string]any{"username": "bob", "password": "correct horse"}).want(200)
}

// TestTuneServer: what changes counts for the next request; a bucket whose rate
// stays is not filled by that.
func TestTuneServer(t *testing.T) {
	n := newNode(t, func(ec *engine.Config, c *Config) {
		c.AccountRate = engine.Rate{PerSecond: 0.1, Burst: 1}
		c.LoginRate = engine.Rate{PerSecond: 1, Burst: 100}
		ec.UserRate = engine.Rate{PerSecond: 1, Burst: 50}
	})
	ann := n.user(t, "ann")
	policy := func() string {
		return ann.do("POST", "/rooms/direct", map[string]any{"users": []string{"ann"}}).Header.Get("Ratelimit-Policy")
	}
	if got := policy(); got != `"writes";q=50;w=50` {
		t.Errorf("policy %s", got)
	}
	n.guess(t, "192.0.2.1:1", "eve").refused(401, engine.CodeUnauthorized)
	tuning := n.handler.(*server).tuned.Load().Tuning
	tuning.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	n.handler.Tune(tuning)
	n.guess(t, "192.0.2.1:1", "eve").refused(429, engine.CodeRateLimited)
	if client, trusted := n.handler.(*server).clientOf(forwarded("10.0.0.1:1", "192.0.2.9")); !trusted || client.String() != "192.0.2.9" {
		t.Errorf("a proxy that is trusted now brings %s, %v", client, trusted)
	}

	tuning.AccountRate.Burst = 2
	n.handler.Tune(tuning)
	n.guess(t, "192.0.2.1:1", "eve").refused(401, engine.CodeUnauthorized)

	g := n.engine.Tuning()
	g.UserRate = engine.Rate{PerSecond: 2, Burst: 10}
	must(t, n.engine.Tune(g))
	n.handler.Tune(tuning)
	if got := policy(); got != `"writes";q=10;w=5` {
		t.Errorf("policy %s after a change of the engine's rate", got)
	}
}
