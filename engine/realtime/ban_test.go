package realtime

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

func (n *node) ban(b engine.Ban) {
	n.t.Helper()
	if _, err := n.engine.Ban(context.Background(), engine.TheOperator, b); err != nil {
		n.t.Fatal(err)
	}
}

// I9: a banned address is cut off, refused before there is a WebSocket, and let in
// again when the ban is lifted. A wide ban leaves loopback alone.
func TestI9BannedAddress(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		r := n.raw(f)
		r.hello(ann, "")
		n.ban(engine.Ban{Network: "127.0.0.0/8"})
		n.ban(engine.Ban{Network: "198.51.100.0/24"})
		r.send(fields{"type": "ping", "ref": 7})
		r.answer(7)
		n.ban(engine.Ban{Network: "127.0.0.1", Reason: "floods"})
		r.wantClose(engine.CloseReplaced)
		path := "/api/v1/ws"
		if f == overWebSocket || f == overPolling {
			path = SocketIOPath + "?EIO=4&transport=polling"
		}
		resp, err := http.Get(n.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body := new(strings.Builder)
		_ = resp.Write(body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(body.String(), "floods") {
			t.Errorf("I9: a banned address is answered %s", body)
		}
		if _, err := n.engine.Unban(context.Background(), engine.TheOperator, engine.Ban{Network: "127.0.0.1"}); err != nil {
			t.Fatal(err)
		}
		n.raw(f).hello(ann, "")
	})
}

// I9: a user who is banned is cut off with 4009, and a hello is answered forbidden.
func TestI9BannedUser(t *testing.T) {
	everywhere(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann := n.register("ann")
		r := n.raw(f)
		r.hello(ann, "")
		n.ban(engine.Ban{User: ann.ID, Reason: "spam"})
		r.wantClose(engine.CloseReplaced)
		if f != client.JSON && f != client.CBOR {
			return // connect_error, as for any other refusal
		}
		again := n.raw(f)
		again.send(fields{"type": "hello", "token": ann.token, "ref": 1})
		want(t, again.answer(1), fields{"type": typeError, "code": "forbidden", "message": "this account is banned: spam"})
		again.wantClose(engine.CloseUnauthorized)
	})
}
