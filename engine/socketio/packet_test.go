package socketio

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/engine/socket"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]parsed{
		`0`:                          {kind: TypeConnect, namespace: []byte("/"), id: NoID},
		`0{"a":1}`:                   {kind: TypeConnect, namespace: []byte("/"), id: NoID, data: []byte(`{"a":1}`)},
		`0/chat`:                     {kind: TypeConnect, namespace: []byte("/chat"), id: NoID},
		`0/chat?a=b,`:                {kind: TypeConnect, namespace: []byte("/chat?a=b"), id: NoID},
		`1/chat,`:                    {kind: TypeDisconnect, namespace: []byte("/chat"), id: NoID},
		`2["a"]`:                     {kind: TypeEvent, namespace: []byte("/"), id: NoID, data: []byte(`["a"]`)},
		`20["a"]`:                    {kind: TypeEvent, namespace: []byte("/"), id: 0, data: []byte(`["a"]`)},
		`2/chat,12["a"]`:             {kind: TypeEvent, namespace: []byte("/chat"), id: 12, data: []byte(`["a"]`)},
		`29007199254740991["a"]`:     {kind: TypeEvent, namespace: []byte("/"), id: maxID, data: []byte(`["a"]`)},
		`52-/chat,3["a",{}]`:         {kind: TypeBinaryEvent, attachments: 2, namespace: []byte("/chat"), id: 3, data: []byte(`["a",{}]`)},
		`61-3[]`:                     {kind: TypeBinaryAck, attachments: 1, namespace: []byte("/"), id: 3, data: []byte(`[]`)},
		`4/chat,{"message":"a,b/c"}`: {kind: TypeConnectError, namespace: []byte("/chat"), id: NoID, data: []byte(`{"message":"a,b/c"}`)},
	} {
		got, err := parse([]byte(text))
		if len(got.data) == 0 {
			got.data = nil
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("parse(%s) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for array, want := range map[string][]string{
		`["a"]`:                                 {"a"},
		` [ "a" , 1 ] `:                         {"a", `1`},
		`["a\"],[",{"x":[1,{"y":","}]},[],"]"]`: {`a"],[`, `{"x":[1,{"y":","}]}`, `[]`, `"]"`},
		`[17,null]`:                             {"17", `null`},
		`["\ud83d\ude00","\\"]`:                 {"\U0001F600", `"\\"`},
		`["\ud800",1]`:                          {"\uFFFD", `1`},
	} {
		p := Packet{Data: trim([]byte(array))}
		name, args, err := p.Split()
		got := []string{name}
		for _, a := range args {
			got = append(got, string(a))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Split(%s) = %q, %v; want %q", array, got, err, want)
		}
	}
	if _, _, err := (&Packet{Data: []byte(`[]`)}).Split(); err == nil {
		t.Error("an array without a name was split")
	}
}

func TestFrames(t *testing.T) {
	binary := [][]byte{{1, 2}, {}}
	for _, c := range []struct {
		frame []byte
		want  [][]byte
	}{
		{EventFrame("/", NoID, []byte(`["a"]`), nil), [][]byte{socket.TextFrame([]byte(`42["a"]`))}},
		{EventFrame("", 0, []byte(`["a"]`), nil), [][]byte{socket.TextFrame([]byte(`420["a"]`))}},
		{EventFrame("/x", 5, []byte(`["a"]`), binary), [][]byte{
			socket.TextFrame([]byte(`452-/x,5["a"]`)), socket.BinaryFrame(binary[0]), socket.BinaryFrame(binary[1])}},
		{AckFrame("/x", 5, []byte(`[]`), nil), [][]byte{socket.TextFrame([]byte(`43/x,5[]`))}},
		{AckFrame("/", 5, []byte(`[]`), binary[:1]), [][]byte{socket.TextFrame([]byte(`461-5[]`)), socket.BinaryFrame(binary[0])}},
	} {
		if want := slices.Concat(c.want...); !slices.Equal(c.frame, want) {
			t.Errorf("the frame is %q, want %q", c.frame, want)
		}
	}
}

// A long packet must not be seen in a frame that was made before it.
func TestFramesDoNotShareTheirBuffer(t *testing.T) {
	first := EventFrame("/", NoID, []byte(`["a",1]`), nil)
	kept := slices.Clone(first)
	_ = EventFrame("/", NoID, []byte(`["b",2]`), nil)
	if !slices.Equal(first, kept) {
		t.Fatal("a frame has changed")
	}
}

func TestDepth(t *testing.T) {
	for n := 1; n < 100; n++ {
		p, err := parse([]byte(`2["a",` + strings.Repeat(`[`, n) + strings.Repeat(`]`, n) + `]`))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.check(64); (err == nil) != (n < 64) {
			t.Fatalf("%d brackets in the packet: %v", n+1, err)
		}
	}
	if depth([]byte(`["[[[","\"[[",{"a":[]}]`)) != 3 {
		t.Error("brackets in strings count")
	}
}

// What a program sends and what it gets back is what encoding/json says.
func TestValues(t *testing.T) {
	type inner struct {
		Blob []byte `json:"blob"`
		Note string `json:"note,omitempty"`
	}
	name := `na"me`
	fresh := encoders.New().(*encoder)
	err := fresh.args(&name, []any{
		inner{Blob: []byte{1}}, []byte{2}, map[string]any{"deep": []any{[]byte{3}}}, "<&>", nil, []byte(nil),
		json.RawMessage(`{ "raw" : 1e2 }`), []int(nil), 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `["na\"me",{"blob":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1},` +
		`{"deep":[{"_placeholder":true,"num":2}]},"<&>",null,null,{"raw":1e2},null,7]`
	if got := fresh.json.String(); got != want {
		t.Fatalf("encoded as\n%s, want\n%s", got, want)
	}
	if !reflect.DeepEqual(fresh.attachments, [][]byte{{1}, {2}, {3}}) {
		t.Fatalf("the attachments are %v", fresh.attachments)
	}
	a := Args{raw: elements(fresh.json.Bytes())[1:], attachments: fresh.attachments}
	var first inner
	var second []byte
	var third map[string]any
	if err := a.Bind(&first, &second, &third); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, inner{Blob: []byte{1}}) || !reflect.DeepEqual(second, []byte{2}) ||
		!reflect.DeepEqual(third, map[string]any{"deep": []any{[]byte{3}}}) {
		t.Fatalf("bound %v, %v, %v", first, second, third)
	}
	values, err := a.Values()
	if err != nil || len(values) != 9 || !reflect.DeepEqual(values[1], []byte{2}) || values[8] != 7.0 {
		t.Fatalf("the values are %v, %v", values, err)
	}
}

func TestBindRefuses(t *testing.T) {
	a := Args{raw: elements([]byte(`["x",{"_placeholder":true,"num":1},{"a":1}]`)), attachments: [][]byte{{1}}}
	var text string
	var blob []byte
	for name, err := range map[string]error{
		"a number":               a.Bind(new(int)),
		"an unknown attachment":  a.Bind(nil, &blob),
		"an object as bytes":     a.Bind(nil, nil, &blob),
		"more than there is":     a.Bind(&text, nil, nil, new(any)),
		"an unknown one, in any": a.Bind(nil, new(any)),
	} {
		if err == nil {
			t.Errorf("%s was bound", name)
		}
	}
	if err := a.Bind(&text); err != nil || text != "x" {
		t.Errorf("bound %q, %v", text, err)
	}
	plain := Args{raw: elements([]byte(`["AQI=",{"Name":1}]`))}
	var named struct{ Name int }
	if err := plain.Bind(&blob, &named); err != nil || string(blob) != "\x01\x02" || named.Name != 1 {
		t.Errorf("bound %q, %v, %v", blob, named, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	text := []byte(`2/chat,12["message",{"room":"general","body":"` + strings.Repeat("words ", 60) + `","nonce":"abc"}]`)
	d := decoder{maxAttachments: 10, maxBytes: 1e6, maxDepth: 64}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := d.add(false, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEmit(b *testing.B) {
	s := &Server{config: Config{}.withDefaults()}
	arg := map[string]any{"room": "general", "body": strings.Repeat("words ", 60)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.encodeEvent("/", NoID, "message", []any{arg}); err != nil {
			b.Fatal(err)
		}
	}
}
