package realtime

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine"
)

// TestAnswerFrames: an acknowledgement has the fields that the answer has in
// klatch's own protocol, but for type and ref; without one only errors and pong are told.
func TestAnswerFrames(t *testing.T) {
	seven := int64(7)
	for _, full := range []bool{false, true} {
		for _, answer := range []any{&ackFrame{}, &postAck{}, &joinAck{}, &historyAck{}, &errorFrame{}, &pongFrame{}} {
			v := reflect.ValueOf(answer).Elem()
			if full {
				fill(v)
			}
			v.FieldByName("Type").SetString(map[bool]string{true: typeError, false: typeAck}[v.Type() == reflect.TypeFor[errorFrame]()])
			for _, ref := range []*int64{nil, &seven} {
				v.FieldByName("Ref").Set(reflect.ValueOf(ref))
				sameAnswer(t, answer, ref)
			}
		}
	}
}

func sameAnswer(t *testing.T, answer any, ref *int64) {
	t.Helper()
	wanted := fields{}
	if err := json.Unmarshal(must(json.Marshal(answer)), &wanted); err != nil {
		t.Fatal(err)
	}
	delete(wanted, "type")
	delete(wanted, "ref")
	_, failed := answer.(*errorFrame)
	_, pong := answer.(*pongFrame)
	frame := answerFrame(ref, answer)
	if frame == nil {
		if ref != nil || failed || pong {
			t.Errorf("%T is not answered", answer)
		}
		return
	}
	text := string(payloadOf(frame))
	var array []any
	if err := json.Unmarshal([]byte(text[strings.IndexByte(text, '['):]), &array); err != nil {
		t.Fatalf("%T: %v in %s", answer, err, text)
	}
	var got any
	head, last := text[:strings.IndexByte(text, '[')], array[len(array)-1].(fields)
	switch {
	case ref == nil:
		got = last
		if name := map[bool]string{true: "error", false: "pong"}[failed]; head != "42" || array[0] != name {
			t.Errorf("%T is told by %s", answer, text)
		}
	case failed:
		got = last["error"]
	default:
		rest := maps.Clone(last)
		delete(rest, "ok")
		got = rest
	}
	if ref != nil && (head != "437" || last["ok"] == failed) {
		t.Errorf("%T is answered by %s", answer, text)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%T: %v, not %v", answer, got, wanted)
	}
}

// TestSocketIOEvents: a notice is the event of its type, with the fields that
// it has in klatch's own protocol, and with the cursor where there is one.
func TestSocketIOEvents(t *testing.T) {
	for _, notice := range []any{
		&engine.Ready{Type: "ready", Cursor: "c"}, &engine.Checkpoint{Type: "checkpoint", Cursor: "c"},
		&engine.Reset{Type: "reset"}, &engine.MessageNotice{Type: "message", Message: engine.Message{Body: "<b>\u2028"}},
		&engine.TypingNotice{Type: "typing"}, &engine.SignalNotice{Type: "signal", Data: []any{1}},
	} {
		for _, cursor := range []string{"", "at"} {
			frame, offset := socketIOWire{}.Encode(notice), map[bool]string{true: "c"}[hasCursor(notice)]
			if cursor != "" {
				frame, offset = socketIOWire{}.EncodeAt(notice, cursor), cursor
			}
			var array []any
			if err := json.Unmarshal(payloadOf(frame)[len("42"):], &array); err != nil {
				t.Fatal(err)
			}
			var wanted fields
			if err := json.Unmarshal(payloadOf(wireJSON.Encode(notice)), &wanted); err != nil {
				t.Fatal(err)
			}
			expected := []any{wanted["type"], wanted}
			if offset != "" {
				expected = append(expected, offset)
			}
			if !reflect.DeepEqual(array, expected) {
				t.Errorf("%T is %v, not %v", notice, array, expected)
			}
		}
	}
	got := socketIOWire{}.Encode(&engine.SignalNotice{Type: "signal", Data: func() {}})
	if !strings.HasPrefix(string(payloadOf(got)), `42["error",{`) {
		t.Errorf("unwritable data is %s", got)
	}
}

func hasCursor(notice any) bool {
	switch notice.(type) {
	case *engine.Ready, *engine.Checkpoint:
		return true
	}
	return false
}
