package realtime

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

var fuzzSeeds = []fields{
	{"type": "hello", "token": "t", "cursor": "c"},
	{"type": "post", "ref": 1, "room": "lobby", "body": "b", "nonce": "n", "reply_to": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "attachments": []any{}},
	{"type": "edit", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "body": "b"},
	{"type": "react", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "emoji": "👍", "remove": true},
	{"type": "history", "room": "lobby", "before": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "limit": 7},
	{"type": "signal", "room": "lobby", "name": "x", "data": fields{"a": []any{1, 2.5, nil, true, "x"}}},
	{"type": "presence", "status": "away"},
	{"type": "ping", "ref": -1},
}

// fuzzDecode: whatever comes, a frame is decoded or refused by an *engine.Error,
// and data that was taken can be written in both formats.
func fuzzDecode(f *testing.F, w wire) {
	f.Fuzz(func(t *testing.T, data []byte) {
		var fr frame
		if err := w.decode(data, &fr); err != nil {
			if e := engine.AsError(err); e.Code != engine.CodeInvalidJSON && e.Code != engine.CodeInvalidField {
				t.Fatalf("%v", err)
			}
			return
		}
		v, err := w.value(fr.Data)
		if err != nil {
			if e := engine.AsError(err); e.Code != engine.CodeInvalidField {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, out := range []wire{wireJSON, wireCBOR} {
			var got fields
			unmarshal := json.Unmarshal
			if out.binary() {
				unmarshal = anyCBOR.Unmarshal
			}
			payload := payloadOf(out.Encode(&engine.SignalNotice{Type: "signal", Data: v}))
			if err := unmarshal(payload, &got); err != nil || got["type"] != "signal" {
				t.Fatalf("%v of %q cannot be written: %v %v", v, data, got, err)
			}
		}
	})
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(must(json.Marshal(s)))
	}
	for _, s := range badBytes[client.JSON] {
		f.Add([]byte(s))
	}
	fuzzDecode(f, wireJSON)
}

func FuzzDecodeCBOR(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(must(cbor.Marshal(s)))
	}
	for _, s := range badBytes[client.CBOR] {
		f.Add(must(hex.DecodeString(s)))
	}
	fuzzDecode(f, wireCBOR)
}

// FuzzSession sends any frame into a live session: the server answers or
// closes, and goes on serving others.
func FuzzSession(f *testing.F) {
	n := newNode(f)
	ann := n.register("ann")
	n.room("lobby", ann)
	for _, s := range fuzzSeeds {
		f.Add(must(json.Marshal(s)), must(cbor.Marshal(s)))
	}
	f.Fuzz(func(t *testing.T, inJSON, inCBOR []byte) {
		for format, data := range map[client.Format][]byte{client.JSON: inJSON, client.CBOR: inCBOR} {
			r, _, err := n.rawIn(t, format, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.send(fields{"type": "hello", "token": ann.token})
			r.sendBytes(data)
			r.send(fields{"type": "ping", "ref": int64(1) << 50})
			r.pongOrClose()
		}
		after, _, err := n.rawIn(t, client.JSON, nil)
		if err != nil {
			t.Fatal(err)
		}
		after.hello(ann, "")
	})
}

// pongOrClose returns when the last ping is answered or the connection closed.
func (r *raw) pongOrClose() {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		for _, f := range r.frames {
			if f["type"] == "pong" && f["ref"] == int64(1)<<50 {
				r.mu.Unlock()
				return
			}
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-r.closed:
			return
		case <-late:
			r.t.Fatalf("neither an answer nor a close; had %v", r.frames)
		}
	}
}
