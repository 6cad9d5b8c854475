package socketio

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// The tests of this file are the points of the test suite of the Socket.IO
// protocol v5, in its order.

// suite is the server that the official suite expects.
func suite(t *testing.T) *house {
	h := open(t, Config{Config: engineio.Config{PingInterval: 300 * time.Millisecond, PingTimeout: 10 * time.Second}})
	h.OnConnection(echoes)
	h.Of("/custom").OnConnection(echoes)
	return h
}

func echoes(s *Socket) {
	s.On("message", func(e *Event) { _ = s.Emit("message-back", mustValues(e)...) })
	s.On("message-with-ack", func(e *Event) { _ = e.Ack(mustValues(e)...) })
	_ = s.Emit("auth", s.Handshake().Auth)
}

func mustValues(e *Event) []any {
	values, err := e.Values()
	if err != nil {
		panic(err)
	}
	return values
}

func TestConnect(t *testing.T) {
	h := suite(t)
	for _, c := range []struct{ name, connect, answer, auth string }{
		{"main", `40`, `40`, `42["auth",{}]`},
		{"main with a payload", `40{"token":"123"}`, `40`, `42["auth",{"token":"123"}]`},
		{"custom", `40/custom,`, `40/custom,`, `42/custom,["auth",{}]`},
		{"custom without its comma", `40/custom`, `40/custom,`, `42/custom,["auth",{}]`},
		{"custom with a payload", `40/custom,{"token":"abc"}`, `40/custom,`, `42/custom,["auth",{"token":"abc"}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := h.dial()
			p.send(c.connect)
			var answer map[string]any
			if err := json.Unmarshal([]byte(p.wants(c.answer)), &answer); err != nil {
				t.Fatal(err)
			}
			if sid, _ := answer["sid"].(string); len(answer) != 1 || len(sid) != 20 {
				t.Fatalf("the answer is %v, want a sid alone", answer)
			}
			p.is(c.auth)
		})
	}
}

func TestConnectToAnUnknownNamespace(t *testing.T) {
	h := suite(t)
	p := h.dial()
	p.send("40/random")
	p.is(`44/random,{"message":"Invalid namespace"}`)
	p.join("/")
}

func TestDisconnect(t *testing.T) {
	h := suite(t)
	gone := make(chan string, 2)
	h.Of("/custom").OnConnection(func(s *Socket) { s.OnDisconnect(func(reason string) { gone <- reason }) })
	p := h.dial()
	p.join("/")
	p.is(`42["auth",{}]`)
	p.join("/custom")
	p.is(`42/custom,["auth",{}]`)
	p.send(`41/custom`, `42["message","message to main namespace"]`)
	p.is(`42["message-back","message to main namespace"]`)
	if reason := await(t, gone); reason != ReasonClientDisconnect {
		t.Fatalf("disconnected for %q", reason)
	}
	p.join("/custom")
	p.is(`42/custom,["auth",{}]`)
	p.send("1") // the whole session
	p.closed()
	if reason := await(t, gone); reason != ReasonTransportClose {
		t.Fatalf("disconnected for %q", reason)
	}
}

// A client that leaves the last namespace may enter another, but not just stay.
func TestDisconnectFromTheMainNamespace(t *testing.T) {
	h := open(t, Config{ConnectTimeout: time.Second})
	p := h.dial()
	p.join("/")
	p.send("41")
	p.closed()
}

func TestMessage(t *testing.T) {
	h := suite(t)
	p := h.dial()
	p.join("/")
	p.is(`42["auth",{}]`)

	p.send(`42["message",1,"2",{"3":[true]}]`)
	p.is(`42["message-back",1,"2",{"3":[true]}]`)

	p.send(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	p.sendBinary("\x01\x02\x03")
	p.sendBinary("\x04\x05\x06")
	p.is(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "binary:\x01\x02\x03", "binary:\x04\x05\x06")

	p.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
	p.is(`43456[1,"2",{"3":[false]}]`)

	p.send(`452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	p.sendBinary("\x01\x02\x03")
	p.sendBinary("")
	p.is(`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "binary:\x01\x02\x03", "binary:")
}

// What is no packet, or none for this state, closes the connection.
func TestMalformedPackets(t *testing.T) {
	h := suite(t)
	reasons := make(chan string, 1)
	h.OnConnection(func(s *Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) })
	for _, c := range []struct{ name, sent, reason string }{
		{"unknown packet type", `4abc`, ReasonParseError},
		{"a type past the last", `47`, ReasonParseError},
		{"nothing", `4`, ReasonParseError},
		{"invalid payload format", `42{}`, ReasonParseError},
		{"invalid ack id", `42abc["message-with-ack",1,"2",{"3":[false]}]`, ReasonParseError},
		{"huge ack id", `4299999999999999999999["message"]`, ReasonParseError},
		{"ack id past 2^53", `429007199254740992["message"]`, ReasonParseError},
		{"no JSON", `42["message"`, ReasonParseError},
		{"more than JSON", `42["message"] x`, ReasonParseError},
		{"no payload", `42`, ReasonParseError},
		{"no name", `42[]`, ReasonParseError},
		{"an object for a name", `42[{}]`, ReasonParseError},
		{"a reserved name", `42["disconnect","me"]`, ReasonParseError},
		{"a reserved name in escapes", `42["\u0063onnect"]`, ReasonParseError},
		{"an ack without an id", `43[]`, ReasonParseError},
		{"an ack that is no array", `431{}`, ReasonParseError},
		{"no attachment count", `45-["message"]`, ReasonParseError},
		{"no attachments", `450-["message"]`, ReasonParseError},
		{"a negative count", `45-1-["message"]`, ReasonParseError},
		{"a broken count", `451.5-["message"]`, ReasonParseError},
		{"a count without its end", `451["message"]`, ReasonParseError},
		{"too many attachments", `4511-["message"]`, ReasonParseError},
		{"a placeholder past the count", `451-["message",{"_placeholder":true,"num":1}]`, ReasonParseError},
		{"a negative placeholder", `451-["message",{"a":{"num":-1,"_placeholder":true}}]`, ReasonParseError},
		{"a placeholder in words", `451-["message",{"_placeholder":true,"num":"0"}]`, ReasonParseError},
		{"a disconnect with a payload", `41{"a":1}`, ReasonParseError},
		{"a connect with an array", `40/custom,[]`, ReasonParseError},
		{"a second connect", `40`, ReasonForcedClose},
		{"a connect error", `44{"message":"no"}`, ReasonForcedClose},
		{"an event for a namespace that was not joined", `42/custom,["message"]`, ReasonForcedClose},
		{"a disconnect from one", `41/custom,`, ReasonForcedClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := h.dial()
			p.join("/")
			p.is(`42["auth",{}]`)
			p.send(c.sent)
			p.closed()
			if reason := await(t, reasons); reason != c.reason {
				t.Fatalf("disconnected for %q, want %q", reason, c.reason)
			}
		})
	}
	for name, send := range map[string]func(p *peer){
		"binary that belongs to nothing": func(p *peer) { p.sendBinary("x") },
		"text among attachments": func(p *peer) {
			p.send(`451-["message",{"_placeholder":true,"num":0}]`, `42["message"]`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.dial()
			p.join("/")
			p.is(`42["auth",{}]`)
			send(p)
			p.closed()
			if reason := await(t, reasons); reason != ReasonParseError {
				t.Fatalf("disconnected for %q", reason)
			}
		})
	}
}

// The first packet must be a CONNECT.
func TestInvalidHandshake(t *testing.T) {
	h := suite(t)
	for _, first := range []string{`4abc`, `42["message"]`, `41`, `431[]`, `44{"message":""}`} {
		p := h.dial()
		p.send(first)
		p.closed()
	}
}

func TestHeartbeat(t *testing.T) {
	h := open(t, Config{Config: engineio.Config{PingInterval: 100 * time.Millisecond, PingTimeout: 2 * time.Second}})
	reasons := make(chan string, 1)
	h.OnConnection(func(s *Socket) { s.OnDisconnect(func(reason string) { reasons <- reason }) })
	p := h.dialMute()
	p.send("40")
	for pings := 0; pings < 3; {
		switch got := await(t, p.sees); {
		case got == "2":
			pings++
			p.send("3")
		case !strings.HasPrefix(got, `40{"sid"`):
			t.Fatalf("got %q", got)
		}
	}
	p.closed()
	if reason := await(t, reasons); reason != ReasonPingTimeout {
		t.Fatalf("disconnected for %q", reason)
	}
}

// Clients of Socket.IO v2 are in "/" unasked, and give their auth as a query.
func TestSocketIOv2(t *testing.T) {
	h := open(t, old(Config{}))
	h.OnConnection(echoes)
	h.Of("/custom").OnConnection(echoes)
	h.Of("/closed").Use(func(*Socket) error { return fmt.Errorf("not you") })
	h.Of("/told").Use(func(*Socket) error { return &Error{Message: "not you", Data: map[string]int{"why": 7}} })
	p := h.dial("EIO=3", "token=abc")
	p.is(`40`, `42["auth",{"token":"abc"}]`)
	p.send(`42["message","a"]`)
	p.is(`42["message-back","a"]`)
	p.send(`40/custom?token=x%20y,`)
	p.is(`40/custom,`, `42/custom,["auth",{"token":"x y"}]`)
	p.send(`42/custom,7["message-with-ack",1]`)
	p.is(`43/custom,7[1]`)
	p.send(`40/closed`)
	p.is(`44/closed,"not you"`)
	p.send(`40/told`)
	p.is(`44/told,{"why":7}`)
	p.send(`40/random`)
	p.is(`44/random,"Invalid namespace"`)
	p.send(`451-["message",{"_placeholder":true,"num":0}]`)
	p.sendBinary("\x04\xff")
	p.is(`451-["message-back",{"_placeholder":true,"num":0}]`, "binary:\x04\xff")
}
