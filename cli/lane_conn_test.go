package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLaneTakes: plain requests are the lane's until the first that is not, and
// none after it. Not to take the others makes them no faster, to take them could
// be wrong: that FuzzLane finds out.
func TestLaneTakes(t *testing.T) {
	const get, end = "GET / HTTP/1.1\r\n", "Host: klatch\r\n\r\n"
	s := newContest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(*laneReply); ok {
			w.Header().Set("X-Lane", "1")
		}
	}), true)
	for sent, want := range map[string]string{
		get + end:                                               "1",
		"HEAD / HTTP/1.1\r\n" + end:                             "1",
		get + "Connection: keep-alive\r\n" + end:                "1",
		get + end + get + end:                                   "11",
		get + "Connection: close\r\n" + end:                     "0",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n" + end:    "0",
		"GET / HTTP/1.0\r\n" + end:                              "0",
		get + "Content-Length: 0\r\n" + end:                     "0",
		get + "X: " + strings.Repeat("x", 4<<10) + "\r\n" + end: "0",
		"POST / HTTP/1.1\r\n" + end:                             "0",
		get + end + "POST / HTTP/1.1\r\nContent-Length: 2\r\n" + end + "ab" + get + end: "100",
	} {
		got := ""
		for _, a := range understand(s.said([]byte(sent), len(sent))) {
			if a.Header.Get("X-Lane") == "" {
				got += "0"
			} else {
				got += "1"
			}
		}
		if got != want {
			t.Errorf("%.60q: answered %s, want %s (1: by the lane)", sent, got, want)
		}
	}
}

// TestLaneUnknownLength: an answer that is too long to be kept ends with the connection.
func TestLaneUnknownLength(t *testing.T) {
	for _, size := range []int{0, 1, laneSmall, laneWhole, laneWhole + 1, 3 * laneWhole} {
		s := newContest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for left := size; left > 0; left -= min(left, 1000) {
				if _, err := w.Write(make([]byte, min(left, 1000))); err != nil {
					t.Error(err)
				}
			}
		}), true)
		said := understand(s.said([]byte("GET / HTTP/1.1\r\nHost: klatch\r\n\r\n"), 1000))
		if len(said) != 1 || len(said[0].Body) != size || said[0].Err != "" || said[0].Close != (size > laneWhole) {
			t.Errorf("%d bytes: %d answers: %.200v", size, len(said), said)
		}
	}
}

// TestLanePatience: who says nothing, or only half, is left as http.Server leaves them.
func TestLanePatience(t *testing.T) {
	const whole = "GET / HTTP/1.1\r\nHost: klatch\r\n\r\n"
	big := strings.Repeat("x", 1<<20)
	for _, x := range []struct {
		name, said string
		deaf       bool
		within     time.Duration
	}{
		{"nothing", "", false, headerPatience},
		{"half", "GET / HT", false, headerPatience},
		{"nothing more", whole, false, idlePatience},
		{"half more", whole + "GET / HT", false, headerPatience},
		{"a deaf ear", whole, true, writePatience},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newContest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(len(big)))
					_, _ = io.WriteString(w, big)
				}), true)
				mine, theirs := net.Pipe()
				s.conns.made <- theirs
				began := time.Now()
				if x.said != "" { // a pipe would tell of nothing
					go func() { _, _ = io.WriteString(mine, x.said) }()
				}
				if x.deaf {
					time.Sleep(x.within + time.Second) // of a made-up clock
					synctest.Wait()
				}
				n, err := io.Copy(io.Discard, mine)
				if took := time.Since(began); err != nil || took < x.within-2*time.Second || took > x.within+2*time.Second || x.deaf && n > 0 {
					t.Errorf("left after %s and %d bytes with %v, want within %s", took, n, err, x.within)
				}
			})
		})
	}
}

// TestLaneStops: an idle connection ends at once, a running request is waited
// for, and cut when the patience is over; its context has then ended.
func TestLaneStops(t *testing.T) {
	for _, patient := range []bool{true, false} {
		runs, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		l, lobby := testLobby(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				return
			}
			close(runs)
			select {
			case <-goOn:
			case <-r.Context().Done():
			}
			ended <- r.Context().Err()
		}), nil, ample())
		idle, busy := knock(t, l), knock(t, l)
		hearOK(t, idle)
		if _, err := io.WriteString(busy, "GET /runs HTTP/1.1\r\nHost: klatch\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-runs
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan struct{})
		go func() { defer close(stopped); l.stop(ctx) }()
		if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("an idle connection: %v", err)
		}
		if patient {
			close(goOn)
			if r, _ := hear(t, busy); r.StatusCode != http.StatusOK || !r.Close {
				t.Errorf("a running request: %v", r)
			}
		} else {
			cancel()
			if b, err := io.ReadAll(busy); len(b) > 0 {
				t.Errorf("past the patience it was still said %q, %v", b, err)
			}
		}
		<-stopped
		if err := <-ended; (err == nil) != patient {
			t.Errorf("patient %t, and the request's context says %v", patient, err)
		}
		cancel()
		until(t, "everybody's leaving", func() bool { return lobby.visits() == 0 })
	}
}

// TestLaneHijack: who takes a connection over gets the kernel's, and what had come beyond the request.
func TestLaneHijack(t *testing.T) {
	var l *listener
	ended := make(chan struct{})
	l, lobby := testLobby(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, isTCP := conn.(*net.TCPConn)
		beyond, _ := rw.Peek(rw.Reader.Buffered())
		if _, err := w.Write(nil); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("written to after all: %v", err)
		}
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("taken over twice: %v", err)
		}
		_ = l.lane.Close() // ends what is the lane's: this is no more
		_, _ = rw.Discard(len(beyond))
		fmt.Fprintf(conn, "%t %s\n", isTCP, beyond)
		if said, err := rw.ReadString('\n'); said != "after\n" || err != nil {
			t.Errorf("after the lane's end: %q, %v", said, err)
		}
	}), nil, ample())
	conn := knock(t, l)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: klatch\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbeyond"); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(conn).ReadString('\n'); said != "true beyond\n" || err != nil {
		t.Errorf("a *net.TCPConn and what is beyond: %q, %v", said, err)
	}
	if _, err := io.WriteString(conn, "after\n"); err != nil {
		t.Fatal(err)
	}
	<-ended
	if n := lobby.visits(); n != 0 {
		t.Errorf("the lobby still knows %d", n)
	}
}
