package realtime

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// TestWireShapes: a notice has the same fields, names and values in JSON and in
// CBOR, whether all its fields are set or none is.
func TestWireShapes(t *testing.T) {
	for _, notice := range []any{
		&engine.Ready{}, &engine.Checkpoint{}, &engine.Reset{}, &engine.MessageNotice{}, &engine.MessageEdited{},
		&engine.MessageDeleted{}, &engine.ReactionNotice{}, &engine.RoomNotice{}, &engine.RoomDeletedNotice{},
		&engine.MemberNotice{}, &engine.UserNotice{}, &engine.ReadNotice{}, &engine.TypingNotice{}, &engine.PresenceNotice{},
		&engine.SignalNotice{}, &ackFrame{}, &postAck{}, &joinAck{}, &historyAck{}, &errorFrame{}, &pongFrame{},
	} {
		name := reflect.TypeOf(notice).Elem().Name()
		sameShape(t, name+", empty", notice)
		fill(reflect.ValueOf(notice).Elem())
		sameShape(t, name+", full", notice)
	}
}

func sameShape(t *testing.T, name string, notice any) {
	t.Helper()
	inJSON, inCBOR := decodeFrame(t, wireJSON, notice), decodeFrame(t, wireCBOR, notice)
	if h, ok := notice.(*historyAck); ok && h.Items == nil {
		delete(inJSON, "items") // never nil on the wire: see history
		delete(inCBOR, "items")
	}
	if !reflect.DeepEqual(inJSON, inCBOR) {
		t.Errorf("%s differs:\nJSON %v\nCBOR %v", name, inJSON, inCBOR)
	}
}

func decodeFrame(t *testing.T, w wire, notice any) (f fields) {
	t.Helper()
	payload := payloadOf(w.Encode(notice))
	var err error
	if w.binary() {
		err = anyCBOR.Unmarshal(payload, &f)
	} else {
		err = json.Unmarshal(payload, &f)
		f = must(plain(renumber(f), 0)).(fields)
	}
	if err != nil {
		t.Fatalf("%T: %v", notice, err)
	}
	return f
}

// renumber gives whole numbers the type that CBOR gives them.
func renumber(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		for i := range v {
			v[i] = renumber(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = renumber(v[k])
		}
	}
	return v
}

// payloadOf takes the header off an unmasked frame.
func payloadOf(frame []byte) []byte {
	switch {
	case frame[1] < 126:
		return frame[2:]
	case frame[1] == 126:
		return frame[4:]
	}
	return frame[10:]
}

// fill gives every field a value that is not its zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(i + 1))
		}
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(engine.RoleOwner))
	case reflect.Int, reflect.Int64:
		v.SetInt(time.Date(2030, 1, 2, 3, 4, 5, 6e6, time.UTC).UnixMilli())
	case reflect.Interface:
		v.Set(reflect.ValueOf("data"))
	default:
		panic("fill: " + v.Kind().String())
	}
}

// TestUnwritable: data that a format cannot write becomes an error and no panic, no silence.
func TestUnwritable(t *testing.T) {
	for _, w := range []wire{wireJSON, wireCBOR} {
		got := decodeFrame(t, w, &engine.SignalNotice{Type: "signal", Data: func() {}})
		want(t, got, fields{"type": "error", "code": "internal"})
	}
}
