package realtime

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
)

// fakeClock is a wall clock that moves when told to.
type fakeClock struct{ ahead atomic.Int64 }

func (c *fakeClock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *fakeClock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// TestRate: frames over the rate are refused one by one with the time to wait, and who
// floods on is closed with 4029 (I6).
func TestRate(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t, nodeConfig{engine: engine.Config{UserRate: engine.Rate{PerSecond: 0.001, Burst: 3}}})
		ann := n.register("ann")
		r := n.raw(f)
		r.hello(ann, "") // takes one
		for i := range int64(2) {
			want(t, r.call(i, fields{"type": "ping"}), fields{"type": "pong"})
		}
		got := r.call(9, fields{"type": "ping"})
		want(t, got, fields{"type": "error", "code": "rate_limited"})
		if ms, ok := got["retry_after_ms"].(int64); !ok || ms < 1 || ms > 1000_000 {
			t.Errorf("retry_after_ms: %v", got)
		}
		for range refusals - 1 {
			r.send(fields{"type": "ping"})
		}
		r.wantClose(engine.CloseRateLimited)
	})
}

// TestUserConnections: a user has so many connections to a node and no more; the
// end of one makes room for another (I6).
func TestUserConnections(t *testing.T) {
	n := newNode(t, nodeConfig{realtime: Config{MaxUserConnections: 2}})
	ann, bob := n.register("ann"), n.register("bob")
	first := n.raw(client.JSON)
	first.hello(ann, "")
	n.raw(client.JSON).hello(ann, "")
	n.raw(client.JSON).hello(bob, "")
	third := n.raw(client.JSON)
	third.send(fields{"type": "hello", "token": ann.token})
	want(t, third.next("error"), fields{"code": "rate_limited"})
	third.wantClose(engine.CloseRateLimited)
	_ = first.conn.NetConn().Close()
	eventually(t, "room for another connection", func() bool {
		h := n.handler.Load()
		h.users.mu.Lock()
		defer h.users.mu.Unlock()
		return h.users.count[ann.ID] == 1
	})
	n.raw(client.JSON).hello(ann, "")
}

// TestAdmit: a refused request is answered before there is a WebSocket, and an
// admitted one is released once, when its connection has ended.
func TestAdmit(t *testing.T) {
	var open atomic.Int64
	var refuse atomic.Pointer[engine.Error]
	n := newNode(t, nodeConfig{realtime: Config{Admit: func(*http.Request) (func(), *engine.Error) {
		if e := refuse.Load(); e != nil {
			return nil, e
		}
		open.Add(1)
		return func() { open.Add(-1) }, nil
	}}})
	for _, c := range []struct {
		err    *engine.Error
		status int
	}{{engine.ErrUnavailable, 503}, {engine.RateError(1500 * time.Millisecond), 429}} {
		refuse.Store(c.err)
		_, resp, err := n.tryRaw(client.JSON, nil)
		if err == nil || resp.StatusCode != c.status || resp.Header.Get("Retry-After") == "" ||
			resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%v %+v", err, resp)
		}
	}
	refuse.Store(nil)
	r := n.raw(client.JSON)
	r.hello(n.register("ann"), "")
	if open.Load() != 1 {
		t.Fatalf("%d are open", open.Load())
	}
	r.sendBytes(nil)
	_ = r.conn.WriteClose(1000, nil)
	eventually(t, "the release", func() bool { return open.Load() == 0 })
	resp, err := http.Get(n.http.URL) // no handshake at all
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Status != 426 || open.Load() != 0 {
		t.Fatalf("%v %+v, %d open", err, p, open.Load())
	}
}

// TestUnknownSubprotocol: a client that speaks nothing of ours is refused.
func TestUnknownSubprotocol(t *testing.T) {
	n := newNode(t)
	if _, resp, err := n.tryRaw("klatch.v9.xml", nil); err == nil || resp.StatusCode != 400 {
		t.Fatalf("%v %+v", err, resp)
	}
	r := n.raw("") // asking for none is JSON
	r.hello(n.register("ann"), "")
}

