package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// echoing says what it has been asked, in one of many ways to say something.
func echoing(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["X-Method"] = []string{r.Method}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %q host %q from %s length %d coded %v close %t trailer %v\n",
		r.Method, r.RequestURI, r.Proto, r.URL, r.Host, r.RemoteAddr, r.ContentLength, r.TransferEncoding, r.Close, r.Trailer)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%q: %q\n", name, r.Header[name])
	}
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(&b, "%d %v", len(body), err)
	said := b.String()
	said = said[:min(len(said), 2000)] // what http.Server, too, keeps to learn its length
	switch r.URL.Path {
	case "/declared":
		h.Set("Content-Length", fmt.Sprint(len(said)))
	case "/typed":
		h.Set("Content-Type", "text/x-echo")
	case "/coded":
		h.Set("Content-Encoding", "echo")
	case "/304":
		h.Set("Content-Type", "text/x-echo")
		h.Set("Content-Length", fmt.Sprint(len(said)))
		h.Set("ETag", `"1"`)
		w.WriteHeader(http.StatusNotModified)
	case "/204":
		w.WriteHeader(http.StatusNoContent)
	case "/426":
		h.Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusUpgradeRequired)
	case "/close":
		h.Set("Connection", "close")
	case "/empty":
		return
	case "/declared-empty":
		h.Set("Content-Length", "7")
		if r.Method == http.MethodHead {
			return
		}
		said = "7 bytes"
	case "/less":
		h.Set("Content-Length", fmt.Sprint(len(said)+1))
	case "/more":
		h.Set("Content-Length", fmt.Sprint(len(said)-1))
		_, _ = io.WriteString(w, said[:len(said)-2])
		_, _ = io.WriteString(w, "more")
		return
	case "/late":
		h.Set("X-Early", "seen")
		w.WriteHeader(http.StatusAccepted)
		h.Set("X-Late", "unseen")
		w.WriteHeader(http.StatusTeapot)
	case "/lines":
		h["X-Lines"] = []string{"a\r\nX-Smuggled: b", " c\n", ""}
		h["X Bad"] = []string{"unseen"}
		h["Date"] = []string{"never"}
	case "/undated":
		h["Date"] = nil
	case "/bits":
		for _, c := range []byte(said) {
			_, _ = w.Write([]byte{c})
		}
		return
	case "/large":
		said = strings.Repeat("large ", 20<<10)
		h.Set("Content-Length", fmt.Sprint(len(said)))
		_, _ = io.WriteString(w, said[:10])
		said = said[10:]
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/panic":
		panic("echo")
	}
	n, err := io.WriteString(w, said)
	if err == nil && n != len(said) {
		panic("short write")
	}
}

// script is a connection that says what it is given, in two parts, and then no
// more, but listens on.
type script struct {
	mu    sync.Mutex
	parts [2][]byte
	heard bytes.Buffer
	over  chan struct{}
	close func()
}

func newScript(said []byte, cut int) *script {
	cut = min(max(0, cut), len(said))
	c := &script{parts: [2][]byte{said[:cut], said[cut:]}, over: make(chan struct{})}
	c.close = sync.OnceFunc(func() { close(c.over) })
	return c
}

func (c *script) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.parts {
		if len(c.parts[i]) > 0 {
			n := copy(p, c.parts[i])
			c.parts[i] = c.parts[i][n:]
			return n, nil
		}
	}
	return 0, io.EOF
}

func (c *script) Write(p []byte) (int, error)      { return c.heard.Write(p) }
func (c *script) Close() error                     { c.close(); return nil }
func (c *script) CloseWrite() error                { return nil }
func (c *script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 2} }
func (c *script) SetDeadline(time.Time) error      { return nil }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// contest is a server on connections of ours, with a lane or without.
type contest struct {
	listener
	conns pipes
}

func newContest(t testing.TB, h http.Handler, withLane bool) *contest {
	s := &contest{conns: pipes{make(chan net.Conn), make(chan struct{}), &sync.Once{}}}
	s.net, s.failed = s.conns, make(chan error, 1)
	server := newServer(h, nil, slog.New(slog.DiscardHandler))
	if withLane {
		server.ConnState = func(net.Conn, http.ConnState) {}
		s.lane = newLane(s.conns, server)
	}
	s.start(server)
	t.Cleanup(func() { s.stop(context.Background()) })
	return s
}

// said returns what is answered to bytes until the server ends the connection.
func (s *contest) said(sent []byte, cut int) []byte {
	c := newScript(sent, cut)
	s.conns.made <- c
	<-c.over
	return c.heard.Bytes()
}

