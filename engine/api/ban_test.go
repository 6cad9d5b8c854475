package api

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// I9: an address that is banned gets nothing at all, whatever it asks for and whoever
// it is; behind a trusted proxy it is the client's address that counts.
func TestI9BannedAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's requests come from there
	n := newNode(t, func(e *engine.Config, c *Config) {
		e.TrustedProxies, c.TrustedProxies = proxies, proxies
		c.Realtime = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })
	})
	ann := n.user(t, "ann")
	for _, network := range []string{"198.51.100.0/24", "192.0.2.0/24"} {
		if _, err := n.engine.Ban(context.Background(), engine.TheOperator, engine.Ban{Network: network, Reason: "floods"}); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{"/healthz", "/nothing", basePath + "/me", basePath + "/openapi.json", basePath + "/ws"}
	for _, path := range paths {
		a := ann.with("X-Forwarded-For", "198.51.100.7").raw("GET", path, nil)
		if a.refused(403, engine.CodeForbidden); a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	ann.with("X-Forwarded-For", "198.51.100.7").do("POST", "/rooms", `{"name":"den"}`).refused(403, engine.CodeForbidden)
	for _, forwarded := range []string{"198.51.101.7", "198.51.100.7, 198.51.101.7"} { // what stands further out may be made up
		ann.with("X-Forwarded-For", forwarded).do("GET", "/me", nil).want(200)
	}
	ann.do("GET", "/me", nil).want(200) // the proxy itself
	n.anonymous(t).raw("GET", basePath+"/ws", nil).want(200)
	if _, err := n.engine.Ban(context.Background(), engine.TheOperator, engine.Ban{Network: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	ann.do("GET", "/me", nil).refused(403, engine.CodeForbidden)
}

// I9: who is banned or disabled is refused with answers of the cache too, at once.
func TestI9BannedUser(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	ann.room("garden", false)
	for range 2 {
		ann.do("GET", "/rooms/garden/messages", nil).want(200)
	}
	if _, err := n.engine.Ban(context.Background(), engine.TheOperator, engine.Ban{User: ann.user, Reason: "spam"}); err != nil {
		t.Fatal(err)
	}
	ann.do("GET", "/rooms/garden/messages", nil).refused(403, engine.CodeForbidden)
	n.anonymous(t).do("POST", "/login", `{"username":"ann","password":"correct horse"}`).refused(403, engine.CodeForbidden)
	if _, err := n.engine.Unban(context.Background(), engine.TheOperator, engine.Ban{User: ann.user}); err != nil {
		t.Fatal(err)
	}
	ann.do("GET", "/rooms/garden/messages", nil).want(200)
	off := true
	if _, _, err := n.engine.ChangeAccount(context.Background(), engine.TheOperator, ann.user, engine.AccountChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	ann.do("GET", "/rooms/garden/messages", nil).refused(401, engine.CodeUnauthorized)
	n.anonymous(t).do("POST", "/login", `{"username":"ann","password":"correct horse"}`).refused(401, engine.CodeUnauthorized)
}

// An archived room says so in each answer, as documented, and refuses what changes it.
func TestArchivedRoom(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false)
	if _, err := n.engine.ArchiveRoom(context.Background(), engine.TheOperator, room.ID, true); err != nil {
		t.Fatal(err)
	}
	var v engine.RoomView
	if ann.do("GET", "/rooms/garden", nil).want(200).into(&v); !v.Archived {
		t.Errorf("%+v", v)
	}
	ann.do("POST", "/rooms/garden/messages", `{"body":"x"}`).refused(409, engine.CodeConflict)
	ann.do("PATCH", "/rooms/garden", `{"topic":"x"}`).refused(409, engine.CodeConflict)
	ann.do("POST", "/rooms/garden/leave", nil).want(204)
}
