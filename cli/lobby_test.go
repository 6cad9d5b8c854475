package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// lobbyPatience bounds every wait: a test that needs it has failed.
const lobbyPatience = 30 * time.Second

// ample are bounds that no test reaches but by the field that it changes.
func ample() lobbyBounds {
	return lobbyBounds{places: 1, lent: time.Hour, waiting: 1000, connections: 1000, others: func() int { return 0 }}
}

func testLobby(t *testing.T, h http.Handler, conf *tls.Config, bounds lobbyBounds) (*listener, *lobby) {
	t.Helper()
	l, err := listen("--addr", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(h, conf, silent)
	lobby := l.throttle(server, bounds, silent)
	l.start(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		l.stop(ctx)
	})
	return l, lobby
}

func testTLS(t *testing.T) *tls.Config {
	t.Helper()
	dir := t.TempDir()
	config := Config{TLSCert: filepath.Join(dir, "cert.pem"), TLSKey: filepath.Join(dir, "key.pem")}
	writePair(t, config, 1)
	pair, err := tls.LoadX509KeyPair(config.TLSCert, config.TLSKey)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// visits is how many connections the lobby knows.
func (l *lobby) visits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.visitors)
}

func knock(t *testing.T, l *listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.net.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(lobbyPatience))
	return conn
}

// ask sends a request and reads the answer, with its body.
func ask(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: klatch\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return hear(t, conn)
}

func hear(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func hearOK(t *testing.T, conn net.Conn) {
	t.Helper()
	if r, _ := ask(t, conn); r.StatusCode != http.StatusOK {
		t.Fatalf("status %d", r.StatusCode)
	}
}

// until looks again and again at what no event tells of.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(lobbyPatience)
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// TestLobbyCrowd (I6): of a crowd no more are served side by side than there are
// places, and each is served.
func TestLobbyCrowd(t *testing.T) {
	const crowd, places = 500, 3
	var inside, most atomic.Int64
	bounds := ample()
	bounds.places = places
	l, lobby := testLobby(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		n := inside.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		inside.Add(-1)
	}), nil, bounds)
	var all sync.WaitGroup
	for range crowd {
		conn := knock(t, l)
		all.Go(func() {
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: klatch\r\n\r\n")
			if r, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("%v, %+v", err, r)
			}
		})
	}
	all.Wait()
	if most.Load() > places || lobby.turnedAway.Load() != 0 {
		t.Errorf("%d were served at once, %d turned away", most.Load(), lobby.turnedAway.Load())
	}
}

// TestLobbyPlaceEnds: a connection that is kept alive, has been hijacked or has
// ended is in nobody's way.
func TestLobbyPlaceEnds(t *testing.T) {
	hijack := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { conn.Close() })
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	for name, h := range map[string]http.Handler{"kept alive": nothing, "hijacked": hijack} {
		t.Run(name, func(t *testing.T) {
			l, lobby := testLobby(t, h, nil, ample())
			for range 3 {
				hearOK(t, knock(t, l)) // and stays
			}
			quiet := knock(t, l)
			until(t, "its turn", func() bool { return lobby.gate.Waiting() == 0 })
			quiet.Close()
			hearOK(t, knock(t, l))
		})
	}
}

