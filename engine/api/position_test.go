package api

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// replicate gives a node everything that another one has, as the cluster would.
func replicate(t *testing.T, from, to *node) {
	t.Helper()
	have := to.engine.Position()
	for origin, seq := range from.engine.Position().All() {
		var events []*engine.Event
		for entry, err := range from.engine.Store().Events(origin, have.Seq(origin), seq) {
			must(t, err)
			ev, err := entry.Load()
			must(t, err)
			events = append(events, ev)
		}
		_, err := to.engine.Apply(context.Background(), events)
		must(t, err)
	}
}

// on moves a caller to another node.
func (c caller) on(n *node) caller {
	c.n = n
	return c
}

func TestI8WritesCarryTheirPosition(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	a := ann.do("POST", "/rooms", map[string]any{"name": "garden"}).want(201)
	header, cookie := a.Header.Get(positionKey), a.cookie(afterCookie)
	if header != n.engine.Position().String() {
		t.Errorf("Klatch-Position is %q, the node's is %q", header, n.engine.Position())
	}
	if cookie == nil || cookie.Value != header || cookie.MaxAge != 60 || cookie.SameSite != http.SameSiteLaxMode ||
		!cookie.HttpOnly || cookie.Path != "/" || cookie.Secure {
		t.Errorf("the cookie: %+v", cookie)
	}
	a = ann.do("GET", "/rooms", nil).want(200)
	if a.Header.Get(positionKey) != "" || len(a.Cookies()) != 0 {
		t.Errorf("a read has a position: %v", a.Header)
	}
	for name, value := range map[string]string{afterKey: header, "Cookie": afterCookie + "=" + header} {
		ann.with(name, value).do("GET", "/rooms/garden", nil).want(200)
	}
}

// TestI8ReadsWait asks a node for what another node has written: the answer
// comes when the node has it, and is the new state. Not even who the user is,
// does the node know before.
func TestI8ReadsWait(t *testing.T) {
	for _, way := range []string{afterKey, "Cookie"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := newNode(t, nil), newNode(t, nil)
				ann := here.user(t, "ann")
				value := ann.do("POST", "/rooms", map[string]any{"name": "garden"}).want(201).Header.Get(positionKey)
				if way == "Cookie" {
					value = afterCookie + "=" + value
				}
				ann.on(there).do("GET", "/rooms/garden", nil).refused(401, engine.CodeUnauthorized)
				answered := false
				var wg sync.WaitGroup
				wg.Go(func() {
					ann.on(there).with(way, value).do("GET", "/rooms/garden", nil).want(200)
					answered = true
				})
				synctest.Wait()
				if answered {
					t.Fatal("answered before the node had it")
				}
				replicate(t, here, there)
				wg.Wait()
			})
		})
	}
}

// TestI8WaitEnds names a position that never comes.
func TestI8WaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newNode(t, nil), newNode(t, nil)
		never := here.engine.Position().String()
		ann := there.user(t, "ann")
		before := there.engine.Position()
		for _, c := range []caller{
			ann.with(afterKey, never), ann.with("Cookie", afterCookie+"="+never),
			there.anonymous(t).with(afterKey, never),
		} {
			start := time.Now()
			a := c.do("POST", "/rooms", map[string]any{"name": "garden"})
			a.refused(503, engine.CodeNotCaughtUp)
			if took := time.Since(start); took != engine.WaitLimit {
				t.Errorf("waited %s", took)
			}
			if a.Header.Get("Retry-After") == "" || a.cookie(afterCookie) != nil {
				t.Errorf("want Retry-After, and the cookie left to end by itself: %v", a.Header)
			}
		}
		if !there.engine.Position().Equal(before) {
			t.Error("something was written")
		}
		for _, path := range []string{"/healthz", "/readyz", basePath + "/openapi.json"} {
			there.anonymous(t).with(afterKey, never).raw("GET", path, nil).want(200)
		}
	})
}

// TestI6StrangersWaitInFewPlaces fills the places of those without a token; users have theirs.
func TestI6StrangersWaitInFewPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newNode(t, nil), newNode(t, nil)
		ann := there.user(t, "ann")
		never := here.engine.Position().String()
		var wg sync.WaitGroup
		for range strangersWaiting {
			wg.Go(func() {
				there.anonymous(t).with(afterKey, never).do("GET", "/me", nil).refused(503, engine.CodeNotCaughtUp)
			})
		}
		synctest.Wait()
		start := time.Now()
		there.anonymous(t).with(afterKey, never).do("GET", "/me", nil).refused(503, engine.CodeNotCaughtUp)
		if time.Since(start) != 0 {
			t.Error("one stranger too many had a place")
		}
		ann.with(afterKey, never).do("GET", "/me", nil).refused(503, engine.CodeNotCaughtUp)
		if time.Since(start) != engine.WaitLimit {
			t.Error("a user had no place")
		}
		wg.Wait()
	})
}

// TestI9RevokedElsewhere shows a node the position of a sign-out it has not seen: the token is void.
func TestI9RevokedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newNode(t, nil), newNode(t, nil)
		ann := here.user(t, "ann")
		replicate(t, here, there)
		after := ann.do("POST", "/logout", nil).want(204).Header.Get(positionKey)
		ann.on(there).do("GET", "/me", nil).want(200)
		var wg sync.WaitGroup
		wg.Go(func() {
			ann.on(there).with(afterKey, after).do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
		})
		synctest.Wait()
		replicate(t, here, there)
		wg.Wait()
	})
}

func TestMalformedPositions(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	good := n.engine.Position().String()
	for _, bad := range []string{"x", "AA", "A", good + "=", good + "A", "%", " "} {
		p := ann.with(afterKey, bad).do("GET", "/me", nil).refused(422, engine.CodeInvalidField)
		if len(p.Errors) != 1 || p.Errors[0].Field != afterKey {
			t.Errorf("%q: %+v", bad, p)
		}
	}
	ann.with(afterKey, good).with(afterKey, good).do("GET", "/me", nil).refused(422, engine.CodeInvalidField)
	a := ann.with("Cookie", afterCookie+"=x").do("GET", "/me", nil).want(200)
	if c := a.cookie(afterCookie); c == nil || c.MaxAge >= 0 {
		t.Errorf("a broken cookie was left: %v", a.Header)
	}
	// A write's own cookie comes after the one that takes the broken one away.
	a = ann.with("Cookie", afterCookie+"=x").do("PATCH", "/me", map[string]any{"display_name": "A"}).want(200)
	if all := a.Cookies(); len(all) == 0 || all[len(all)-1].MaxAge != afterSeconds {
		t.Errorf("cookies: %v", a.Header["Set-Cookie"])
	}
}
