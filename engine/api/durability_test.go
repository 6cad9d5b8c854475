package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// settledPeers answers every write concern at once.
type settledPeers struct{ outcome atomic.Value }

type outcome struct {
	level engine.Durability
	err   error
}

func newSettledPeers(level engine.Durability) *settledPeers {
	p := &settledPeers{}
	p.set(level, nil)
	return p
}

func (p *settledPeers) set(level engine.Durability, err error) { p.outcome.Store(outcome{level, err}) }

func (p *settledPeers) Await(_ uint64, done func(engine.Durability, error)) {
	o := p.outcome.Load().(outcome)
	done(o.level, o.err)
}

func (p *settledPeers) Published([]*engine.Event)  {}
func (p *settledPeers) Accepting() error           { return nil }
func (p *settledPeers) Present([]engine.Presence)  {}
func (p *settledPeers) Relay(any)                  {}
func (p *settledPeers) Expects(engine.Origin) bool { return false }
func (p *settledPeers) Ready() bool                { return true }

// TestWritesNameTheirDurability (I1): the answer to a write says which level it has
// reached; what only reads or signs has none; and a concern that fails is unavailable.
func TestWritesNameTheirDurability(t *testing.T) {
	p := newSettledPeers(engine.DurableOne)
	n := newNode(t, func(e *engine.Config, _ *Config) { e.Peers = p })
	ann := n.user(t, "ann")
	ann.room("garden", false)
	for _, call := range []struct {
		method, path string
		body         any
		status       int
		want         string
	}{
		{"POST", "/rooms/garden/messages", map[string]any{"body": "x"}, 201, "one"},
		{"POST", "/rooms/garden/join", nil, 200, "one"},
		{"PATCH", "/me", map[string]any{}, 200, "one"},
		{"GET", "/rooms/garden", nil, 200, ""},
		{"POST", "/login", map[string]any{"username": "ann", "password": "correct horse"}, 200, ""},
	} {
		a := ann.do(call.method, call.path, call.body).want(call.status)
		if got := a.Header.Get(durabilityKey); got != call.want {
			t.Errorf("%s %s: Klatch-Durability is %q", call.method, call.path, got)
		}
	}
	p.set("", errors.New("no peer answered in time"))
	a := ann.do("POST", "/rooms/garden/messages", map[string]any{"body": "x"})
	if a.refused(503, engine.CodeUnavailable); a.Header.Get("Retry-After") == "" || a.Header.Get(durabilityKey) != "" {
		t.Errorf("a concern that failed: %v", a.Header)
	}
	p.set(engine.DurableLocal, nil)
}

// TestClientSeesReceipts: the Go client's calls give what the headers say, and its After is honoured (I8).
func TestClientSeesReceipts(t *testing.T) {
	n := newNode(t, nil)
	srv := httptest.NewServer(n.handler)
	defer srv.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ann := client.REST{URL: srv.URL, HTTP: &http.Client{Transport: transport}}
	account, err := ann.Register(t.Context(), client.Registration{Username: "ann", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	ann.Token = account.Token
	var room client.Room
	receipt, err := ann.Write(t.Context(), "POST", "/rooms", client.NewRoom{Name: "garden"}, &room)
	if err != nil || room.Name != "garden" || receipt.Durability != client.DurableLocal || receipt.Position != n.engine.Position().String() {
		t.Errorf("%+v, %+v, %v", receipt, room, err)
	}
	ann.After = receipt.Position
	if err := ann.Do(t.Context(), "GET", "/rooms/garden", nil, &room); err != nil {
		t.Error(err)
	}
	ann.After = "malformed"
	var refusal *client.Error
	if err := ann.Do(t.Context(), "GET", "/rooms/garden", nil, &room); !errors.As(err, &refusal) || refusal.Code != "invalid_field" {
		t.Errorf("with a malformed After: %v", err)
	}
}
