package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"testing"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio"
)

var fuzzEvents = []string{
	`["post",{"room":"lobby","body":"b","nonce":"n"}]`,
	`["signal",{"room":"lobby","name":"x","data":{"_placeholder":true,"num":0}}]`,
	`["signal",{"room":"lobby","name":"x","data":[{"_placeholder":true,"num":1},{"num":0,"_placeholder":true,"more":{}}]}]`,
	`["signal",{"room":"lobby","name":"x","data":{"a":{"_placeholder":true,"num":1e0},"b":{"_placeholder":false,"num":-1}}}]`,
	`["signal",{"DATA":[[],{},"",null,1.5,9223372036854775808,-0,"\ud800"],"data":[1]},"an argument too many"]`,
	`["history",{"room":"lobby","limit":7,"before":""}]`, `["ping"]`, `["hello",{}]`, `[1e9,{"type":"post"}]`, `["\u0000",{"ref":-1,"ref":2}]`,
}

// FuzzSocketIOEvent: whatever the event, it is a frame or refused by an
// *engine.Error; data that was taken is no larger than what came (I6), and
// clients of Socket.IO read of it what was sent.
func FuzzSocketIOEvent(f *testing.F) {
	for i, event := range fuzzEvents {
		f.Add([]byte(event), []byte("blob"), uint8(i%4))
	}
	n := newNode(f)
	f.Fuzz(func(t *testing.T, array, blob []byte, count uint8) {
		p := &socketio.Packet{Type: socketio.TypeEvent, Namespace: "/", ID: 7, Data: bytes.TrimSpace(array)}
		if !json.Valid(p.Data) || p.Data[0] != '[' {
			return // package socketio lets none through
		}
		for range count % 12 {
			p.Attachments = append(p.Attachments, blob)
		}
		c := &caller{connection: connection{handler: n.handler.Load(), wire: socketIOWire{}}, line: line{attachments: p.Attachments}}
		fr := &frame{}
		if err := c.decode(p, fr); err != nil {
			refusedWell(t, err)
			return
		}
		if fr.Ref == nil || *fr.Ref != p.ID {
			t.Fatalf("the ref of packet 7 is %v", fr.Ref)
		}
		v, err := c.line.value(fr.Data)
		if err != nil {
			refusedWell(t, err)
			return
		}
		if size, most := bytesIn(v), len(blob)*len(p.Attachments); size > most {
			t.Fatalf("%d bytes of attachments became %d", most, size)
		}
		arrives(t, v)
	})
}

func refusedWell(t *testing.T, err error) {
	t.Helper()
	switch engine.AsError(err).Code {
	case engine.CodeInvalidJSON, engine.CodeInvalidField, engine.CodeTooLarge:
	default:
		t.Fatal(err)
	}
}

// bytesIn is how long the byte strings in a value are together.
func bytesIn(v any) (n int) {
	switch v := v.(type) {
	case []byte:
		n = len(v)
	case []any:
		for _, e := range v {
			n += bytesIn(e)
		}
	case map[string]any:
		for _, e := range v {
			n += bytesIn(e)
		}
	}
	return n
}

// arrives reads the signal as clients do.
func arrives(t *testing.T, v any) {
	t.Helper()
	frames := splitFrames(socketIOWire{}.Encode(&engine.SignalNotice{Type: "signal", Name: "x", Data: v}))
	text, count := string(frames[0]), 0
	if text[:2] == "45" {
		if _, err := fmt.Sscanf(text, "45%d-", &count); err != nil {
			t.Fatal(err)
		}
	}
	if count != len(frames)-1 || count > maxAttachments {
		t.Fatalf("%d attachments follow %q", len(frames)-1, text)
	}
	var array []json.RawMessage
	var notice struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(text[bytes.IndexByte(frames[0], '['):]), &array); err != nil || len(array) != 2 {
		t.Fatalf("%q: %v", text, err)
	}
	if err := json.Unmarshal(array[1], &notice); err != nil {
		t.Fatal(err)
	}
	if count == 0 {
		return // as JSON, whose own target that is
	}
	got, err := (&line{attachments: frames[1:]}).value(rawData(notice.Data))
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("%#v arrives as %#v, %v", v, got, err)
	}
}

// splitFrames is what unmasked frames hold, one after the other.
func splitFrames(all []byte) (payloads [][]byte) {
	for len(all) > 0 {
		payload := payloadOf(all)
		header := len(all) - len(payload)
		size := int(all[1])
		if header > 2 {
			size = 0
			for _, b := range all[2:header] {
				size = size<<8 | int(b)
			}
		}
		payloads = append(payloads, payload[:size])
		all = payload[size:]
	}
	return payloads
}

// FuzzSocketIORecovery: a client is told that it has recovered if and only if
// the token is its own and the offset can be resumed from (I5); nobody else's.
func FuzzSocketIORecovery(f *testing.F) {
	n := newNode(f)
	ann, bob := n.register("ann"), n.register("bob")
	n.room("lobby", ann)
	here := n.engine.Position().String()
	for _, pid := range []string{"", "x", n.engine.RecoveryToken(ann.ID), n.engine.RecoveryToken(bob.ID), ann.token} {
		for _, offset := range []string{"", "x", here, "AA", here[:len(here)/2]} {
			f.Add(pid, offset)
		}
	}
	x := n.socketIO.Load()
	f.Fuzz(func(t *testing.T, pid, offset string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // so that no offset is waited for
		given, cursor, reset := x.recover(ctx, ann.ID, auth{PID: pid, Offset: offset})
		_, err := engine.ParsePosition(offset)
		switch recovered := given == pid; {
		case recovered && (offset == "" || cursor != offset || reset != nil || err != nil || !n.engine.Recovers(t.Context(), pid, ann.ID)):
			t.Fatalf("%q goes on from %q as %q, with %v", pid, offset, cursor, reset)
		case !recovered && (cursor != "" || (reset == nil) != (offset == "")):
			t.Fatalf("%q begins from %q anew at %q, with %v", pid, offset, cursor, reset)
		case !n.engine.Recovers(t.Context(), given, ann.ID):
			t.Fatalf("the token %q is not hers", given)
		}
	})
}

// FuzzSocketIOSession sends any CONNECT, packet and attachment: the server answers
// or closes, and goes on serving others.
func FuzzSocketIOSession(f *testing.F) {
	n := newNode(f)
	ann := n.register("ann")
	n.room("lobby", ann)
	for _, event := range fuzzEvents {
		f.Add(`{"token":5}`, "42"+event, []byte("b"))
		f.Add(`{"token":"x","pid":"y","offset":"z"}`, "451-9007199254740991"+event, []byte("b"))
	}
	for _, packet := range []string{`41`, `40/x,{}`, `4510-["signal"]`, `45999999999-["a"]`, `4218446744073709551616["ping"]`, `43[]`, "6", "1", "2probe"} {
		f.Add(`{}`, packet, []byte{})
	}
	f.Fuzz(func(t *testing.T, auth, packet string, blob []byte) {
		for _, hello := range []string{auth, string(must(json.Marshal(fields{"token": ann.token})))} {
			r, resp, err := n.rawIn(t, overWebSocket, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(resp.Status)
			}
			r.io.write("40" + hello)
			r.io.write(packet, blob)
			r.io.send(fields{"type": typePing, "ref": int64(1) << 50})
			r.pongOrClose()
		}
	})
}
