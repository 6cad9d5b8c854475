package realtime

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/lxzan/gws"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
)

// badFrames are frames that an open session refuses and survives. $id stands
// for a message of the room, $room for the room.
var badFrames = []struct {
	name  string
	frame fields
	code  engine.Code
	field string // named in errors
}{
	{"no type", fields{"body": "x"}, "invalid_field", "type"},
	{"empty type", fields{"type": ""}, "invalid_field", "type"},
	{"unknown type", fields{"type": "shout"}, "invalid_field", "type"},
	{"type of the server", fields{"type": "message"}, "invalid_field", "type"},
	{"type is a number", fields{"type": 5}, "invalid_field", "type"},
	{"ref is text", fields{"type": "ping", "ref": "1"}, "invalid_field", "ref"},
	{"ref is broken", fields{"type": "ping", "ref": 1.5}, "invalid_field", "ref"},

	{"post without room", fields{"type": "post", "body": "x"}, "invalid_field", "room"},
	{"post without body", fields{"type": "post", "room": "lobby"}, "invalid_field", "body"},
	{"post of spaces", fields{"type": "post", "room": "lobby", "body": " \n "}, "invalid_field", "body"},
	{"post of null", fields{"type": "post", "room": "lobby", "body": nil}, "invalid_field", "body"},
	{"body is a number", fields{"type": "post", "room": "lobby", "body": 5}, "invalid_field", "body"},
	{"body is a list", fields{"type": "post", "room": "lobby", "body": []string{"x"}}, "invalid_field", "body"},
	{"room is a map", fields{"type": "post", "room": fields{"id": "x"}, "body": "x"}, "invalid_field", "room"},
	{"body too large", fields{"type": "post", "room": "lobby", "body": strings.Repeat("x", 16<<10+1)}, "too_large", "body"},
	{"nonce too long", fields{"type": "post", "room": "lobby", "body": "x", "nonce": strings.Repeat("n", 65)}, "invalid_field", "nonce"},
	{"nonce with a line", fields{"type": "post", "room": "lobby", "body": "x", "nonce": "a\nb"}, "invalid_field", "nonce"},
	{"reply to no id", fields{"type": "post", "room": "lobby", "body": "x", "reply_to": "one"}, "invalid_field", "reply_to"},
	{"reply to nothing", fields{"type": "post", "room": "lobby", "body": "x", "reply_to": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "invalid_field", "reply_to"},
	{"attachments", fields{"type": "post", "room": "lobby", "body": "x", "attachments": []any{fields{"id": "1"}}}, "invalid_field", "attachments"},
	{"attachments are text", fields{"type": "post", "room": "lobby", "body": "x", "attachments": "file"}, "invalid_field", "attachments"},
	{"post to no room", fields{"type": "post", "room": "nowhere", "body": "x"}, "not_found", ""},
	{"post to no id", fields{"type": "post", "room": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "body": "x"}, "not_found", ""},
	{"post to another's secret", fields{"type": "post", "room": "secret", "body": "x"}, "not_found", ""},
	{"post as a stranger", fields{"type": "post", "room": "market", "body": "x"}, "forbidden", ""},

	{"edit without id", fields{"type": "edit", "body": "x"}, "invalid_field", "id"},
	{"edit of no id", fields{"type": "edit", "id": "$id$", "body": "x"}, "invalid_field", "id"},
	{"edit of nothing", fields{"type": "edit", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "body": "x"}, "not_found", ""},
	{"edit of another's", fields{"type": "edit", "id": "$id", "body": "x"}, "forbidden", ""},
	{"edit without body", fields{"type": "edit", "id": "$id"}, "invalid_field", "body"},
	{"id is a number", fields{"type": "delete", "id": 7}, "invalid_field", "id"},
	{"delete without id", fields{"type": "delete"}, "invalid_field", "id"},
	{"delete of another's", fields{"type": "delete", "id": "$id"}, "forbidden", ""},
	{"delete of a secret", fields{"type": "delete", "id": "$secret"}, "not_found", ""},
	{"react without emoji", fields{"type": "react", "id": "$id"}, "invalid_field", "emoji"},
	{"react with a space", fields{"type": "react", "id": "$id", "emoji": "a b"}, "invalid_field", "emoji"},
	{"remove is text", fields{"type": "react", "id": "$id", "emoji": "x", "remove": "yes"}, "invalid_field", "remove"},

	{"join without room", fields{"type": "join"}, "invalid_field", "room"},
	{"join no room", fields{"type": "join", "room": "nowhere"}, "not_found", ""},
	{"join a secret", fields{"type": "join", "room": "secret"}, "not_found", ""},
	{"leave as a stranger", fields{"type": "leave", "room": "market"}, "forbidden", ""},
	{"read without id", fields{"type": "read", "room": "lobby"}, "invalid_field", "id"},
	{"read of nothing", fields{"type": "read", "room": "lobby", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "not_found", ""},

	{"history of a secret", fields{"type": "history", "room": "secret"}, "not_found", ""},
	{"limit 0", fields{"type": "history", "room": "lobby", "limit": 0}, "invalid_field", "limit"},
	{"limit 201", fields{"type": "history", "room": "lobby", "limit": 201}, "invalid_field", "limit"},
	{"limit is text", fields{"type": "history", "room": "lobby", "limit": "9"}, "invalid_field", "limit"},
	{"before and after", fields{"type": "history", "room": "lobby", "before": "$id", "after": "$id"}, "invalid_field", "before"},
	{"after no id", fields{"type": "history", "room": "lobby", "after": "x"}, "invalid_field", "after"},

	{"typing nowhere", fields{"type": "typing", "room": "nowhere"}, "not_found", ""},
	{"typing as a stranger", fields{"type": "typing", "room": "market"}, "forbidden", ""},
	{"presence without status", fields{"type": "presence"}, "invalid_field", "status"},
	{"presence offline", fields{"type": "presence", "status": "offline"}, "invalid_field", "status"},
	{"signal without name", fields{"type": "signal", "room": "lobby"}, "invalid_field", "name"},
	{"signal to a stranger's", fields{"type": "signal", "room": "market", "name": "x"}, "forbidden", ""},
	{"signal too deep", fields{"type": "signal", "room": "lobby", "name": "x", "data": nested(dataDepth + 1)}, "", ""},
	{"signal too broad", fields{"type": "signal", "room": "lobby", "name": "x", "data": make([]int, dataElements+1)}, "", ""},
}

func nested(n int) any {
	var v any = []any{}
	for range n {
		v = []any{v}
	}
	return v
}

// badBytes are no frames at all.
var badBytes = map[client.Format]map[string]string{
	client.JSON: {
		"empty": "", "not JSON": "{", "garbage": "hello", "two": `{"type":"ping"}{"type":"ping"}`, "list": `["ping"]`,
		"text": `"ping"`, "number": "7", "null": "null", "deep": strings.Repeat("[", 20000),
		"huge number": `{"type":"ping","ref":1e400}`,
	},
	client.CBOR: {
		"empty": "", "cut": "a1", "text": "6470696e67", "number": "07", "null": "f6", "list": "80", "two": "a0a0",
		"duplicate key": "a2" + "6474797065" + "6470696e67" + "6474797065" + "6470696e67",
		"bad UTF-8":     "a1" + "6474797065" + "62c328",
		"deep":          strings.Repeat("81", 100) + "80",
		"claims a lot":  "9bffffffffffffffff",
		"tag":           "a1" + "6474797065" + "c06470696e67",
	},
}

// TestBadInput: a bad frame is answered with its code, changes nothing and
// keeps the connection.
func TestBadInput(t *testing.T) {
	formats(t, func(t *testing.T, f client.Format) {
		n := newNode(t)
		ann, bob := n.register("ann"), n.register("bob")
		n.room("market", ann)
		lobby := n.room("lobby", ann, bob)
		secret, _, err := n.engine.CreateRoom(testContext(t), ann.who, engine.NewRoom{Name: "secret", Private: true})
		if err != nil {
			t.Fatal(err)
		}
		names := strings.NewReplacer("$id$", "$id$", "$id", n.post(ann, lobby, "hers").ID.String(), "$secret", n.post(ann, secret.ID, "x").ID.String())
		r := n.raw(f)
		r.hello(bob, "")
		before := n.engine.Position()
		ref := int64(100)
		for _, c := range badFrames {
			f := substitute(c.frame, names)
			if ref++; f["ref"] == nil {
				f["ref"] = ref
			}
			r.sendBytes(mustMarshal(t, r, f))
			got := r.next("error")
			if c.code != "" && got["code"] != string(c.code) || !refused(got["code"]) {
				t.Errorf("%s: %v", c.name, got)
			}
			if f["ref"] == ref && c.code != "" && got["ref"] != ref {
				t.Errorf("%s: without its ref: %v", c.name, got)
			}
			if c.field != "" && (got["errors"] == nil || got["errors"].([]any)[0].(fields)["field"] != c.field) {
				t.Errorf("%s: does not name %s: %v", c.name, c.field, got)
			}
		}
		for name, text := range badBytes[f] {
			if f == client.CBOR {
				b, err := hex.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				text = string(b)
			}
			r.sendBytes([]byte(text))
			if got := r.next("error"); !refused(got["code"]) {
				t.Errorf("%s: %v", name, got)
			}
		}
		want(t, r.call(1, fields{"type": "ping", "of": fields{"another": "version"}}), fields{"type": "pong"})
		if after := n.engine.Position(); !after.Equal(before) {
			t.Errorf("bad frames moved the store from %v to %v", before, after)
		}
	})
}

func refused(code any) bool {
	return code == "invalid_json" || code == "invalid_field" || isOther(code)
}

func isOther(code any) bool {
	return code == "not_found" || code == "forbidden" || code == "too_large"
}

func substitute(f fields, names *strings.Replacer) fields {
	out := fields{}
	for k, v := range f {
		if s, ok := v.(string); ok {
			v = names.Replace(s)
		}
		out[k] = v
	}
	return out
}

func mustMarshal(t *testing.T, r *raw, f fields) []byte {
	t.Helper()
	b, err := r.marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestProtocolErrors: what breaks the order of the protocol is told, then
// closed with 4002; a frame that cannot be read at all by WebSocket's own code.
func TestProtocolErrors(t *testing.T) {
	type step func(*raw, account)
	hello := func(r *raw, a account) { r.hello(a, "") }
	for _, c := range []struct {
		name  string
		steps []step
		code  engine.Code
		close engine.CloseCode
	}{
		{"frame before hello", []step{func(r *raw, _ account) { r.send(fields{"type": "ping"}) }}, "protocol_error", 4002},
		{"post before hello", []step{func(r *raw, _ account) { r.send(fields{"type": "post", "room": "lobby", "body": "x"}) }}, "protocol_error", 4002},
		{"garbage before hello", []step{func(r *raw, _ account) { r.sendBytes([]byte("\xff")[:0]) }}, "invalid_json", 4002},
		{"hello of wrong type", []step{func(r *raw, _ account) { r.send(fields{"type": "hello", "token": 7}) }}, "invalid_field", 4002},
		{"second hello", []step{hello, func(r *raw, a account) { r.send(fields{"type": "hello", "token": a.token}) }}, "protocol_error", 4002},
		{"pipelined second hello", []step{func(r *raw, a account) {
			r.send(fields{"type": "hello", "token": a.token})
			r.send(fields{"type": "hello", "token": a.token})
		}}, "protocol_error", 4002},
		{"no token", []step{func(r *raw, _ account) { r.send(fields{"type": "hello"}) }}, "unauthorized", 4001},
		{"bad token", []step{func(r *raw, _ account) { r.send(fields{"type": "hello", "token": "v4.public.x"}) }}, "unauthorized", 4001},
		{"wrong kind of message", []step{hello, func(r *raw, _ account) {
			opcode := gws.OpcodeBinary
			if r.format == client.CBOR {
				opcode = gws.OpcodeText
			}
			_ = r.conn.WriteMessage(opcode, []byte("{}"))
		}}, "protocol_error", 4002},
		{"too large", []step{hello, func(r *raw, _ account) { r.sendBytes(make([]byte, 1<<17)) }}, "", 1009},
	} {
		t.Run(c.name, func(t *testing.T) {
			formats(t, func(t *testing.T, f client.Format) {
				n := newNode(t)
				ann := n.register("ann")
				n.room("lobby", ann)
				before := n.engine.Position()
				r := n.raw(f)
				for _, s := range c.steps {
					s(r, ann)
				}
				if c.code != "" {
					want(t, r.next("error"), fields{"code": string(c.code)})
				}
				r.wantClose(c.close)
				if after := n.engine.Position(); !after.Equal(before) {
					t.Error("something was stored")
				}
			})
		})
	}
}

// TestTextMustBeUTF8: RFC 6455, section 8.1.
func TestTextMustBeUTF8(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	r := n.raw(client.JSON)
	r.hello(ann, "")
	r.sendBytes([]byte("{\"type\":\"ping\",\"x\":\"\xff\"}"))
	r.wantClose(1007)
}

// TestTokenSources: a token comes in the frame, else the header, else the cookie,
// and the cookie counts only for our own pages (I9).
func TestTokenSources(t *testing.T) {
	n := newNode(t)
	ann := n.register("ann")
	own := n.http.URL
	for _, c := range []struct {
		name   string
		header http.Header
		hello  fields
		ok     bool
	}{
		{"frame", nil, fields{"token": ann.token}, true},
		{"header", http.Header{"Authorization": {"Bearer " + ann.token}}, nil, true},
		{"header in lower case", http.Header{"Authorization": {"bearer " + ann.token}}, nil, true},
		{"other scheme", http.Header{"Authorization": {"Basic " + ann.token}}, nil, false},
		{"cookie", http.Header{"Cookie": {"klatch_session=" + ann.token}}, nil, true},
		{"cookie of our page", http.Header{"Cookie": {"klatch_session=" + ann.token}, "Origin": {own}}, nil, true},
		{"cookie of another site", http.Header{"Cookie": {"klatch_session=" + ann.token}, "Origin": {"https://evil.example"}}, nil, false},
		{"cookie of nowhere", http.Header{"Cookie": {"klatch_session=" + ann.token}, "Origin": {"null"}}, nil, false},
		{"token of another site's page", http.Header{"Origin": {"https://app.example"}}, fields{"token": ann.token}, true},
		{"bad frame beats good header", http.Header{"Authorization": {"Bearer " + ann.token}}, fields{"token": "x"}, false},
		{"bad header beats good cookie", http.Header{"Authorization": {"Bearer x"}, "Cookie": {"klatch_session=" + ann.token}}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _, err := n.tryRaw(client.JSON, c.header)
			if err != nil {
				t.Fatal(err)
			}
			f := fields{"type": "hello"}
			for k, v := range c.hello {
				f[k] = v
			}
			r.send(f)
			if !c.ok {
				want(t, r.next("error"), fields{"code": "unauthorized"})
				r.wantClose(4001)
				return
			}
			r.next("ready")
		})
	}
}
