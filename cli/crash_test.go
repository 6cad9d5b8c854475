package cli_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/bench"
	"github.com/klatch-chat/klatch/engine/client"
)

var crashRounds = flag.Int("crash.rounds", 4, "how many times the crash test kills the server")

const (
	crashUsers    = 24
	crashRooms    = 4
	crashPatience = time.Minute
)

// I1, I5, I7: a server under load is killed with SIGKILL again and again. The
// clients are the ordinary Go clients, left to their own reconnecting; what was
// acknowledged must be in the history, once, whole, and in every room-mate's stream.
func TestI1KillNine(t *testing.T) {
	x := newCrash(t)
	x.start()
	for i := range crashUsers {
		x.connect(i)
	}
	var wg sync.WaitGroup
	for _, u := range x.users {
		wg.Go(func() { u.talk() })
	}
	for round := range *crashRounds {
		before := x.acked.Load()
		x.awaitAcked(before + uint64(50+x.rng.IntN(400)))
		if err := x.server.Kill(); err != nil {
			t.Fatal(err)
		}
		x.start()
		t.Logf("round %d: killed after %d acknowledged posts", round+1, x.acked.Load())
	}
	x.awaitAcked(x.acked.Load() + 100)
	close(x.stop)
	wg.Wait()
	x.checkHistory()
	x.checkStreams()
	if err := x.server.Stop(); err != nil {
		t.Errorf("the last server: %v", err)
	}
}

type crash struct {
	t      *testing.T
	rng    *rand.Rand
	config bench.ServerConfig
	server *bench.Server
	users  []*crashUser
	acked  atomic.Uint64
	stop   chan struct{}
}

type crashUser struct {
	x      *crash
	index  int
	room   string
	client *client.Client

	acked map[string]string // id to body; owned by talk

	mu   sync.Mutex
	seen map[string]string // id to body, from the stream
}

func newCrash(t *testing.T) *crash {
	dir := t.TempDir()
	binary := filepath.Join(dir, "klatch")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/klatch-chat/klatch/cli/klatch").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	// One port for all rounds, so that clients find the server again.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	x := &crash{t: t, rng: rand.New(rand.NewPCG(1, uint64(*crashRounds))), stop: make(chan struct{})}
	x.config = bench.ServerConfig{
		Binary: binary, Data: filepath.Join(dir, "data"), Addr: l.Addr().String(),
		Secret: []byte(strings.Repeat("s", 32)), Stderr: os.Stderr, Args: []string{"--log-level", "error"},
	}
	t.Cleanup(func() {
		for _, u := range x.users {
			if err := u.client.Close(); err != nil && !errors.Is(err, client.ErrClosed) {
				t.Error(err)
			}
		}
		if x.server != nil {
			_ = x.server.Kill() // it has ended already, unless the test failed
		}
	})
	return x
}

func (x *crash) start() {
	x.t.Helper()
	var err error
	if x.server, err = bench.StartServer(context.Background(), x.config); err != nil {
		x.t.Fatal(err)
	}
}

func (x *crash) connect(i int) {
	room := fmt.Sprintf("room-%d", i%crashRooms)
	u := &crashUser{x: x, index: i, room: room, acked: map[string]string{}, seen: map[string]string{}}
	format := client.JSON
	if i%2 == 1 {
		format = client.CBOR
	}
	var err error
	u.client, err = client.Dial(context.Background(), client.Config{
		URL: x.server.URL, Token: x.token(i, room), Format: format, OnEvent: u.event,
		Backoff: client.Backoff{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond},
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.users = append(x.users, u)
}

// token lets a user in, and into a room.
func (x *crash) token(user int, room string) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": fmt.Sprintf("user-%d", user), "rooms": []string{room}, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(x.config.Secret)
	if err != nil {
		x.t.Fatal(err)
	}
	return token
}

func (u *crashUser) event(e client.Event) {
	switch e.Type {
	case client.TypeMessage:
		var m client.Message
		if err := e.Decode(&m); err != nil {
			u.x.t.Error(err)
		}
		u.mu.Lock()
		u.seen[m.ID] = m.Body
		u.mu.Unlock()
	case client.TypeReset:
		u.x.t.Errorf("user %d: reset: %s", u.index, e.Data)
	}
}

// talk posts until the test stops it. A post that a crash interrupts is
// repeated by the client, with its nonce.
func (u *crashUser) talk() {
	for n := 0; ; n++ {
		select {
		case <-u.x.stop:
			return
		default:
		}
		body := seal(fmt.Sprintf("%d.%d %s", u.index, n, strings.Repeat("x", n%700)))
		ctx, cancel := context.WithTimeout(context.Background(), crashPatience)
		p, err := u.client.Post(ctx, client.Post{Room: u.room, Body: body})
		cancel()
		if err != nil {
			u.x.t.Errorf("user %d: post %d: %v", u.index, n, err)
			return
		}
		u.acked[p.ID] = body
		u.x.acked.Add(1)
	}
}

// seal adds a body's own hash, so that a torn one is seen.
func seal(s string) string {
	sum := sha256.Sum256([]byte(s))
	return s + "#" + hex.EncodeToString(sum[:])
}

func whole(body string) bool {
	i := strings.LastIndexByte(body, '#')
	return i >= 0 && seal(body[:i]) == body
}

func (x *crash) awaitAcked(n uint64) {
	x.t.Helper()
	await(x.t, "more acknowledged posts", func() bool { return x.acked.Load() >= n })
}

// await looks again and again until something holds; the test fails where it never does.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	deadline := time.After(crashPatience)
	for !holds() {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("%s never came", what)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// checkHistory pages through all rooms and holds them against the acks.
func (x *crash) checkHistory() {
	for room := range crashRooms {
		history := x.history(x.users[room])
		bodies := map[string]bool{}
		for id, body := range history {
			if !whole(body) {
				x.t.Errorf("message %s is torn: %.80q", id, body)
			}
			if bodies[body] {
				x.t.Errorf("%.20q is there twice", body)
			}
			bodies[body] = true
		}
		for i := room; i < crashUsers; i += crashRooms {
			for id, body := range x.users[i].acked {
				if history[id] != body {
					x.t.Errorf("message %s of user %d was acknowledged and is lost", id, i)
				}
			}
		}
	}
}

func (x *crash) history(u *crashUser) map[string]string {
	all := map[string]string{}
	for before := ""; ; {
		page, err := u.client.History(context.Background(), u.room, client.Range{Before: before, Limit: 200})
		if err != nil {
			x.t.Fatal(err)
		}
		for _, m := range page.Items {
			all[m.ID] = m.Body
		}
		if before = page.Prev; before == "" {
			return all
		}
	}
}

// checkStreams waits until every client has been told of every acknowledged message of its room.
func (x *crash) checkStreams() {
	for i, u := range x.users {
		for j := i % crashRooms; j < crashUsers; j += crashRooms {
			for id := range x.users[j].acked {
				u.awaitSeen(id)
			}
		}
	}
}

func (u *crashUser) awaitSeen(id string) {
	u.x.t.Helper()
	await(u.x.t, fmt.Sprintf("to user %d, message %s", u.index, id), func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		_, ok := u.seen[id]
		return ok
	})
}
