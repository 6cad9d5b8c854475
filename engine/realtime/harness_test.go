package realtime

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/client"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait: a test that needs it has failed.
const patience = 30 * time.Second

// node is a server on a store in memory.
type node struct {
	t      testing.TB
	engine *engine.Engine
	store  *storage.Store
	http   *httptest.Server
	config nodeConfig

	handler atomic.Pointer[Handler]
	sockets *socket.Server

	socketIO        atomic.Pointer[SocketIO]
	socketIOSockets *socket.Server
}

type nodeConfig struct {
	engine   engine.Config
	sockets  socket.Config
	realtime Config
}

func newNode(t testing.TB, configs ...nodeConfig) *node {
	t.Helper()
	n := &node{t: t}
	if len(configs) > 0 {
		n.config = configs[0]
	}
	store, err := storage.Open("/data", storage.Options{FS: vfs.NewMem(), Memory: 16 << 20, Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	n.store = store
	n.start()
	n.http = httptest.NewServer(n)
	t.Cleanup(func() {
		n.stop()
		n.http.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// ServeHTTP implements http.Handler.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/socket.io/") {
		n.socketIO.Load().ServeHTTP(w, r)
		return
	}
	n.handler.Load().ServeHTTP(w, r)
}

func (n *node) start() {
	n.t.Helper()
	cfg := n.config.engine
	cfg.Store = n.store
	cfg.Password = engine.PasswordCost{MemoryKiB: 8, Passes: 1, Lanes: 1}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	cfg.Logger = log
	e, err := engine.Open(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.engine = e
	n.config.sockets.Logger = log
	n.sockets = socket.NewServer(n.config.sockets)
	rt := n.config.realtime
	rt.Engine, rt.Sockets, rt.Logger = e, n.sockets, log
	n.handler.Store(New(rt))
	own := n.config.sockets
	own.ReadLimit = 1e6
	n.socketIOSockets = socket.NewServer(own)
	x, err := n.handler.Load().SocketIO(SocketIOConfig{Sockets: n.socketIOSockets})
	if err != nil {
		n.t.Fatal(err)
	}
	n.socketIO.Store(x)
}

func (n *node) stop() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, end := range []func(context.Context) error{n.socketIO.Load().Close, n.socketIOSockets.Close, n.sockets.Close} {
		if err := end(ctx); err != nil {
			n.t.Error(err)
		}
	}
	if err := n.engine.Close(); err != nil {
		n.t.Error(err)
	}
}

// restart is a new engine on the old store: the ring of recent events is empty.
func (n *node) restart() {
	n.stop()
	n.start()
}

// account is a user with a token.
type account struct {
	engine.User
	token string
	who   *engine.Identity
}

func (n *node) register(name string) account {
	n.t.Helper()
	u, token, _, err := n.engine.Register(context.Background(), engine.Registering{Username: name, Password: "correct horse"})
	if err != nil {
		n.t.Fatal(err)
	}
	who, err := n.engine.Authenticate(context.Background(), token)
	if err != nil {
		n.t.Fatal(err)
	}
	return account{u, token, who}
}

// room makes a room of its maker and other members.
func (n *node) room(name string, owner account, members ...account) engine.ID {
	n.t.Helper()
	v, _, err := n.engine.CreateRoom(context.Background(), owner.who, engine.NewRoom{Name: name})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, m := range members {
		if _, _, err := n.engine.Join(context.Background(), m.who, v.ID); err != nil {
			n.t.Fatal(err)
		}
	}
	return v.ID
}

func (n *node) post(who account, room engine.ID, body string) engine.Message {
	n.t.Helper()
	m, _, err := n.engine.Post(context.Background(), who.who, engine.NewMessage{Room: room, Body: body})
	if err != nil {
		n.t.Fatal(err)
	}
	return m
}

// seen is a client with all that it was told.
type seen struct {
	*client.Client
	mu     sync.Mutex
	events []event
	more   chan struct{}
}

// event is a copy of a client's event.
type event struct {
	kind   string
	data   []byte
	format client.Format
}

func (e event) decode(t testing.TB, into any) {
	t.Helper()
	if err := (client.Event{Type: e.kind, Data: e.data, Format: e.format}).Decode(into); err != nil {
		t.Fatalf("decode %s: %v", e.kind, err)
	}
}

func (s *seen) add(e client.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event{e.Type, append([]byte(nil), e.Data...), e.Format})
	close(s.more)
	s.more = make(chan struct{})
}

// wait returns when the condition holds for the events so far.
func (s *seen) wait(t testing.TB, what string, holds func([]event) bool) {
	t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		events, more := s.events, s.more
		s.mu.Unlock()
		if holds(events) {
			return
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%s did not come; had %s", what, kinds(events))
		}
	}
}

// next returns the n-th event of a kind, waiting for it.
func (s *seen) next(t testing.TB, kind string, n int) (found event) {
	t.Helper()
	s.wait(t, fmt.Sprintf("event %d of type %s", n, kind), func(events []event) bool {
		left := n
		for _, e := range events {
			if e.kind == kind {
				if left--; left == 0 {
					found = e
					return true
				}
			}
		}
		return false
	})
	return found
}

func kinds(events []event) (list []string) {
	for _, e := range events {
		list = append(list, e.kind)
	}
	return list
}

func (n *node) url() string { return "ws" + n.http.URL[len("http"):] + "/api/v1/ws" }

// dial connects a Go client.
func (n *node) dial(who account, f client.Format, cursor string, change ...func(*client.Config)) *seen {
	n.t.Helper()
	s, err := n.tryDial(who, f, cursor, change...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (n *node) tryDial(who account, f client.Format, cursor string, change ...func(*client.Config)) (*seen, error) {
	s := &seen{more: make(chan struct{})}
	cfg := client.Config{
		URL: n.url(), Token: who.token, Format: f, Cursor: cursor, OnEvent: s.add,
		Backoff: client.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond},
	}
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := client.Dial(ctx, cfg)
	s.Client = c
	return s, err
}

// eventually looks again and again: for what no event tells of.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	within(t, patience, what, holds)
}

func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.After(limit)
	for !holds() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// formats runs a test in both.
func formats(t *testing.T, test func(t *testing.T, f client.Format)) {
	for _, f := range []client.Format{client.JSON, client.CBOR} {
		t.Run(string(f), func(t *testing.T) { test(t, f) })
	}
}

// everywhere runs a test over all protocols and transports.
func everywhere(t *testing.T, test func(t *testing.T, f client.Format)) {
	formats(t, test)
	socketIO(t, test)
}

// socketIO runs a test over its transports.
func socketIO(t *testing.T, test func(t *testing.T, f client.Format)) {
	for _, f := range []client.Format{overWebSocket, overPolling} {
		t.Run(string(f), func(t *testing.T) { test(t, f) })
	}
}
