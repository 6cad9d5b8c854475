package realtime

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
)

// TestSocketIOSignals: byte strings are binary on both sides, and what clients
// could not take apart stays text for all of them (I6).
func TestSocketIOSignals(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann, bob := n.register("ann"), n.register("bob")
		n.room("lobby", ann, bob)
		s, inCBOR, inJSON := n.raw(f), n.raw(client.CBOR), n.raw(client.JSON)
		s.hello(ann, "")
		inCBOR.hello(bob, "")
		inJSON.hello(bob, "")
		blob, large := []byte{0, 1, 0xFE, 0xFF}, bytes.Repeat([]byte{7}, 30_000)
		signal := func(from *raw, data any) {
			from.send(fields{"type": "signal", "room": "lobby", "name": "blob", "data": data})
		}
		both := fields{"list": []any{blob, large}, "n": int64(1) << 60}
		signal(inCBOR, both)
		want(t, s.next("signal"), fields{"data": both})
		want(t, inCBOR.next("signal"), fields{"data": both})
		signal(s, both)
		want(t, inCBOR.next("signal"), fields{"data": both})
		want(t, s.next("signal"), fields{"data": both})
		inJSON.next("signal")
		want(t, inJSON.next("signal"), fields{"data": fields{"n": int64(1) << 60,
			"list": []any{base64.StdEncoding.EncodeToString(blob), base64.StdEncoding.EncodeToString(large)}}})
		signal(s, blob)
		want(t, inCBOR.next("signal"), fields{"data": blob})
		s.next("signal")

		// One attachment in two places would make a large frame of a small one.
		s.io.write(`451-42["signal",{"room":"lobby","name":"twice","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]}]`, blob)
		want(t, s.answer(42), fields{"type": typeError, "code": "invalid_field"})

		text := base64.StdEncoding.EncodeToString(blob)
		forged := fields{"_placeholder": true, "num": int64(99)}
		signal(inCBOR, fields{"forged": forged, "blob": blob})
		want(t, s.next("signal"), fields{"data": fields{"forged": forged, "blob": text}})
		many, texts := []any{}, []any{}
		for range maxAttachments + 1 {
			many, texts = append(many, blob), append(texts, text)
		}
		signal(inCBOR, many)
		want(t, s.next("signal"), fields{"data": texts})
	})
}

// TestSocketIOAnswers: an event with an acknowledgement has exactly one answer; of
// others only failures are told. Nothing of it ends the connection.
func TestSocketIOAnswers(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		n.room("lobby", ann)
		s := n.raw(f)
		s.hello(ann, "")
		for _, c := range []struct {
			packet, code, field string
		}{
			{`["nonsense",{}]`, "invalid_field", "type"},
			{`["hello",{"token":"x"}]`, "invalid_field", "type"},
			{`["post"]`, "invalid_field", "room"},
			{`["post","lobby"]`, "invalid_json", ""},
			{`["post",null]`, "invalid_json", ""},
			{`["post",{"room":5}]`, "invalid_field", "room"},
			{`["post",{"room":"lobby","body":""}]`, "invalid_field", "body"},
			{`["post",{"room":"nowhere","body":"x"}]`, "not_found", ""},
			{`["post",{"room":"lobby","body":"` + strings.Repeat("x", 17<<10) + `"}]`, "too_large", ""},
			{`["signal",{"room":"lobby","name":"x","data":"` + strings.Repeat("x", 120<<10) + `"}]`, "too_large", ""},
		} {
			for _, ref := range []string{"", "7"} {
				s.io.write("42" + ref + c.packet)
				got := s.next("error")
				want(t, got, fields{"code": c.code})
				if _, ok := got["ref"]; ok != (ref != "") || got["message"] == "" {
					t.Errorf("%.60s: %v", c.packet, got)
				}
				if c.field != "" && got["errors"].([]any)[0].(fields)["field"] != c.field {
					t.Errorf("%.60s: %v", c.packet, got)
				}
			}
		}
		s.io.write(`428["ping"]`)
		s.io.write(`429["typing",{"type":"post","ref":1,"room":"lobby"},"an argument too many"]`)
		s.io.write(`42["typing",{"room":"lobby"}]`)
		s.io.write(`42["ping",{}]`)
		for _, wanted := range []fields{{"type": "ack", "ref": int64(8)}, {"type": "ack", "ref": int64(9)}, {"type": "pong"}} {
			got := s.find("an answer", func(f fields) bool { return f["type"] == "ack" || f["type"] == "pong" })
			if !reflect.DeepEqual(got, wanted) {
				t.Errorf("answered %v, not %v", got, wanted)
			}
		}
	})
}

