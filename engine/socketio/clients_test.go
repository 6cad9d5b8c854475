package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socketio/engineio"
)

// TestUnmodifiedClients runs testdata/js, the suite of the published clients on
// Node, against a server of this process.
func TestUnmodifiedClients(t *testing.T) {
	if testing.Short() {
		t.Skip("installs npm packages")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "js"))); err != nil {
		t.Fatal(err)
	}
	run(t, dir, 3*time.Minute, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	h := open(t, Config{Config: engineio.Config{AllowEIO3: true, PingInterval: 500 * time.Millisecond, PingTimeout: patience}})
	serveClients(h)
	tests, err := filepath.Glob(filepath.Join(dir, "*.test.mjs"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("there are no tests: %v", err)
	}
	args := append([]string{"node", "--test", "--test-reporter=tap", "--test-concurrency=1"}, tests...)
	out := run(t, dir, 5*time.Minute, []string{"SERVER=http" + strings.TrimPrefix(h.url, "ws")}, args...)
	if !bytes.Contains(out, []byte("\n# fail 0")) || bytes.Contains(out, []byte("\n# pass 0")) {
		t.Fatalf("the suite did not pass:\n%s", out)
	}
}

func run(t *testing.T, dir string, limit time.Duration, env []string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env, c.WaitDelay = dir, append(os.Environ(), env...), 5*time.Second
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args[:2], " "), err, out)
	}
	return out
}

// serveClients has a server do what the suite asks for.
func serveClients(h *house) {
	for _, n := range []*Namespace{h.Namespace, h.Of("/other"), h.Of("/private")} {
		n.OnConnection(func(s *Socket) {
			answer(s)
			mingle(s)
			leave(s)
		})
	}
	h.Of("/private").Use(func(s *Socket) error {
		var auth struct{ Token string }
		if json.Unmarshal(s.Handshake().Auth, &auth) != nil || auth.Token != "good" {
			return &Error{Message: "unauthorized", Data: map[string]int{"code": 4001}}
		}
		return nil
	})
}

// answer is about events and acknowledgements.
func answer(s *Socket) {
	s.On("bounce", func(e *Event) { _ = s.Emit("back", mustValues(e)...) })
	s.On("echo", func(e *Event) { _ = e.Ack(mustValues(e)...) })
	s.On("id", func(e *Event) { _ = e.Ack(s.ID()) })
	s.On("auth", func(e *Event) { _ = e.Ack(s.Handshake().Auth) })
	s.On("where", func(e *Event) { _ = e.Ack(s.Namespace().Name()) })
	s.On("ask me", func(e *Event) { _ = e.Ack(ask(s, patience, "question", mustValues(e)...)...) })
	s.On("ask me briefly", func(e *Event) { _ = e.Ack(ask(s, 50*time.Millisecond, "question")...) })
	s.On("ask for binary", func(e *Event) {
		_ = e.Ack(ask(s, patience, "binary", map[string][]byte{"data": []byte("a\x00b")})...)
	})
}

// ask is what the client answers, or the error.
func ask(s *Socket, limit time.Duration, name string, args ...any) []any {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	a, err := s.EmitWithAck(ctx, name, args...)
	if err != nil {
		return []any{err.Error()}
	}
	values, err := a.Values()
	if err != nil {
		return []any{err.Error()}
	}
	return values
}

// mingle is about rooms.
func mingle(s *Socket) {
	s.On("join", func(e *Event) {
		var room string
		_ = e.Ack(e.Bind(&room) == nil && s.Join(room) == nil)
	})
	s.On("say", func(e *Event) {
		var room, what string
		_ = e.Ack(e.Bind(&room, &what) == nil && s.To(room).Emit("said", what) == nil)
	})
}

// leave is about ends.
func leave(s *Socket) {
	s.On("throw me out", func(*Event) { s.Disconnect(true) })
	s.On("cut me", func(*Event) { s.Close(engine.CloseLeaving, "cut") })
	s.On("watch", func(e *Event) {
		var id string
		if e.Bind(&id) == nil {
			for _, other := range s.Namespace().To(id).Sockets() {
				other.OnDisconnect(func(reason string) { _ = s.Emit("left "+id, reason) })
			}
		}
		_ = e.Ack()
	})
}
