package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/lxzan/gws"
)

// recoveryQuiet is how long a client waits for a sign of life, beyond the
// heartbeat's interval and timeout.
const recoveryQuiet = 30 * time.Second

// recoveryLine is a session of Engine.IO.
type recoveryLine interface {
	// listen hands over each packet that comes, one after the other, until the session ends.
	listen(take func(packet string))
	// write sends a packet of text. It is called from within take only.
	write(packet string)
	// cut ends the session as a network does that breaks. Anybody may call it, at any time.
	cut()
}

// recoverySocket is a session over WebSocket.
type recoverySocket struct {
	gws.BuiltinEventHandler
	conn *gws.Conn
	take func(string)
}

func dialRecoverySocket(addr string) (*recoverySocket, error) {
	s := &recoverySocket{}
	conn, _, err := gws.NewClient(s, &gws.ClientOption{
		Addr: "ws://" + addr + "/socket.io/?EIO=4&transport=websocket", HandshakeTimeout: recoveryQuiet, ReadBufferSize: 2 << 10,
	})
	s.conn = conn
	return s, err
}

func (s *recoverySocket) listen(take func(string)) {
	s.take = take
	_ = s.conn.SetReadDeadline(time.Now().Add(recoveryQuiet))
	s.conn.ReadLoop()
}

func (s *recoverySocket) OnMessage(_ *gws.Conn, m *gws.Message) {
	packet := string(m.Bytes())
	_ = m.Close()
	if packet == "2" {
		_ = s.conn.SetReadDeadline(time.Now().Add(recoveryQuiet))
	}
	s.take(packet)
}

func (s *recoverySocket) OnClose(*gws.Conn, error) { s.cut() }

func (s *recoverySocket) write(packet string) { _ = s.conn.WriteString(packet) }

func (s *recoverySocket) cut() { _ = s.conn.NetConn().Close() }

// recoveryPoll is a session over long-polling. Each of its requests goes to a
// node at random, as through a balancer that knows nothing.
type recoveryPoll struct {
	ctx   context.Context
	end   context.CancelFunc
	http  *http.Client
	addrs []string
	sid   string
}

func newRecoveryPoll(ctx context.Context, c *http.Client, addrs []string) *recoveryPoll {
	p := &recoveryPoll{http: c, addrs: addrs}
	p.ctx, p.end = context.WithCancel(ctx)
	return p
}

func (p *recoveryPoll) cut() { p.end() }

func (p *recoveryPoll) listen(take func(string)) {
	defer p.cut()
	for p.ctx.Err() == nil {
		body, err := p.ask(http.MethodGet, "")
		if err != nil {
			return
		}
		for packet := range strings.SplitSeq(body, "\x1e") {
			if p.sid == "" {
				p.open(packet)
			}
			take(packet)
		}
	}
}

func (p *recoveryPoll) open(packet string) {
	var open struct{ Sid string }
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "0")), &open) != nil || open.Sid == "" {
		p.cut()
	}
	p.sid = open.Sid
}

func (p *recoveryPoll) write(packet string) {
	if _, err := p.ask(http.MethodPost, packet); err != nil {
		p.cut()
	}
}

// ask makes one request. A node that takes no connection is passed over.
func (p *recoveryPoll) ask(method, body string) (answer string, err error) {
	for _, i := range rand.Perm(len(p.addrs)) {
		if answer, err = p.askAt(p.addrs[i], method, body); err == nil || !refusesConnections(err) {
			break
		}
	}
	return answer, err
}

func (p *recoveryPoll) askAt(addr, method, body string) (string, error) {
	url := "http://" + addr + "/socket.io/?EIO=4&transport=polling"
	if p.sid != "" {
		url += "&sid=" + p.sid
	}
	ctx, cancel := context.WithTimeout(p.ctx, recoveryQuiet)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}