// TestHandshakeTimeout: a connection that does not say hello is not kept (I6).
func TestHandshakeTimeout(t *testing.T) {
	n := newNode(t, nodeConfig{realtime: Config{HandshakeTimeout: 20 * time.Millisecond}})
	n.raw(client.JSON).wantClose(engine.CloseTooSlow)
}

// TestExpiry: a session does not outlive its token, whether its client is busy or silent (I9).
func TestExpiry(t *testing.T) {
	for _, silent := range []bool{false, true} {
		clock := &fakeClock{}
		config := nodeConfig{
			engine:   engine.Config{Now: clock.now, TokenLifetime: time.Hour},
			realtime: Config{Now: clock.now},
		}
		if silent {
			config.sockets.HeartbeatInterval = 50 * time.Millisecond
		}
		n := newNode(t, config)
		ann := n.register("ann")
		n.room("lobby", ann)
		r := n.raw(client.JSON)
		r.hello(ann, "")
		want(t, r.call(1, fields{"type": "ping"}), fields{"type": "pong"})
		before := n.engine.Position()
		clock.advance(2 * time.Hour)
		if !silent {
			r.send(fields{"type": "post", "room": "lobby", "body": "too late"})
		}
		r.wantClose(engine.CloseReplaced)
		if !n.engine.Position().Equal(before) {
			t.Error("an expired token posted")
		}
	}
}

// TestCheckpoints: silent clients get a cursor with the heartbeat, busy ones as
// often: else their resume would have to start ever further back (I5).
func TestCheckpoints(t *testing.T) {
	n := newNode(t, nodeConfig{sockets: socket.Config{HeartbeatInterval: 50 * time.Millisecond}})
	r := n.raw(client.JSON)
	r.hello(n.register("ann"), "")
	want(t, r.next("checkpoint"), fields{"cursor": n.engine.Position().String()})

	clock := &fakeClock{}
	n = newNode(t, nodeConfig{realtime: Config{Now: clock.now}})
	r = n.raw(client.JSON)
	r.hello(n.register("ann"), "")
	r.call(1, fields{"type": "ping"})
	clock.advance(time.Minute)
	r.call(2, fields{"type": "ping"})
	want(t, r.next("checkpoint"), fields{"cursor": n.engine.Position().String()})
}

// TestRevocation: a revoked token ends its sessions with 4009 and no others (I9).
func TestRevocation(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		_, token, err := n.engine.Login(testContext(t), "ann", "correct horse", "")
		if err != nil {
			t.Fatal(err)
		}
		other := ann
		other.token = token
		a, b := n.raw(f), n.raw(f)
		a.hello(ann, "")
		b.hello(other, "")
		if _, err := n.engine.Logout(testContext(t), ann.who); err != nil {
			t.Fatal(err)
		}
		a.wantClose(engine.CloseReplaced)
		want(t, b.call(1, fields{"type": "ping"}), fields{"type": "pong"})
		again := n.raw(f)
		again.send(fields{"type": "hello", "token": ann.token})
		again.wantClose(engine.CloseUnauthorized)

		password := "battery staple"
		if _, _, _, err := n.engine.UpdateMe(testContext(t), ann.who, engine.ProfileChange{Password: &password, CurrentPassword: "correct horse"}); err != nil {
			t.Fatal(err)
		}
		b.wantClose(engine.CloseReplaced)
	})
}

// TestDrain: a node that leaves closes with 1001 and takes no new connection.
func TestDrain(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	r, late := n.raw(client.JSON), n.raw(client.JSON)
	r.hello(ann, "")
	n.engine.Drain()
	r.wantClose(engine.CloseLeaving)
	late.send(fields{"type": "hello", "token": ann.token})
	want(t, late.next("error"), fields{"code": "unavailable"})
	late.wantClose(engine.CloseLeaving)
	if _, resp, err := n.tryRaw(client.JSON, nil); err == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("%v %+v", err, resp)
	}
}