// spoken is one answer as a client understands it.
type spoken struct {
	Status int
	Header http.Header
	Body   string
	Close  bool
	Err    string
}

func understand(said []byte) (all []spoken) {
	in := bufio.NewReaderSize(bytes.NewReader(said), max(16, len(said)))
	for {
		rest, _ := in.Peek(len(said))
		if len(rest) == 0 {
			return all
		}
		head, _, _ := bytes.Cut(rest, []byte("\r\n\r\n"))
		asked := &http.Request{Method: http.MethodGet}
		if bytes.Contains(head, []byte("\r\nX-Method: HEAD")) {
			asked.Method = http.MethodHead
		}
		resp, err := http.ReadResponse(in, asked)
		if err != nil {
			return append(all, spoken{Err: err.Error()})
		}
		body, err := io.ReadAll(resp.Body)
		a := spoken{Status: resp.StatusCode, Header: resp.Header, Body: string(body), Close: resp.Close}
		if err != nil {
			a.Err = err.Error()
		}
		if len(a.Header["Date"]) == 1 && a.Header["Date"][0] != "never" {
			a.Header["Date"] = []string{"now"}
		}
		all = append(all, a)
		if err != nil {
			return all
		}
	}
}

// FuzzLane: whatever is sent, the answers are those of http.Server alone. A
// request follows, for what is left over: of three bytes and an end http.Server
// would say that they are bad only where they are a connection's first.
func FuzzLane(f *testing.F) {
	for _, s := range laneSeeds() {
		f.Add([]byte(s), len(s))
		f.Add([]byte(s), len(s)/2)
		f.Add([]byte(s), 1)
	}
	echo := http.HandlerFunc(echoing)
	with, without := newContest(f, echo, true), newContest(f, echo, false)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		sent = append(sent, "GET /end HTTP/1.1\r\nHost: klatch\r\n\r\n"...)
		got, want := understand(with.said(sent, cut)), understand(without.said(sent, cut))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q, cut at %d: answered\n%+v\nwithout a lane\n%+v", sent, cut, got, want)
		}
	})
}

func laneSeeds() (seeds []string) {
	const end = "Host: klatch\r\n\r\n"
	for _, path := range []string{"", "declared", "typed", "coded", "304", "204", "426", "close", "empty", "declared-empty", "less", "more",
		"late", "lines", "undated", "bits", "large", "abort", "panic"} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			one := method + " /" + path + " HTTP/1.1\r\n" + end
			seeds = append(seeds, one+one+"GET /last HTTP/1.1\r\n"+end)
		}
	}
	for _, line := range []string{
		"Host: twice", "Host : x", "Content-Length: 0", "Content-Length: 5", "Content-Length: 5\r\nContent-Length: 5", "Content-Length: +5",
		"Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding:\vchunked",
		"Transfer-Encoding: chunked\r\nContent-Length: 5", "Expect: 100-continue", "Expect: more", "Trailer: X-T", "Connection: close", "Connection: keep-alive",
		"Connection: Upgrade\r\nUpgrade: h2c", "Connection: foo close bar", "Connection: keep-alive\r\nConnection: close", "Upgrade: websocket",
		"X: a\r\n b", " X: folded", "X : a", "X\x00: a", "X: \x00", "X: \x7f", "X: \xff", ": a", "X", "x: a\r\nX: b", "X: a\n\r\nGET /evil HTTP/1.1", "Pragma: no-cache",
		"Cookie: a=b; c=d", "X: " + strings.Repeat("long ", 2000), "Range: bytes=0-1",
	} {
		seeds = append(seeds, "GET /a HTTP/1.1\r\n"+line+"\r\n"+end+"5\r\nabcde\r\n0\r\n\r\nGET /b HTTP/1.1\r\n"+end)
	}
	for _, first := range []string{
		"GET / HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive", "GET / HTTP/1.2", "GET / HTTP/2.0", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "get / HTTP/1.1", "GET http://evil/ HTTP/1.1", "GET //evil/ HTTP/1.1",
		"GET * HTTP/1.1", "GET /%zz HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /a b HTTP/1.1", "GET /? HTTP/1.1", "GET /#x HTTP/1.1", "PRI * HTTP/2.0", "CONNECT / HTTP/1.1", "OPTIONS * HTTP/1.1", "", "\r\n",
	} {
		seeds = append(seeds, first+"\r\n"+end, first+"\r\n\r\n", first+"\nHost: klatch\n\n"+first+"\nHost: klatch\n\n")
	}
	for _, host := range []string{"", " ", "a b", "a/b", "[::1]:80", "a,b", "\xff", "klatch:80"} {
		seeds = append(seeds, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	}
	return seeds
}
