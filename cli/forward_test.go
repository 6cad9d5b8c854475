package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// plainClient adds nothing to requests.
var plainClient = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}

// exchange sends a request on a connection of its own and reads the whole answer.
func exchange(t *testing.T, r *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	answer, err := plainClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func newGet(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantUnknown(t *testing.T, status int, header http.Header, body string) {
	t.Helper()
	if status != http.StatusBadRequest || body != sessionUnknown || header.Get("Content-Type") != "application/json" {
		t.Errorf("answered %d %v %q", status, header, body)
	}
}

func TestForwardReachesTheOwner(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{}, placeConfig{})
	owner := places[1]
	for _, p := range places {
		for _, size := range []int{0, 1, 1 << 20} {
			sent := bytes.Repeat([]byte{0xe2, 0x98, 0x83}, size)
			r, err := http.NewRequest(http.MethodPost, p.url(owner, "echo"), bytes.NewReader(sent))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
			status, header, body := exchange(t, r)
			if status != http.StatusOK || body != string(sent) || header.Get("Content-Type") != "text/plain;charset=UTF-8" {
				t.Errorf("%d bytes: %d, %d bytes, %v", len(sent), status, len(body), header)
			}
			// The owner's header took the place of what the first node had set.
			if said := header.Values("X-Said"); len(said) != 1 || said[0] != owner.sid() {
				t.Errorf("X-Said: %q", said)
			}
			owner.take("echo")
		}
	}
}

// A tunnel that was left idle is used again, and closed with the forwarder.
func TestForwardKeepsTunnels(t *testing.T) {
	places := openPlaces(t, placeConfig{tunnels: 1}, placeConfig{})
	for range 5 {
		if status, _, body := exchange(t, newGet(t, places[0].url(places[1], "echo"))); status != http.StatusOK {
			t.Fatal(status, body)
		}
	}
	places[0].awaitTunnels(1)
	places[0].forward.close(t.Context())
	places[0].awaitTunnels(0)
}

// A poll waits at the owner; each part of its answer leaves at once.
func TestForwardLongPoll(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	type opened struct {
		answer *http.Response
		err    error
	}
	done := make(chan opened, 1)
	go func() {
		answer, err := http.Get(first.url(owner, "wait"))
		done <- opened{answer, err}
	}()
	owner.take("wait")
	owner.answers <- "early"
	got := taken(t, done)
	if got.err != nil {
		t.Fatal(got.err)
	}
	defer got.answer.Body.Close()
	early := make([]byte, 5)
	if _, err := io.ReadFull(got.answer.Body, early); err != nil || string(early) != "early" {
		t.Fatal(string(early), err)
	}
	owner.answers <- "late"
	if late, err := io.ReadAll(got.answer.Body); err != nil || string(late) != "late" {
		t.Error(string(late), err)
	}
}

// A client that leaves its poll is gone for the owner too.
func TestForwardClientLeaves(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(newGet(t, first.url(owner, "wait")).WithContext(ctx))
		done <- err
	}()
	owner.take("wait")
	cancel()
	taken(t, owner.left)
	if err := taken(t, done); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	first.awaitTunnels(0)
}

// I5: an owner that dies while a poll waits is the end of the session, at once and in
// the words that make a client begin anew.
func TestForwardOwnerDies(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	type said struct {
		status int
		header http.Header
		body   string
	}
	done := make(chan said, 1)
	go func() {
		status, header, body := exchange(t, newGet(t, first.url(owner, "wait")))
		done <- said{status, header, body}
	}()
	owner.take("wait")
	owner.die()
	got := taken(t, done)
	wantUnknown(t, got.status, got.header, got.body)
	// And whoever asks before gossip knows, or after.
	await(t, "the owner known for dead", func() bool {
		status, header, body := exchange(t, newGet(t, first.url(owner, "wait")))
		if strings.Contains(body, "nobody there") {
			return true
		}
		wantUnknown(t, status, header, body)
		return false
	})
}