// TestI9ConnectErrors: nobody gets in without a token, and who does not is told
// why; the cookie counts for our own pages only.
func TestI9ConnectErrors(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t, nodeConfig{realtime: Config{MaxUserConnections: 1}})
		ann := n.register("ann")
		cookie := sessionCookie + "=" + ann.token
		ours, other := n.http.URL, "https://elsewhere.example"
		for name, c := range map[string]struct {
			header http.Header
			auth   string
			code   string // "": let in
		}{
			"nothing":                {nil, "", "unauthorized"},
			"a bad token":            {nil, `{"token":"nonsense"}`, "unauthorized"},
			"a recovery token":       {nil, `{"token":"` + n.engine.RecoveryToken(ann.ID) + `"}`, "unauthorized"},
			"no text":                {nil, `{"token":5}`, "invalid_field"},
			"a bearer":               {http.Header{"Authorization": {"Bearer " + ann.token}, "Origin": {other}}, "", ""},
			"our page's cookie":      {http.Header{"Cookie": {cookie}, "Origin": {ours}}, `{}`, ""},
			"another page's cookie":  {http.Header{"Cookie": {cookie}, "Origin": {other}}, `{}`, "unauthorized"},
			"no page's cookie":       {http.Header{"Cookie": {cookie}}, `{}`, ""},
			"a token beats a cookie": {http.Header{"Cookie": {cookie}}, `{"token":"x"}`, "unauthorized"},
		} {
			eventually(t, "room for the user", func() bool { return n.users(ann) == 0 })
			r, _, err := n.rawIn(t, f, c.header)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			r.io.write("40" + c.auth)
			if c.code != "" {
				got := r.next("error")
				want(t, got, fields{"code": c.code})
				if got["message"] == "" {
					t.Errorf("%s: no sentence", name)
				}
				continue
			}
			r.next("ready")
			second := n.raw(f)
			second.send(fields{"type": "hello", "token": ann.token})
			got := second.next("error")
			want(t, got, fields{"code": "rate_limited"})
			if ms, ok := got["retry_after_ms"].(int64); !ok || ms < 1 {
				t.Errorf("retry_after_ms: %v", got)
			}
			r.io.hangUp()
		}
		eventually(t, "the end of all sessions", func() bool { return n.engine.Stats().Sessions == 0 })
	})
}

func (n *node) users(a account) int {
	u := &n.handler.Load().users
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.count[a.ID]
}

// TestI9BeforeConnect: events before CONNECT change nothing, whatever they bring.
func TestI9BeforeConnect(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		n.room("lobby", ann)
		before := n.engine.Position()
		r, _, err := n.rawIn(t, f, http.Header{"Authorization": {"Bearer " + ann.token}})
		if err != nil {
			t.Fatal(err)
		}
		r.io.write(`421["post",{"room":"lobby","body":"x"}]`)
		select {
		case <-r.closed:
		case <-time.After(patience):
			t.Fatal("the connection goes on")
		}
		if !n.engine.Position().Equal(before) || len(r.frames) > 0 {
			t.Errorf("had %v", r.frames)
		}
	})
}

// TestSocketIOHeartbeat: a silent client gets checkpoints, which are offsets.
func TestSocketIOHeartbeat(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t, nodeConfig{sockets: socket.Config{HeartbeatInterval: 50 * time.Millisecond}})
		ann := n.register("ann")
		s := n.raw(f)
		s.hello(ann, "")
		for range 3 {
			want(t, s.next("checkpoint"), fields{"cursor": n.engine.Position().String()})
		}
		if _, offset, _ := s.io.where(); offset != n.engine.Position().String() {
			t.Errorf("the offset is %q", offset)
		}
	})
}

// TestSocketIOExpiry: a session ends with its token, for good, though it is silent (I9).
func TestSocketIOExpiry(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		clock := &fakeClock{}
		n := newNode(t, nodeConfig{
			engine:   engine.Config{Now: clock.now, TokenLifetime: time.Hour},
			sockets:  socket.Config{HeartbeatInterval: 50 * time.Millisecond},
			realtime: Config{Now: clock.now},
		})
		s := n.raw(f)
		s.hello(n.register("ann"), "")
		clock.advance(2 * time.Hour)
		want(t, s.next("error"), fields{"code": "unauthorized"})
		s.wantClose(engine.CloseReplaced)
		eventually(t, "the end of the session", func() bool { return n.engine.Stats().Sessions == 0 })
	})
}

// TestSocketIODrain: a node that leaves sends its clients to others, not away.
func TestSocketIODrain(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		s, late := n.raw(f), n.raw(f)
		s.hello(ann, "")
		n.engine.Drain()
		s.wantClose(engine.CloseLeaving)
		late.send(fields{"type": "hello", "token": ann.token})
		late.wantClose(engine.CloseLeaving)
		resp, err := http.Get(n.http.URL + "/socket.io/?EIO=4&transport=polling")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("a new session: %v", resp)
		}
	})
}

// TestI6SocketIOSlowReaders: who does not take what is sent is cut off, and the
// others, and who posts, do not notice.
func TestI6SocketIOSlowReaders(t *testing.T) {
	socketIO(t, func(t *testing.T, f client.Format) {
		n := newNode(t, nodeConfig{sockets: socket.Config{QueueBytes: 256 << 10}})
		ann, bob := n.register("ann"), n.register("bob")
		room := n.room("lobby", ann, bob)
		slow, quick := n.raw(f), n.raw(f)
		hold := make(chan struct{})
		slow.io.mu.Lock()
		slow.io.hold = hold
		slow.io.mu.Unlock()
		slow.send(fields{"type": "hello", "token": bob.token})
		eventually(t, "the slow session", func() bool { return n.engine.Stats().Sessions == 1 })
		quick.hello(ann, "")
		posted := 0
		body := strings.Repeat("x", 8000)
		within(t, patience, "the eviction", func() bool {
			n.post(ann, room, fmt.Sprint(posted, " ", body))
			got := quick.next("message")["body"].(string)
			if !strings.HasPrefix(got, fmt.Sprint(posted, " ")) {
				t.Fatalf("message %d is %.10s", posted, got)
			}
			posted++
			return n.engine.Stats().Sessions == 1
		})
		close(hold)
		<-slow.closed // with 4008 or, where it did not take the close frame either, reset
		if slow.io.disconnected {
			t.Error("the client will not come back")
		}
		if stats := n.socketIOSockets.Stats(); f == overWebSocket && stats.EvictedFull+stats.EvictedStalled != 1 {
			t.Errorf("evicted: %+v", stats)
		}
	})
}
