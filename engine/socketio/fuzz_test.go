package socketio

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzDecoder sends the decoder a text and attachments. What it takes must be
// what it says: encoded again it is the same packet.
func FuzzDecoder(f *testing.F) {
	for _, text := range []string{
		`0`, `0/chat,{"token":1}`, `1`, `2["a",1]`, `2/x,17["a",{"b":[]}]`, `30[]`, `4"no"`, `51-["a",{"_placeholder":true,"num":0}]`,
		`62-/x,9[{"num":1,"_placeholder":true},{"_placeholder":true,"num":0}]`, `510-[`, `2[[[[[[`, `2["\u0063onnect"]`, `599999999999-["a"]`,
		`2 ["a"]`, `2-1["a"]`, `29223372036854775808["a"]`, `51-["a",{"_placeholder":true,"num":1e0}]`,
	} {
		f.Add([]byte(text), []byte("one"), uint8(1))
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte, count uint8) {
		d := decoder{maxAttachments: 4, maxBytes: 4096, maxDepth: 16}
		p, got, complete, err := d.add(false, text)
		for i := uint8(0); i < count && err == nil && !complete; i++ {
			p, got, complete, err = d.add(true, attachment)
		}
		if err != nil || !complete {
			return
		}
		if len(got) > 4 || len(got) != p.attachments || depth(p.data) > 16 || p.id > maxID || p.id < NoID {
			t.Fatalf("past the limits: %+v", p)
		}
		checkTaken(t, p, got)
	})
}

func checkTaken(t *testing.T, p parsed, attachments [][]byte) {
	if len(p.data) > 0 && !jsontext.Value(p.data).IsValid(jsonAsInJavaScript...) {
		t.Fatalf("%q was taken for JSON", p.data)
	}
	if p.kind == TypeEvent || p.kind == TypeBinaryEvent {
		packet := Packet{Type: p.kind, Data: p.data, Attachments: attachments}
		name, args, err := packet.Split()
		if err != nil || reserved(name) {
			t.Fatalf("an event without a name was taken: %q, %v", p.data, err)
		}
		if len(args)+1 != len(elements(p.data)) {
			t.Fatal("arguments were lost")
		}
		a := Args{raw: args, attachments: attachments}
		_, _ = a.Values() // must not panic
	}
	frame := frame(p.kind, p.kind, string(p.namespace), p.id, p.data, nil)
	if p.attachments > 0 || bytes.ContainsAny(p.namespace, ",") {
		return
	}
	again, err := parse(payloadOf(frame)[1:])
	if err != nil || again.kind != p.kind || again.id != p.id || !bytes.Equal(trim(again.data), p.data) ||
		!bytes.Equal(again.namespace, p.namespace) {
		t.Fatalf("%+v became %+v, %v", p, again, err)
	}
}

// payloadOf is the payload of a short or middling frame.
func payloadOf(frame []byte) []byte {
	switch frame[1] {
	case 127:
		return frame[10:]
	case 126:
		return frame[4:]
	}
	return frame[2:]
}

// FuzzElements: an array is taken apart as encoding/json does it.
func FuzzElements(f *testing.F) {
	for _, array := range []string{`[]`, `[1,"a",{"b":[2,"]"]}]`, `["\\","\"",[[]],{}]`, ` [ 1 , 2 ] `} {
		f.Add([]byte(array))
	}
	f.Fuzz(func(t *testing.T, array []byte) {
		array = trim(array)
		_ = elements(array) // must not panic, whatever it is
		_ = slices.Collect(objects(array))
		var want []json.RawMessage
		if len(array) == 0 || array[0] != '[' || json.Unmarshal(array, &want) != nil {
			return
		}
		got := elements(array)
		if !slices.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(trim(a), trim(b)) }) {
			t.Fatalf("%q was taken apart as %q, want %q", array, got, want)
		}
	})
}

// FuzzAcks answers questions that were asked, were not, and were answered.
func FuzzAcks(f *testing.F) {
	f.Add([]byte{0, 1, 2, 130, 131, 200})
	f.Fuzz(func(t *testing.T, ids []byte) {
		var a acks
		asked := map[int64]<-chan *Args{}
		answered := map[int64]bool{}
		for _, b := range ids {
			id := int64(b % 64)
			if b < 128 {
				before := len(a.waiting)
				n, c, err := a.expect(8)
				if (err != nil) != (before == 8) {
					t.Fatalf("expect: %v with %d waiting", err, before)
				}
				if err == nil {
					asked[n] = c
				}
				continue
			}
			a.answer(id, func() *Args {
				if asked[id] == nil || answered[id] {
					t.Fatalf("the answer %d was taken", id)
				}
				answered[id] = true
				return &Args{}
			})
		}
		a.end()
		for id, c := range asked {
			if got, ok := <-c; ok != answered[id] || ok && got == nil {
				t.Fatalf("question %d: answered %v, want %v", id, ok, answered[id])
			}
		}
	})
}