// A poll whose tunnel breaks is not sent again: its answer may be lost, and the
// next one would follow a gap.
func TestForwardSendsOnce(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	for range 3 {
		exchange(t, newGet(t, first.url(owner, "echo"))) // on a tunnel that the next request takes
		owner.take("echo")
		first.awaitTunnels(1)
		status, header, body := exchange(t, newGet(t, first.url(owner, "cut")))
		wantUnknown(t, status, header, body)
		owner.take("cut")
		select {
		case again := <-owner.came:
			t.Fatalf("%s came again", again)
		default:
		}
	}
}

func TestForwardToNobody(t *testing.T) {
	first := openPlaces(t, placeConfig{}, placeConfig{})[0]
	for _, node := range []string{"", "x", "../..", "0000000000000001", strings.Repeat("f", 16), first.store.Origin().String()} {
		w := &unanswered{}
		if first.forward.forward(w, newGet(t, "http://klatch/socket.io/"), node) || w.touched {
			t.Errorf("forwarded to %q", node)
		}
	}
}

// unanswered is a ResponseWriter that nobody may touch.
type unanswered struct{ touched bool }

func (u *unanswered) Header() http.Header         { u.touched = true; return http.Header{} }
func (u *unanswered) Write(b []byte) (int, error) { u.touched = true; return len(b), nil }
func (u *unanswered) WriteHeader(int)             { u.touched = true }

// Two nodes that each take the other for the owner do not play ball.
func TestForwardOnce(t *testing.T) {
	places := openPlaces(t, placeConfig{tunnels: 8}, placeConfig{tunnels: 8})
	a, b := places[0], places[1]
	a.other, b.other = b.store.Origin(), a.store.Origin()
	// What a client says of tunnels is nothing to its first node.
	for _, spoof := range []bool{false, true} {
		r := newGet(t, a.url(b, "loop"))
		if spoof {
			r.Header.Set(clientHeader, "192.0.2.1:1")
		}
		status, _, body := exchange(t, r)
		if status != http.StatusBadRequest || !strings.Contains(body, "nobody there") {
			t.Errorf("answered %d %q", status, body)
		}
		a.take("loop")
		b.take("loop")
		if len(a.came)+len(b.came) != 0 {
			t.Error("it went on")
		}
	}
}

// The owner sees the client that the first node saw, whatever the two trust and the client says.
func TestForwardTellsWhoTheClientIs(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	places := openPlaces(t, placeConfig{trusted: loopback}, placeConfig{}, placeConfig{trusted: loopback})
	trusting, doubting, other := places[0], places[1], places[2]
	for _, c := range []struct {
		name         string
		first, owner *place
		chain        string
		want         string
	}{
		{"a proxy that the first node trusts", trusting, doubting, "203.0.113.7", "203.0.113.7"},
		{"and the owner too", trusting, other, "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		{"a client that names another", doubting, trusting, "203.0.113.7", "127.0.0.1"},
		{"no proxy", doubting, trusting, "", "127.0.0.1"},
		{"IPv6", trusting, doubting, "2001:db8::7", "2001:db8::7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newGet(t, c.first.url(c.owner, "who")+"&t=a%2Bb")
			r.Host = "chat.example"
			r.Header.Set("Cookie", "a=b")
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set(clientHeader, "192.0.2.66:1")
			r.Header.Set("Connection", clientHeader)
			if c.chain != "" {
				r.Header.Set("X-Forwarded-For", c.chain)
			}
			status, _, body := exchange(t, r)
			var got seen
			if err := json.Unmarshal([]byte(body), &got); status != http.StatusOK || err != nil {
				t.Fatal(status, body)
			}
			if got.Address != c.want || got.Host != "chat.example" || got.Query != "a+b" || got.Proto != "https" || got.Cookie != "a=b" || got.Encoding != "" || got.Chain != nil || got.Marks != nil {
				t.Errorf("the owner sees %+v, want %s", got, c.want)
			}
		})
	}
}

// Peers may ask over a tunnel for what sessions need, and for nothing else.
func TestTunnelServesSessionsOnly(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	peer := &http.Client{Transport: places[0].forward.transport}
	owner := places[1].store.Origin().String()
	for path, want := range map[string]int{
		"/socket.io/?do=echo&sid=" + places[1].sid(): http.StatusOK,
		"/healthz": http.StatusNotFound, "/": http.StatusNotFound, "/api/v1/me": http.StatusNotFound,
		"/socket.io/../api/v1/me": http.StatusBadRequest, // no session of anybody
		"/api/v1/ws":              http.StatusNotFound,
	} {
		answer, err := peer.Get("http://" + owner + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d %s", path, answer.StatusCode, text)
		}
	}
}

