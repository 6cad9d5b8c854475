package cluster

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = leaked()
	}
	os.Exit(code)
}

// leaked looks until a probe of memberlist's that was under way has run out of
// its time: Shutdown does not wait for it.
func leaked() int {
	deadline := time.Now().Add(patience)
	for {
		err := goleak.Find()
		if err == nil {
			return 0
		}
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
}

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

var testKey = func() Key {
	k, err := ParseKey(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, KeySize)))
	if err != nil {
		panic(err)
	}
	return k
}()

// node is a member of a cluster in this process, on a store in memory.
type node struct {
	*engine.Engine
	t       testing.TB
	fs      vfs.FS
	store   *storage.Store
	cluster *Cluster
	closed  bool
}

// openNode starts a node that joins others; its store is on fs.
func openNode(t testing.TB, fs vfs.FS, concern engine.Durability, join ...*node) *node {
	t.Helper()
	return openNodeWith(t, fs, func(c *Config) {
		c.Concern = concern
		for _, n := range join {
			c.Join = append(c.Join, n.cluster.Addr())
		}
	})
}

func openNodeWith(t testing.TB, fs vfs.FS, change func(*Config)) *node {
	t.Helper()
	n := &node{t: t, fs: fs}
	var err error
	if n.store, err = storage.Open("data", storage.Options{FS: fs, Memory: 8 << 20}); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Store: n.store, Bind: "127.0.0.1:0", Key: testKey, Version: "v1.0.0-test", Public: ":8080", Logger: logger(t, n.store.Origin())}
	change(&cfg)
	if n.cluster, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	n.Engine, err = engine.Open(engine.Config{Store: n.store, Peers: n.cluster,
		Password: engine.PasswordCost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cluster.Start(t.Context(), n.Engine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.stop)
	return n
}

// stop ends a node as a crash would: it does not leave.
func (n *node) stop() {
	if n.closed {
		return
	}
	n.closed = true
	if err := n.cluster.Close(); err != nil {
		n.t.Error(err)
	}
	if err := n.Engine.Close(); err != nil {
		n.t.Error(err)
	}
	if err := n.store.Close(); err != nil {
		n.t.Error(err)
	}
}

// logger writes to the test's log, until the test is over.
func logger(t testing.TB, o engine.Origin) *slog.Logger {
	w := &testWriter{t: t, name: o.String()[:4]}
	t.Cleanup(func() { w.mu.Lock(); defer w.mu.Unlock(); w.t = nil })
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type testWriter struct {
	mu   sync.Mutex
	t    testing.TB
	name string
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.t != nil {
		w.t.Logf("%s %s", w.name, strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (n *node) user(name string) *engine.Identity {
	n.t.Helper()
	_, token, _, err := n.Register(context.Background(), engine.Registering{Username: name, Password: "password-" + name})
	if err != nil {
		n.t.Fatal(err)
	}
	return n.signIn(token)
}

func (n *node) signIn(token string) *engine.Identity {
	n.t.Helper()
	who, err := n.Authenticate(context.Background(), token)
	if err != nil {
		n.t.Fatal(err)
	}
	return who
}

func (n *node) room(who *engine.Identity, name string) engine.ID {
	n.t.Helper()
	r, _, err := n.CreateRoom(context.Background(), who, engine.NewRoom{Name: name})
	if err != nil {
		n.t.Fatal(err)
	}
	return r.ID
}

func (n *node) post(who *engine.Identity, room engine.ID, body string) engine.Receipt {
	n.t.Helper()
	_, receipt, err := n.Post(context.Background(), who, engine.NewMessage{Room: room, Body: body, Nonce: body})
	if err != nil {
		n.t.Fatal(err)
	}
	return receipt
}

// converge waits until all nodes are at one position, and compares their stores to the byte (I3).
func converge(t testing.TB, nodes ...*node) {
	t.Helper()
	eventually(t, "all at one position", func() bool {
		for _, n := range nodes[1:] {
			if !n.store.Position().Equal(nodes[0].store.Position()) {
				return false
			}
		}
		return true
	})
	var first string
	for i, n := range nodes {
		var b bytes.Buffer
		if err := n.store.Dump(&b); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = b.String()
		} else if b.String() != first {
			t.Fatalf("I3: node %d differs from the first at the same position", i)
		}
	}
}

func linked(nodes ...*node) func() bool {
	return func() bool {
		for _, n := range nodes {
			if len(n.cluster.allLinks()) != len(nodes)-1 || !n.Ready() {
				return false
			}
		}
		return true
	}
}

func many(prefix string, n int) (bodies []string) {
	for i := range n {
		bodies = append(bodies, fmt.Sprintf("%s-%d", prefix, i))
	}
	return bodies
}
