package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAbusedPatience: a client that says what it has to say as slowly as it can
// is left within the patience of its phase. Time is made up, so the patience is
// the server's own; behind it is the node's own handler.
func TestAbusedPatience(t *testing.T) {
	a := openAbused(t, false)
	handler := a.node.public.server.Handler
	header := "POST /api/v1/login HTTP/1.1\r\nHost: klatch\r\nContent-Type: application/json\r\n"
	for _, x := range []struct {
		name   string
		begin  string // said at once
		drip   string // said again and again, a byte a second
		within time.Duration
		want   []int
	}{
		{"nothing", "", "", headerPatience, []int{cut}},
		{"a request line", "", "GET /", headerPatience, []int{cut, 400, 408}},
		{"headers", "GET /healthz HTTP/1.1\r\nHost: klatch\r\n", "X-Slow: loris\r\n", headerPatience, []int{cut, 400, 408}},
		{"one header", "GET /healthz HTTP/1.1\r\nHost: klatch\r\nX-Slow: ", "loris", headerPatience, []int{cut, 400, 408}},
		{"a body", header + "Content-Length: 4000\r\n\r\n", " ", bodyPatience, []int{cut, 400, 408}},
		{"a body that never comes", header + "Content-Length: 4000\r\n\r\n", "", bodyPatience, []int{cut, 400, 408}},
		{"a body that was asked for", header + "Expect: 100-continue\r\nContent-Length: 4000\r\n\r\n", "", bodyPatience, []int{cut, 400, 408}},
		{"chunks", header + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", bodyPatience, []int{cut, 400, 408}},
		{"a chunk's extension", header + "Transfer-Encoding: chunked\r\n\r\n1;", "x", bodyPatience, []int{cut, 400, 408}},
		{"trailers", header + "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X-Slow: loris\r\n", bodyPatience, []int{cut, 400, 408}},
		{"the body of what needs none", a.get("/healthz", "Content-Length: 4000"), "x", bodyPatience, []int{cut, 200, 400, 408}},
		{"the body of what is refused", "POST /api/v1/rooms HTTP/1.1\r\nHost: klatch\r\nContent-Length: 4000\r\n\r\n", "x", bodyPatience, []int{cut, 401}},
		{"nothing more", a.get("/healthz"), "", idlePatience, []int{200}},
		{"little more", a.get("/healthz"), "GET /", idlePatience, []int{200}},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := inFakeTime(handler, nil)
				defer s.stop()
				began := time.Now()
				said, err := s.drip(x.begin, x.drip)
				if took := time.Since(began); err != nil || took > x.within+time.Second {
					t.Errorf("left after %s with %v, want within %s", took, err, x.within)
				}
				a.in(t).judge(abuse{want: x.want}, said)
			})
			a.in(t).unharmed(x.name)
		})
	}
	t.Run("a deaf ear", func(t *testing.T) { deaf(t, handler, a.get(a.script)) })
	t.Run("a handshake", func(t *testing.T) { slowHandshake(t, handler) })
}

// deaf asks for more than a buffer holds and reads nothing of it.
func deaf(t *testing.T, handler http.Handler, sent string) {
	synctest.Test(t, func(t *testing.T) {
		s := inFakeTime(handler, nil)
		defer s.stop()
		conn, began := s.dial(), time.Now()
		s.done.Go(func() { _, _ = io.WriteString(conn, strings.Repeat(sent, 10)) })
		time.Sleep(writePatience + time.Second) // of a made-up clock: the server has written to the pipe, and waits
		synctest.Wait()
		if n, err := io.Copy(io.Discard, conn); n > 0 || err != nil {
			t.Errorf("%s after the request it still says %d bytes, %v", time.Since(began), n, err)
		}
	})
}

// slowHandshake says nothing where TLS is spoken.
func slowHandshake(t *testing.T, handler http.Handler) {
	conf := testTLS(t)
	synctest.Test(t, func(t *testing.T) {
		s := inFakeTime(handler, conf)
		defer s.stop()
		began := time.Now()
		_, err := io.Copy(io.Discard, s.dial())
		if took := time.Since(began); err != nil || took > headerPatience+time.Second {
			t.Errorf("left after %s with %v", took, err)
		}
	})
}

// fakeTimed is a server with the node's patience, on pipes: they, unlike
// sockets, keep their deadlines by the bubble's clock.
type fakeTimed struct {
	server *http.Server
	conns  pipes
	done   sync.WaitGroup
}

func inFakeTime(h http.Handler, conf *tls.Config) *fakeTimed {
	s := &fakeTimed{server: newServer(h, conf, slog.New(slog.DiscardHandler)), conns: pipes{make(chan net.Conn), make(chan struct{}), &sync.Once{}}}
	s.done.Go(func() {
		if conf != nil {
			_ = s.server.ServeTLS(s.conns, "", "")
			return
		}
		_ = s.server.Serve(s.conns) // ErrServerClosed
	})
	return s
}

func (s *fakeTimed) dial() net.Conn {
	mine, theirs := net.Pipe()
	s.conns.made <- theirs
	return mine
}

func (s *fakeTimed) stop() {
	_ = s.server.Shutdown(context.Background())
	_ = s.server.Close()
	s.done.Wait()
}

// drip says one thing at once, the other a byte a second, until the server has left.
func (s *fakeTimed) drip(begin, again string) ([]heard, error) {
	conn := s.dial()
	s.done.Go(func() {
		_, err := io.WriteString(conn, begin)
		for i := 0; err == nil && again != ""; i++ {
			time.Sleep(time.Second) // of a made-up clock
			_, err = conn.Write([]byte{again[i%len(again)]})
		}
	})
	defer conn.Close()
	return hearAll(conn)
}

// pipes is a listener.
type pipes struct {
	made chan net.Conn
	over chan struct{}
	once *sync.Once
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.made:
		return conn, nil
	case <-p.over:
		return nil, errors.New("closed")
	}
}

func (p pipes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