// I6: past the bound of tunnels a request is refused at once, with a time to come back.
func TestI6ForwardIsBounded(t *testing.T) {
	places := openPlaces(t, placeConfig{tunnels: 1}, placeConfig{})
	first, owner := places[0], places[1]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(newGet(t, first.url(owner, "wait")).WithContext(ctx))
		done <- err
	}()
	owner.take("wait")
	status, header, _ := exchange(t, newGet(t, first.url(owner, "echo")))
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("answered %d %v", status, header)
	}
	cancel()
	taken(t, done)
	first.awaitTunnels(0)
	if status, _, body := exchange(t, newGet(t, first.url(owner, "echo"))); status != http.StatusOK {
		t.Error(status, body)
	}
}

// The end of a forwarder answers who waits, and refuses who comes.
func TestForwardEnds(t *testing.T) {
	places := openPlaces(t, placeConfig{}, placeConfig{})
	first, owner := places[0], places[1]
	done := make(chan int, 1)
	go func() {
		status, _, _ := exchange(t, newGet(t, first.url(owner, "wait")))
		done <- status
	}()
	owner.take("wait")
	socket := dialSocket(t, first.url(owner, "socket"))
	owner.take("socket")
	first.forward.close(t.Context())
	if status := taken(t, done); status != http.StatusBadRequest {
		t.Errorf("answered %d", status)
	}
	socket.wantEnd()
	taken(t, owner.left)
	taken(t, owner.ended)
	if first.forward.forward(&unanswered{}, newGet(t, "http://klatch/socket.io/"), owner.store.Origin().String()) {
		t.Error("forwarded after its end")
	}
	first.awaitTunnels(0)
}

// I6: a client that does not read what it is sent is cut off by its first node.
func TestI6ForwardedClientStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		conn, begun := &forwardConn{Conn: server}, time.Now()
		n, err := conn.ReadFrom(strings.NewReader(strings.Repeat("x", 3*forwardBuffer)))
		if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != forwardPatience {
			t.Errorf("wrote %d, %v after %v", n, err, time.Since(begun))
		}
		client.Close()
		server.Close()
	})
}

// hijackable is a ResponseWriter over a connection of the test's.
type hijackable struct {
	unanswered
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("early")), bufio.NewWriter(h.conn)), nil
}

// What net/http had read of a WebSocket is not lost, and the forwarder's end does
// not wait for a client that does not read.
func TestForwardedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		conn, rw, err := (&forwardWriter{&hijackable{conn: server}, ctx}).Hijack()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rw.Peek(5); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = client.Write([]byte(" late")) }()
		got := make([]byte, 10)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "early late" {
			t.Errorf("read %q, %v", got, err)
		}
		begun := time.Now()
		time.AfterFunc(time.Second, cancel)
		if _, err := conn.Write([]byte("x")); err == nil || time.Since(begun) != time.Second {
			t.Errorf("wrote: %v after %v", err, time.Since(begun))
		}
		client.Close()
	})
}

// Two whole nodes, as serve opens them, have tunnels between them until they end.
func TestNodesHaveTunnels(t *testing.T) {
	a, _ := startNode(t, t.TempDir(), values{"cluster-addr": "127.0.0.1:0"})
	b, _ := startNode(t, t.TempDir(), values{"join": a.members.Addr()})
	owner, err := engine.ParseOrigin(b.members.Node())
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the other reached", func() bool { return a.members.Reaches(owner) })
	peer := &http.Client{Transport: a.forward.transport}
	answer, err := peer.Get("http://" + owner.String() + "/socket.io/")
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(said), "Transport unknown") {
		t.Errorf("the other's Engine.IO answers %d %s, %v", answer.StatusCode, said, err)
	}
	if s := b.members.Stats(); s.TunnelsAccepted != 1 {
		t.Errorf("%d accepted", s.TunnelsAccepted)
	}
}
