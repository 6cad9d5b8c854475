package cli

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// webSockets say hello, post and break the rules.
func (l *life) webSockets() {
	in := l.dial(header{"User-Agent": "life"})
	in.send(object("type", "hello", "token", l.ada))
	in.await(`"type":"ready"`)
	in.send(fmt.Sprintf(`{"type":"post","ref":2,"room":%q,"body":%q}`, l.room, l.secret("body in a frame")))
	in.await(`"type":"ack","ref":2`)
	in.send(fmt.Sprintf(`{"type":"signal","ref":3,"room":%q,"name":"s","data":%q}`, l.room, l.secret("signal")))
	in.await(`"ref":3`)
	in.send(fmt.Sprintf(`{"type":"post","ref":4,"room":%q,"body":%q}`, l.secret("no room"), l.secret("body to nowhere")))
	l.refusals.WriteString(in.await(`"type":"error","ref":4`))
	in.send(`{"type":"post","ref":5,"body":"` + l.secret("broken frame"))
	l.refusals.WriteString(in.await(`"type":"error"`))
	in.conn.Close() // without a close frame

	for what, open := range map[string]func() *lifeSocket{
		"token of a bad hello": func() *lifeSocket {
			s := l.dial(nil)
			s.send(object("type", "hello", "token", l.secret("token of a bad hello")))
			return s
		},
		"cookie of a bad handshake": func() *lifeSocket {
			s := l.dial(header{"Cookie": "klatch_session=" + l.secret("cookie of a bad handshake")})
			s.send(`{"type":"hello"}`)
			return s
		},
		"no hello": func() *lifeSocket {
			s := l.dial(header{"Authorization": "Bearer " + l.bob})
			s.send(object("type", "post", "body", l.secret("body before hello")))
			return s
		},
	} {
		s := open()
		l.refusals.WriteString(what + s.rest())
	}
}

// lifeSocket is a WebSocket of a life.
type lifeSocket struct{ *rawClient }

func (l *life) dial(h header) *lifeSocket {
	l.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(l.public, "http://"))
	l.fatal(err)
	l.t.Cleanup(func() { conn.Close() })
	l.fatal(conn.SetDeadline(time.Now().Add(time.Minute)))
	fmt.Fprintf(conn, "GET /api/v1/ws?token=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", l.secret("token in the handshake's query"))
	for name, value := range h {
		fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	fmt.Fprint(conn, "\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	l.fatal(err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		l.t.Fatalf("the handshake answers %d", resp.StatusCode)
	}
	return &lifeSocket{&rawClient{l.t, conn, in}}
}

func (s *lifeSocket) send(text string) {
	s.t.Helper()
	frame := binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	if _, err := s.conn.Write(append(append(frame, 0, 0, 0, 0), text...)); err != nil { // a mask of zeros
		s.t.Fatal(err)
	}
}

// await reads until a frame that holds text.
func (s *lifeSocket) await(text string) string {
	s.t.Helper()
	for {
		if frame := string(s.read()); strings.Contains(frame, text) {
			return frame
		}
	}
}

// rest is all until the node closes.
func (s *lifeSocket) rest() (text string) {
	s.t.Helper()
	for {
		opcode, payload := s.readFrame()
		text += string(payload) + "\n"
		if opcode == 8 {
			return text
		}
	}
}

// polling is Socket.IO by long-polling: its session ids open sessions.
func (l *life) polling() {
	open := func(of string) (path string) {
		answer := l.ask(200, "GET", "/socket.io/?EIO=4&transport=polling", nil, "")
		l.secrets[of] = l.field(strings.TrimPrefix(answer, "0"), "sid")
		return "/socket.io/?EIO=4&transport=polling&sid=" + l.secrets[of]
	}
	in := open("Engine.IO session")
	l.ask(200, "POST", in, nil, "40"+object("token", l.ada))
	connected := l.ask(200, "GET", in, nil, "")
	connected, _, _ = strings.Cut(connected, "\x1e")
	l.secrets["recovery token"] = l.field(strings.TrimPrefix(connected, "40"), "pid")
	l.ask(200, "POST", in, nil, `42["post",`+object("room", l.room, "body", l.secret("body in an event"))+`]`)
	l.ask(200, "POST", in, nil, `420["no event",`+object("body", l.secret("body of no event"))+`]`)
	l.ask(400, "POST", in, nil, "9"+l.secret("broken packet"))

	out := open("refused Engine.IO session")
	l.ask(200, "POST", out, nil, "40"+object("token", l.secret("token of a bad connect")))
	l.refusals.WriteString(l.ask(200, "GET", out, nil, ""))
	l.ask(400, "GET", "/socket.io/?EIO=4&transport=polling&sid="+l.secret("made-up sid"), nil, "")
}
