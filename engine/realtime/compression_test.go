package realtime

import (
	"bytes"
	"compress/flate"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
)

// metered counts what a client is sent.
type metered struct {
	net.Conn
	read atomic.Int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.read.Add(int64(n))
	return n, err
}

type meteredDialer struct{ conn *metered }

func (d *meteredDialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	d.conn = &metered{Conn: conn}
	return d.conn, err
}

// offering is a raw client that may offer compression.
func (n *node) offering(t *testing.T, f client.Format, deflate bool) (*raw, *metered) {
	t.Helper()
	r := &raw{t: t, format: f, more: make(chan struct{}), closed: make(chan struct{})}
	d := &meteredDialer{}
	conn, response, err := gws.NewClient(r, &gws.ClientOption{
		Addr: n.url(), RequestHeader: http.Header{"Sec-WebSocket-Protocol": {string(f)}},
		NewDialer:         func() (gws.Dialer, error) { return d, nil },
		PermessageDeflate: gws.PermessageDeflate{Enabled: deflate, Threshold: 1},
		CheckUtf8Enabled:  true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Sec-WebSocket-Extensions"); (got != "") != deflate {
		t.Fatalf("answered %q", got)
	}
	r.conn = conn
	go conn.ReadLoop()
	t.Cleanup(func() { _ = conn.NetConn().Close(); <-r.closed })
	return r, d.conn
}

// A room of clients in both formats, of whom some compress: all see the same,
// whoever posts, and those who compress for fewer bytes.
func TestCompressionInMixedRooms(t *testing.T) {
	n := newNode(t, nodeConfig{sockets: socket.Config{Compression: true}})
	ann := n.register("ann")
	room := n.room("lobby", ann)
	type member struct {
		*raw
		meter *metered
	}
	var members []member
	for _, f := range []client.Format{client.JSON, client.CBOR} {
		for _, deflate := range []bool{false, true} {
			r, meter := n.offering(t, f, deflate)
			r.hello(ann, "")
			members = append(members, member{r, meter})
		}
	}
	for i, poster := range members {
		body := strings.Repeat("all see the same ✓ ", 200+i)
		before := make([]int64, len(members))
		for j, m := range members {
			before[j] = m.meter.read.Load()
		}
		if ack := poster.call(int64(i), fields{"type": "post", "room": room.String(), "body": body}); ack["type"] != "ack" {
			t.Fatalf("post: %v", ack)
		}
		for j, m := range members {
			if i != j {
				if got := m.next("message"); got["body"] != body {
					t.Errorf("member %d, of %d's post: %.100v", j, i, got)
				}
			}
			if took := m.meter.read.Load() - before[j]; j%2 == 1 && took > int64(len(body))/4 || j%2 == 0 && i != j && took < int64(len(body)) {
				t.Errorf("member %d took %d bytes for %d", j, took, len(body))
			}
		}
	}
	pages := make([]any, len(members))
	for j, m := range members {
		page := m.call(100, fields{"type": "history", "room": room.String()})
		if pages[j] = page["items"]; len(page["items"].([]any)) != len(members) {
			t.Errorf("member %d: %.200v", j, page)
		}
		if !reflect.DeepEqual(pages[j], pages[0]) {
			t.Errorf("member %d has another history", j)
		}
	}
}

// Without the configuration an offer changes nothing.
func TestCompressionNotConfigured(t *testing.T) {
	n := newNode(t)
	_, response, err := n.tryRaw(client.JSON, http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}})
	if err != nil || response.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Errorf("%v, answered %q", err, response.Header)
	}
}

// A deflated frame says what the plain one says, and every wire is a value
// of its own, so that the engine encodes once for each.
func TestDeflatedWires(t *testing.T) {
	for deflated, plain := range map[wire]wire{wireDeflatedJSON: wireJSON, wireDeflatedCBOR: wireCBOR} {
		short, long := &engine.MessageNotice{Type: "message"}, &engine.MessageNotice{Type: "message"}
		short.Body, long.Body = "hi", strings.Repeat("again and ", 100)
		if !bytes.Equal(deflated.Encode(short), plain.Encode(short)) {
			t.Errorf("%T: a short notice is not plain", plain)
		}
		frame := deflated.Encode(long)
		inflated, err := io.ReadAll(flate.NewReader(io.MultiReader(
			bytes.NewReader(payloadOf(frame)), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
		if err != nil || !bytes.Equal(inflated, payloadOf(plain.Encode(long))) {
			t.Errorf("%T: inflated to %q, %v", plain, inflated, err)
		}
		if frame[0] != plain.Encode(long)[0]|0x40 || deflated == plain || deflated.binary() != plain.binary() {
			t.Errorf("%T: first byte %x", plain, frame[0])
		}
	}
}
