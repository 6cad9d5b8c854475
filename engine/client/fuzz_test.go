package client

import (
	"testing"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

var serverFrames = []string{
	scriptReady,
	`{"type":"ack","ref":1,"id":"m","at":"2030-01-02T03:04:05.006Z","position":"p"}`,
	`{"type":"ack","ref":2,"items":[{"id":"m","body":"x","reactions":[{"emoji":"x","count":1,"me":true}]}],"prev":null,"next":"n"}`,
	`{"type":"error","ref":1,"code":"rate_limited","message":"wait","retry_after_ms":5,"errors":[{"field":"x","code":"y"}]}`,
	`{"type":"message","id":"m","room":"r","user":"u","body":"b","at":"2030-01-02T03:04:05.006Z"}`,
	`{"type":"signal","room":"r","data":{"a":[1,2.5,null]}}`,
	`{"ref":1,"type":"pong"}`, `{"type":"a\u0062"}`, `{"type":""}`, `[]`, ``,
}

// fuzzFrames: whatever a server sends is read or refused, and its type read the
// short way is its type.
func fuzzFrames(f *testing.F, format Format) {
	c := codecOf(format)
	f.Fuzz(func(t *testing.T, data []byte) {
		if format == JSON && !utf8.Valid(data) {
			return // WebSocket does not let it through
		}
		kind, err := c.frameType(data)
		var full struct {
			Type string `json:"type"`
		}
		if c.unmarshal(data, &full) == nil && err == nil && kind != full.Type && !twice(c, data) {
			t.Fatalf("type %q or %q of %q", kind, full.Type, data)
		}
		ev := Event{Type: kind, Data: data, Format: format}
		for _, into := range []any{
			&Ready{}, &Reset{}, &Checkpoint{}, &Message{}, &Deleted{}, &Reaction{}, &Room{}, &Member{}, &Read{},
			&Typing{}, &Presence{}, &Signal{}, &Refusal{}, &reply{},
		} {
			_ = ev.Decode(into)
		}
	})
}

// twice reports whether a frame may have two types: no server of ours sends such.
func twice(c *codec, data []byte) bool {
	var m map[string]any
	if c.unmarshal(data, &m) != nil {
		return true
	}
	again, err := c.marshal(m)
	return err != nil || len(again) < len(data)
}

func FuzzFrameJSON(f *testing.F) {
	for _, s := range serverFrames {
		f.Add([]byte(s))
	}
	fuzzFrames(f, JSON)
}

func FuzzFrameCBOR(f *testing.F) {
	for _, v := range []any{
		map[string]any{"type": "message", "id": "m", "at": "2030-01-02T03:04:05.006Z"},
		map[string]any{"type": "signal", "data": []any{1, []byte{1}, nil}},
		map[string]any{"type": 7}, []any{}, nil, &reply{Type: "ack"},
	} {
		b, err := cbor.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	fuzzFrames(f, CBOR)
}
