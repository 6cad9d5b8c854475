package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/web"
)

const abuseSecret = "the secret of a backend that has no secrets"

// abused is a whole node, as klatch serve opens it, that is about to be ill-treated.
type abused struct {
	*testing.T
	node    *node
	log     *complaints
	secure  bool
	token   string // of ann, who is in the room tea
	script  string // the path of the web client's
	tickets tls.ClientSessionCache
}

// underAttack runs a test against a plain node and one that speaks TLS.
func underAttack(t *testing.T, attack func(a *abused)) {
	for _, transport := range []string{"plain", "tls"} {
		t.Run(transport, func(t *testing.T) {
			a := openAbused(t, transport == "tls")
			attack(a)
			a.unharmed("the end")
			a.forgotten()
		})
	}
}

// openAbused opens a node on which no limit by rate hides an answer.
func openAbused(t *testing.T, secure bool, others ...values) *abused {
	t.Helper()
	flags := values{
		"addr": "127.0.0.1:0", "ops-addr": "off", "data": t.TempDir(), "memory": "8MiB",
		"rate-limit": "off", "auth-jwt-secret": abuseSecret, "registration": "closed",
	}
	for _, more := range others {
		maps.Copy(flags, more)
	}
	if secure {
		pair := Config{TLSCert: t.TempDir() + "/cert.pem", TLSKey: t.TempDir() + "/key.pem"}
		writePair(t, pair, 1)
		flags["tls-cert"], flags["tls-key"] = pair.TLSCert, pair.TLSKey
	}
	c, err := load(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &abused{T: t, log: &complaints{}, secure: secure, token: abuseToken(t), script: webScript(t), tickets: tls.NewLRUClientSessionCache(1)}
	if a.node, err = openNode(context.Background(), c, slog.New(a.log)); err != nil {
		t.Fatal(err)
	}
	signals, done := make(chan os.Signal, 1), make(chan error, 1)
	go func() { done <- a.node.run(signals) }()
	t.Cleanup(func() {
		signals <- syscall.SIGTERM
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	a.unharmed("the start")
	return a
}

func abuseToken(t *testing.T) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "ann", "rooms": []string{"tea"}}).SignedString([]byte(abuseSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func webScript(t *testing.T) string {
	t.Helper()
	found, err := fs.Glob(web.Assets(), "app-*.js")
	if err != nil || len(found) != 1 {
		t.Fatalf("the web client's scripts: %q, %v", found, err)
	}
	return "/" + found[0]
}

// in is the node in a subtest.
func (a *abused) in(t *testing.T) *abused {
	b := *a
	b.T = t
	return &b
}

// unharmed holds the node to be alive, to answer others, and to have nothing to complain of.
func (a *abused) unharmed(after string) {
	a.Helper()
	said := a.exchange(a.get("/healthz") + a.get("/api/v1/rooms/tea", "Connection: close"))
	if len(said) != 2 || said[0].status != 200 || said[1].status != 200 ||
		!strings.Contains(said[0].body, "alive") || !strings.Contains(said[1].body, `"name":"tea"`) {
		a.Errorf("after %s the node answers %v", after, said)
	}
	if lines := a.log.take(); len(lines) > 0 {
		a.Errorf("after %s the log says:\n%s", after, strings.Join(lines, "\n"))
	}
}

// forgotten waits until the node holds no connection of an attacker any more.
func (a *abused) forgotten() {
	a.Helper()
	lobby := a.node.public.net.(*lobby)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(lobbyPatience); lobby.visits() > 0; <-look.C {
		if time.Now().After(end) {
			a.Fatalf("the node still holds %d connections", lobby.visits())
		}
	}
}

// complaints is a log of which only what an operator would have to look at is kept.
type complaints struct {
	mu    sync.Mutex
	lines []string
	shown int // lines of every level that is shown unless asked otherwise
}

func (c *complaints) Enabled(context.Context, slog.Level) bool { return true }
func (c *complaints) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *complaints) WithGroup(string) slog.Handler            { return c }

// Handle implements slog.Handler. What net/http says of a panic has no level of its own.
func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	c.count(r.Level)
	if r.Level < slog.LevelError && !strings.Contains(r.Message, "panic") {
		return nil
	}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
	return nil
}

func (c *complaints) count(level slog.Level) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if level >= slog.LevelInfo {
		c.shown++
	}
}

func (c *complaints) said() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown
}

func (c *complaints) take() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines, c.lines = c.lines, nil
	return lines
}
