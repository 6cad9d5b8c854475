package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// httpAttacks break HTTP, or the API.
var httpAttacks = []*attack{
	{name: "http: connect and say nothing", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		return silence(p)
	}},
	dripped("http: drip a request line", func(*attacker) string { return "GET /" + strings.Repeat("a", 2000) }),
	dripped("http: drip headers", func(a *attacker) string {
		return a.head("GET /healthz") + strings.Repeat("X-Slow: loris\r\n", 100)
	}),
	dripped("http: drip a handshake", func(a *attacker) string {
		return a.head("GET /api/v1/ws") + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" + strings.Repeat("X-Slow: loris\r\n", 100)
	}),
	dripped("http: drip a login's body", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n" + strings.Repeat(" ", 4000)
	}),
	dripped("http: drip the body of a request that needs none", func(a *attacker) string {
		return a.head("GET /api/v1/me") + "Content-Length: 4000\r\n\r\n" + strings.Repeat("x", 4000)
	}),
	dripped("http: drip a chunked body", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\n \r\n", 1000)
	}),
	request("http: headers too large", func(a *attacker) string {
		return a.head("GET /healthz") + strings.Repeat("X-Large: "+strings.Repeat("x", 1000)+"\r\n", 200) + "\r\n"
	}),
	request("http: wrong methods", func(a *attacker) string {
		method := pick(a, "DELETE", "PUT", "CONNECT", "TRACE", "OPTIONS", "PRI", "get", "M-SEARCH", "POST", "\x00")
		return a.head(method+" "+pick(a, "/api/v1/login", "/api/v1/ws", "/healthz", "/", "*", "host:80", "/api/v1/rooms/x/members")) + "Connection: close\r\n\r\n"
	}),
	request("http: bad lengths", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Connection: close\r\nContent-Type: application/json\r\n" + pick(a,
			"Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 1, 2", "Content-Length: 0x10",
			"Content-Length: 1\r\nContent-Length: 2", "Content-Length: +5", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked",
		) + "\r\n\r\n{}"
	}),
	request("http: a body beyond the limit", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n" + strings.Repeat(" ", 2000000)
	}),
	request("http: chunks without end", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("1000\r\n"+strings.Repeat(" ", 0x1000)+"\r\n", 200)
	}),
	request("http: broken chunks", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
			pick(a, "zz\r\n", "-1\r\n", "ffffffffffffffff\r\n", "5\r\nabc", "1\r\nabc\r\n", "1;"+strings.Repeat("x", 9000)) + "\r\n\r\n"
	}),
	request("http: smuggling", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Connection: close\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"
	}),
	request("http: other versions", func(a *attacker) string {
		return pick(a, "GET /healthz HTTP/1.0\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/3.7\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
			"GET /api/v1/ws HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
			"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("\x00", 200)+"\r\n\r\n", "hello\r\n\r\n")
	}),
	request("http: no or two hosts", func(a *attacker) string {
		return "GET /healthz HTTP/1.1\r\nConnection: close\r\n" + pick(a, "", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: \x01\r\n") + "\r\n"
	}),
	request("http: handshake that is none", func(a *attacker) string {
		key := base64.StdEncoding.EncodeToString(a.noise(16))
		return a.head(pick(a, "GET", "POST")+" /api/v1/ws") + pick(a,
			"Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\nSec-WebSocket-Key: "+key,
			"Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short",
			"Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
			"Connection: close, Upgrade\r\nUpgrade: h2c",
			"Connection: close",
			"Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: soap\r\nSec-WebSocket-Key: "+key,
		) + "\r\n\r\n"
	}),
	request("http: an expectation that is none", func(a *attacker) string {
		return a.head("POST /api/v1/login") + "Connection: close\r\nExpect: the worst\r\nContent-Length: 2\r\n\r\n{}"
	}),
	request("http: login nonsense", func(a *attacker) string {
		body := pick(a, "{", "null", "[]", `{"username":1}`, `{"username":"a","username":"b"}`, "\xff", strings.Repeat("[", 50000),
			`{"username":"attacker-1","password":"`+strings.Repeat("p", 5000)+`"}`, `{"unknown":`+strings.Repeat("9", 5000)+`}`)
		return a.post("/api/v1/"+pick(a, "login", "register"), "", body)
	}),
	request("http: tokens that are none", func(a *attacker) string {
		return a.head("GET /api/v1/"+pick(a, "me", "rooms", "users/x", "rooms/"+soakGarden+"/messages")) +
			"Connection: close\r\nAuthorization: Bearer " + a.forged() + "\r\n\r\n"
	}),
	request("http: nonsense with a token", func(a *attacker) string {
		return pick(a,
			a.post("/api/v1/rooms/"+soakArena+"/messages", a.token(), `{"body":"`+strings.Repeat("x", 17<<10)+`"}`),
			a.post("/api/v1/rooms/"+soakArena+"/messages", a.token(), `{"body":"\ud800","reply_to":"x"}`),
			a.post("/api/v1/rooms/%00%ff/join", a.token(), ""),
			a.post("/api/v1/rooms/direct", a.token(), `{"users":["nobody"]}`),
			a.get("/api/v1/rooms/"+soakGarden+"/messages?before=x&after=y&limit=-1", a.token(), ""),
			a.get("/api/v1/rooms/"+soakGarden+"/messages?limit=200", a.token(), ""),
			a.get("/api/v1/rooms?cursor="+strings.Repeat("A", 5000), a.token(), ""),
			a.get("/api/v1/me", a.token(), "Klatch-After: "+base64.RawURLEncoding.EncodeToString(a.noise(40))),
			a.get("/api/v1/me", a.token(), "Klatch-After: "+future()),
		)
	}),
	{name: "http: pipelining, the answers unread", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.deaf.Store(true)
		one := a.head("GET "+pick(a, "/", "/healthz", "/api/v1/openapi.json")) + "\r\n"
		p.write([]byte(strings.Repeat(one, 2000)))
		a.pause(min(a.stay(), 5*time.Second))
		p.listen()
		return p.left(time.Second), nil
	}},
	{name: "http: pipelining, then a reset", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(strings.Repeat(a.head("GET /api/v1/openapi.json")+"\r\n", 500)))
		return p.reset()
	}},
	{name: "http: asked to continue and does not", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(a.head("POST /api/v1/login") + "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"))
		return silence(p)
	}},
	{name: "http: reset in a body", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(a.head("POST /api/v1/login") + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"))
		a.pause(a.upTo(20 * time.Millisecond))
		return p.reset()
	}},
	{name: "http: reset while it waits for a position", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(a.get("/api/v1/me", pick(a, a.token(), "none"), "Klatch-After: "+future())))
		a.pause(a.upTo(100 * time.Millisecond))
		return p.reset()
	}},
	{name: "http: keep alive and say no more", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(a.head("GET /healthz") + "\r\n"))
		return silence(p)
	}},
}