// TestLobbyPlaceEndsUnderTLS: http.Server knows the connection by another name there.
func TestLobbyPlaceEndsUnderTLS(t *testing.T) {
	l, _ := testLobby(t, nothing, testTLS(t), ample())
	for range 3 {
		conn := tls.Client(knock(t, l), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what it is, we just made
		hearOK(t, conn)
	}
}

// TestLobbySlowloris (I6): those who connect and say nothing keep nobody waiting for long.
func TestLobbySlowloris(t *testing.T) {
	bounds := ample()
	bounds.places, bounds.lent = 2, time.Millisecond
	l, _ := testLobby(t, nothing, nil, bounds)
	for range 200 {
		knock(t, l)
	}
	hearOK(t, knock(t, l))
}

// TestLobbyTurnsAway (I6): past its bounds it says so, with when to come back, and
// the answer arrives whether the request has come before it or not.
func TestLobbyTurnsAway(t *testing.T) {
	for name, change := range map[string]func(*lobbyBounds){
		"too many wait":        func(b *lobbyBounds) { b.waiting = 1 },
		"too many connections": func(b *lobbyBounds) { b.connections = 2 },
		"too many sessions":    func(b *lobbyBounds) { b.others = func() int { return 998 } },
	} {
		t.Run(name, func(t *testing.T) {
			bounds := ample()
			change(&bounds)
			l, lobby := testLobby(t, nothing, nil, bounds)
			first := knock(t, l)
			until(t, "the first one", func() bool { return lobby.visits() == 1 && lobby.gate.Waiting() == 0 })
			second := knock(t, l)
			until(t, "the second one", func() bool { return lobby.gate.Waiting() == 1 })
			for i := range 20 {
				conn := knock(t, l)
				var r *http.Response
				var body string
				if i%2 == 0 {
					r, body = ask(t, conn)
				} else {
					r, body = hear(t, conn)
				}
				var p struct{ Code, Title string }
				after, err := strconv.Atoi(r.Header.Get("Retry-After"))
				if r.StatusCode != http.StatusServiceUnavailable || err != nil || after < 1 || after > 5 || !r.Close ||
					json.Unmarshal([]byte(body), &p) != nil || p.Code != "unavailable" {
					t.Fatalf("%+v %s", r, body)
				}
				if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Fatalf("after the answer: %d, %v", n, err)
				}
			}
			if n := lobby.stats().turnedAway; n != 20 {
				t.Errorf("%d were turned away", n)
			}
			first.Close()
			hearOK(t, second)
		})
	}
}

// TestLobbyTurnsAwayUnderTLS: who would be answered in plain text is not answered.
func TestLobbyTurnsAwayUnderTLS(t *testing.T) {
	bounds := ample()
	bounds.connections = 0
	l, _ := testLobby(t, nothing, testTLS(t), bounds)
	if n, err := knock(t, l).Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// TestLobbyClose: closing keeps nobody: neither those who wait, nor the
// goroutines, nor the server that closes under its own lock.
func TestLobbyClose(t *testing.T) {
	bounds := ample()
	bounds.waiting = 50
	l, lobby := testLobby(t, nothing, nil, bounds)
	var crowd []net.Conn
	for range 100 {
		crowd = append(crowd, knock(t, l))
	}
	until(t, "the crowd", func() bool { return lobby.gate.Waiting() == 50 && lobby.turnedAway.Load() == 49 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.stop(ctx)
	for i, conn := range crowd {
		if _, err := io.ReadAll(conn); errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	if _, err := lobby.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	until(t, "the end of all visits", func() bool { return lobby.visits() == 0 })
}

// scripted is a listener that answers as it is told.
type scripted struct {
	net.Listener
	answers chan any
}

func (s scripted) Accept() (net.Conn, error) {
	switch a := (<-s.answers).(type) {
	case net.Conn:
		return a, nil
	case error:
		return nil, a
	}
	return nil, net.ErrClosed
}

func (s scripted) Close() error { close(s.answers); return nil }

// TestLobbyShortage: a lack of descriptors passes, and those who wait are served
// meanwhile; what does not pass is the server's to hear.
func TestLobbyShortage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted{answers: make(chan any, 10)}
		l := newLobby(s, ample(), false, silent)
		mine, theirs := net.Pipe()
		defer theirs.Close()
		broken := errors.New("broken")
		s.answers <- &net.OpError{Op: "accept", Err: syscall.EMFILE}
		s.answers <- &net.OpError{Op: "accept", Err: syscall.ENFILE}
		s.answers <- mine
		s.answers <- broken
		if conn, err := l.Accept(); conn != mine || err != nil {
			t.Fatal(conn, err)
		}
		if _, err := l.Accept(); err != broken {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		mine.Close()
	})
}

// TestLobbyListenerBreaks: a listener closed by others ends the server, which says so.
func TestLobbyListenerBreaks(t *testing.T) {
	l, lobby := testLobby(t, nothing, nil, ample())
	lobby.Listener.Close()
	select {
	case err := <-l.failed:
		if err == nil {
			t.Fatal("ended without a word")
		}
	case <-time.After(lobbyPatience):
		t.Fatal("goes on without a listener")
	}
}
