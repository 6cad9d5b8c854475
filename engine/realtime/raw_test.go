package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// raw is a client that knows WebSocket and nothing of the protocol.
type raw struct {
	gws.BuiltinEventHandler
	t      testing.TB
	format client.Format
	conn   *gws.Conn

	mu     sync.Mutex
	frames []map[string]any
	taken  int // of frames, by next
	more   chan struct{}
	sent   []map[string]any

	closed chan struct{}
	code   engine.CloseCode
	reason string

	io *speaker // of Socket.IO; nil: klatch's own protocol
}

// tryRaw makes the WebSocket connection and says nothing.
func (n *node) tryRaw(f client.Format, header http.Header) (*raw, *http.Response, error) {
	return n.rawIn(n.t, f, header)
}

// rawIn is tryRaw for a test within the node's.
func (n *node) rawIn(t testing.TB, f client.Format, header http.Header) (*raw, *http.Response, error) {
	r := &raw{t: t, format: f, more: make(chan struct{}), closed: make(chan struct{})}
	if f == overWebSocket || f == overPolling {
		return n.speakerIn(r, header)
	}
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if f != "" {
		header.Set("Sec-WebSocket-Protocol", string(f))
	}
	conn, resp, err := gws.NewClient(r, &gws.ClientOption{Addr: n.url(), RequestHeader: header})
	if err != nil {
		return nil, resp, err
	}
	r.conn = conn
	go conn.ReadLoop()
	t.Cleanup(func() { _ = conn.NetConn().Close(); <-r.closed })
	return r, resp, nil
}

func (n *node) raw(f client.Format) *raw {
	n.t.Helper()
	r, _, err := n.tryRaw(f, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// hello opens a session and returns ready.
func (r *raw) hello(who account, cursor string) map[string]any {
	r.t.Helper()
	f := fields{"type": "hello", "token": who.token}
	if cursor != "" {
		f["cursor"] = cursor
	}
	r.send(f)
	return r.next("ready")
}

type fields = map[string]any

var anyCBOR = must(cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any](), IntDec: cbor.IntDecConvertSignedOrFail}.DecMode())

func (r *raw) send(f fields) {
	r.t.Helper()
	r.sent = append(r.sent, f)
	if r.io != nil {
		r.io.send(f)
		return
	}
	payload, err := r.marshal(f)
	if err != nil {
		r.t.Fatal(err)
	}
	r.sendBytes(payload)
}

func (r *raw) marshal(f any) ([]byte, error) {
	if r.format == client.CBOR {
		return cbor.Marshal(f)
	}
	return json.Marshal(f)
}

func (r *raw) sendBytes(payload []byte) {
	opcode := gws.OpcodeText
	if r.format == client.CBOR {
		opcode = gws.OpcodeBinary
	}
	_ = r.conn.WriteMessage(opcode, payload)
}

// OnMessage implements gws.Event.
func (r *raw) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	if r.io != nil {
		r.io.takeMessage(m)
		return
	}
	f, err := r.unmarshal(m)
	if err != nil {
		r.t.Errorf("unreadable frame %q: %v", m.Bytes(), err)
		return
	}
	r.add(f)
}

func (r *raw) add(f fields) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frames = append(r.frames, f)
	close(r.more)
	r.more = make(chan struct{})
}

func (r *raw) unmarshal(m *gws.Message) (f fields, err error) {
	if want := r.format == client.CBOR; want != (m.Opcode == gws.OpcodeBinary) {
		return nil, fmt.Errorf("opcode %d", m.Opcode)
	}
	if r.format == client.CBOR {
		return f, anyCBOR.Unmarshal(m.Bytes(), &f)
	}
	d := json.NewDecoder(bytes.NewReader(m.Bytes()))
	d.UseNumber()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	plain, err := plain(f, 0)
	if err != nil {
		return nil, err
	}
	return plain.(fields), nil
}

// OnPing implements gws.Event.
func (r *raw) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

// OnClose implements gws.Event.
func (r *raw) OnClose(_ *gws.Conn, err error) {
	var closed *gws.CloseError
	if errors.As(err, &closed) {
		r.code, r.reason = engine.CloseCode(closed.Code), string(closed.Reason)
	}
	close(r.closed)
}

// next returns the next frame of a type, passing over others.
func (r *raw) next(kind string) fields {
	r.t.Helper()
	return r.find("frame "+kind, func(f fields) bool { return f["type"] == kind })
}

// answer returns the next frame with a ref.
func (r *raw) answer(ref int64) fields {
	r.t.Helper()
	return r.find(fmt.Sprintf("answer %d", ref), func(f fields) bool { return f["ref"] == ref })
}

func (r *raw) find(what string, is func(fields) bool) fields {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		for r.taken < len(r.frames) {
			f := r.frames[r.taken]
			r.taken++
			if is(f) {
				r.mu.Unlock()
				return f
			}
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-r.closed:
			r.mu.Lock()
			left := len(r.frames) - r.taken
			r.mu.Unlock()
			if left == 0 {
				r.t.Fatalf("closed with %d %q before %s; had %v", r.code, r.reason, what, r.frames)
			}
		case <-late:
			r.t.Fatalf("%s did not come; had %v", what, r.frames)
		}
	}
}

// call sends a frame with a ref and returns its answer.
func (r *raw) call(ref int64, f fields) fields {
	r.t.Helper()
	f["ref"] = ref
	r.send(f)
	return r.answer(ref)
}

func (r *raw) wantClose(code engine.CloseCode) {
	r.t.Helper()
	select {
	case <-r.closed:
	case <-time.After(patience):
		r.t.Fatalf("the connection was not closed with %d", code)
	}
	if r.io != nil {
		r.io.wantClose(code)
		return
	}
	if r.code != code {
		r.t.Fatalf("closed with %d %q, not %d", r.code, r.reason, code)
	}
}