func (a *attacker) head(request string) string {
	return fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\n", request, a.s.addr)
}

func (a *attacker) post(path, token, body string) string {
	return a.head("POST "+path) + fmt.Sprintf("Connection: close\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", token, len(body), body)
}

func (a *attacker) get(path, token, header string) string {
	if header != "" {
		header += "\r\n"
	}
	return a.head("GET "+path) + "Connection: close\r\nAuthorization: Bearer " + token + "\r\n" + header + "\r\n"
}

// future is a position that no node will ever reach.
func future() string {
	b := binary.BigEndian.AppendUint64([]byte{1}, 42)
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(b, 1<<60))
}

// request is answered, and then the connection ended by the server.
func request(name string, text func(a *attacker) string) *attack {
	return &attack{name: name, codes: "none", run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		p.write([]byte(text(a)))
		// Those that may keep the connection, or wait for more, are told that no more comes.
		if p.still(100 * time.Millisecond) {
			_ = p.conn.CloseWrite() // fails where the server has reset it
		}
		return p.must()
	}}
}

// dripped is said a byte at a time.
func dripped(name string, text func(a *attacker) string) *attack {
	return &attack{name: name, run: func(a *attacker) (string, error) {
		p, err := a.connect()
		if err != nil {
			return "", err
		}
		whole := []byte(text(a))
		// What the server waits for is the end; where it begins does not matter.
		if i := bytes.Index(whole, []byte("\r\n\r\n")); i >= 0 {
			p.write(whole[:i+4])
			whole = whole[i+4:]
		}
		return p.drip(whole, a.upTo(200*time.Millisecond), a.stay()), nil
	}}
}
