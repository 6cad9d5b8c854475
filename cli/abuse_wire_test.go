package cli

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// heard is one answer of the server.
type heard struct {
	status  int
	interim []int // the 1xx before it
	header  http.Header
	body    string
}

func (h heard) String() string { return fmt.Sprintf("%d %v %.200q", h.status, h.header, h.body) }

// maxHeard is more than any answer has.
const maxHeard = 8 << 20

// dial connects as its own client, which keeps no rule of HTTP.
func (a *abused) dial(protocols ...string) net.Conn {
	a.Helper()
	conn, err := net.Dial("tcp", a.node.public.net.Addr().String())
	if err != nil {
		a.Fatal(err)
	}
	if a.secure {
		conn = tls.Client(conn, &tls.Config{
			InsecureSkipVerify: true, NextProtos: protocols, //nolint:gosec // what it is, we just made
			ServerName: "klatch", ClientSessionCache: a.tickets,
		})
	}
	_ = conn.SetDeadline(time.Now().Add(lobbyPatience))
	return conn
}

// get writes a request of ann's; lines are header lines.
func (a *abused) get(target string, lines ...string) string { return a.head("GET "+target, lines...) }

func (a *abused) head(request string, lines ...string) string {
	lines = append([]string{request + " HTTP/1.1", "Host: klatch", "Authorization: Bearer " + a.token}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// post is a request that would leave a trace.
func (a *abused) post(body string) string {
	body = fmt.Sprintf(`{"body":%q}`, body)
	return a.head("POST /api/v1/rooms/tea/messages", "Connection: close", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))) + body
}

// exchange sends bytes on a connection of their own and returns all that the
// server answers until it ends the connection, which it must.
func (a *abused) exchange(sent string) []heard {
	a.Helper()
	conn := a.dial()
	defer conn.Close()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, sent) // a server that has refused need not read on
	}()
	said, err := hearAll(conn)
	conn.Close()
	<-written
	if err != nil {
		a.Errorf("%.100q: not ended by the server after %v: %v", sent, said, err)
	}
	for _, h := range said {
		if err := h.innocent(); err != nil {
			a.Errorf("%.200q: %v in %v", sent, err, h)
		}
	}
	return said
}

// hearAll reads answers until the server ends the connection; a reset, too, is an end.
func hearAll(conn net.Conn) (said []heard, err error) {
	in := bufio.NewReader(io.LimitReader(conn, maxHeard))
	for {
		h, err := hearOne(in)
		if ended(err) {
			return said, nil
		}
		if err != nil {
			return said, err
		}
		said = append(said, h)
	}
}

func ended(err error) bool {
	return errors.Is(err, errNothing) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errNothing is the end between two answers.
var errNothing = errors.New("nothing more is said")

// hearOne reads one answer and the interim ones before it.
func hearOne(in *bufio.Reader) (h heard, err error) {
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return h, errNothing
		} else if err != nil {
			return h, err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return h, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			h.interim = append(h.interim, resp.StatusCode)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		h.status, h.header, h.body = resp.StatusCode, resp.Header, string(body)
		return h, err
	}
}

// linked is a target of a Link field.
var linked = regexp.MustCompile(`<([^>]*)>`)

// innocent holds an answer to contain nothing that only an attacker says, to
// lead to no other host, and to blame nobody but the client. 501 is for transfer
// codings (RFC 9112, 6.1), 505 for versions (RFC 9110, 15.6.6).
func (h heard) innocent() error {
	if h.status >= 500 && h.status != http.StatusNotImplemented && h.status != http.StatusHTTPVersionNotSupported {
		return fmt.Errorf("status %d", h.status)
	}
	for name, lines := range h.header {
		for _, line := range lines {
			low := strings.ToLower(line)
			if strings.Contains(strings.ToLower(name), "smuggled") || name != "Link" && (strings.Contains(low, "evil") || strings.Contains(low, "smuggled")) {
				return fmt.Errorf("the client's own %s: %s", name, line)
			}
		}
	}
	targets := h.header.Values("Location")
	for _, m := range linked.FindAllStringSubmatch(strings.Join(h.header.Values("Link"), ","), -1) {
		targets = append(targets, m[1])
	}
	for _, target := range targets {
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.Contains(target, `\`) {
			return fmt.Errorf("a way to another host: %s", target)
		}
	}
	return nil
}

// outcome is what becomes of a connection after an answer.
type outcome int

const (
	either outcome = iota
	goesOn         // the next request is answered
	ends           // what follows is not taken for a request
)

// cut is for a connection that ends without an answer, or before it could be read:
// closing with bytes unread resets (RFC 9112, 9.6).
const cut = 0

// abuse is one attack in bytes, and the right answers to it.
type abuse struct {
	name string
	sent string
	want []int
	then outcome
}

// endure sends each attack, followed by a request of which it is known whether
// it may be heard.
func (a *abused) endure(attacks []abuse) {
	a.Helper()
	for _, x := range attacks {
		a.Run(x.name, func(t *testing.T) {
			a := a.in(t)
			next := a.get("/healthz", "Connection: close")
			if x.then == ends {
				next = a.post("smuggled")
			}
			a.judge(x, a.exchange(x.sent+next))
			a.unharmed(x.name)
		})
	}
	a.nothingSmuggled()
}

func (a *abused) judge(x abuse, said []heard) {
	a.Helper()
	if len(said) == 0 {
		said = []heard{{}}
	}
	if !slices.Contains(x.want, said[0].status) {
		a.Errorf("answered %v, want one of %v", said[0], x.want)
	}
	next := said[1:]
	switch {
	case x.then == ends && len(next) > 0:
		a.Errorf("what followed was taken for a request, and answered %v", next)
	case x.then == goesOn && (len(next) != 1 || next[0].status != 200 || !strings.Contains(next[0].body, "alive")):
		a.Errorf("the next request was answered %v", next)
	case len(next) > 1:
		a.Errorf("two requests have %d answers: %v", len(said), said)
	}
}

// nothingSmuggled looks for messages that nobody has posted.
func (a *abused) nothingSmuggled() {
	a.Helper()
	said := a.exchange(a.get("/api/v1/rooms/tea/messages?limit=200", "Connection: close"))
	if len(said) != 1 || said[0].status != 200 || strings.Contains(said[0].body, "smuggled") {
		a.Errorf("the room's messages: %v", said)
	}
}
