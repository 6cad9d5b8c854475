package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// cheap makes sign-ups fast; the cost of passwords is not under test here.
var cheap = engine.PasswordCost{MemoryKiB: 64, Passes: 1, Lanes: 1}

// node is an engine on a store in memory.
type node struct {
	*engine.Engine
	t     testing.TB
	store *storage.Store
	once  sync.Once
}

func openNode(t testing.TB, change ...func(*engine.Config)) *node {
	t.Helper()
	return openNodeOn(t, vfs.NewMem(), change...)
}

// openNodeOn opens a node on a file system that may have one already.
func openNodeOn(t testing.TB, fs *vfs.MemFS, change ...func(*engine.Config)) *node {
	t.Helper()
	st, err := storage.Open("data", storage.Options{FS: fs, Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	cfg := engine.Config{Store: st, Password: cheap}
	for _, f := range change {
		f(&cfg)
	}
	e, err := engine.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Engine: e, t: t, store: st}
	t.Cleanup(n.shut)
	return n
}

// shut closes the node, as the test's end does.
func (n *node) shut() {
	n.once.Do(func() {
		if err := n.Engine.Close(); err != nil {
			n.t.Error(err)
		}
		if err := n.store.Close(); err != nil {
			n.t.Error(err)
		}
	})
}

// user registers somebody and signs them in.
func (n *node) user(name string) *engine.Identity {
	n.t.Helper()
	_, token, _, err := n.Register(context.Background(), engine.Registering{Username: name, Password: "password-" + name})
	if err != nil {
		n.t.Fatal(err)
	}
	who, err := n.Authenticate(context.Background(), token)
	if err != nil {
		n.t.Fatal(err)
	}
	return who
}

// room makes a public room that all are in; the first is its owner.
func (n *node) room(name string, members ...*engine.Identity) engine.ID {
	n.t.Helper()
	r, _, err := n.CreateRoom(context.Background(), members[0], engine.NewRoom{Name: name})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, m := range members[1:] {
		if _, _, err := n.Join(context.Background(), m, r.ID); err != nil {
			n.t.Fatal(err)
		}
	}
	return r.ID
}

func (n *node) post(who *engine.Identity, room engine.ID, body string) engine.Message {
	n.t.Helper()
	m, _, err := n.Post(context.Background(), who, engine.NewMessage{Room: room, Body: body})
	if err != nil {
		n.t.Fatal(err)
	}
	return m
}

// plain is a wire format for tests: the notice as JSON, nothing around it.
type plain struct{}

func (plain) Encode(notice any) []byte {
	b, err := json.Marshal(notice)
	if err != nil {
		panic(err)
	}
	return b
}

// notice is a decoded frame.
type notice struct {
	Type      string    `json:"type"`
	ID        engine.ID `json:"id"`
	Room      engine.ID `json:"room"`
	User      any       `json:"user"`
	Body      string    `json:"body"`
	Cursor    string    `json:"cursor"`
	Resumed   bool      `json:"resumed"`
	Reason    string    `json:"reason"`
	Emoji     string    `json:"emoji"`
	Status    string    `json:"status"`
	Count     int       `json:"count"`
	Duplicate bool      `json:"duplicate"`
	Deleted   bool      `json:"deleted"`
	Remove    bool      `json:"remove"`
	Online    *int      `json:"online"`
	Name      string    `json:"name"`
}

// client is the far end of a session: it keeps all frames that it was sent.
type client struct {
	t       testing.TB
	session *engine.Session

	mu      sync.Mutex
	more    sync.Cond
	notices []notice
	code    engine.CloseCode
	bytes   int
}

func newClient(t testing.TB) *client {
	c := &client{t: t}
	c.more.L = &c.mu
	return c
}

// connect opens a session that the test's end closes.
func (n *node) connect(who *engine.Identity, cursor string) *client {
	n.t.Helper()
	return n.connectOver(plain{}, who, cursor)
}

func (n *node) connectOver(w engine.Wire, who *engine.Identity, cursor string) *client {
	n.t.Helper()
	c := newClient(n.t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := n.Connect(ctx, who, c, w, cursor)
	if err != nil {
		n.t.Fatal(err)
	}
	c.session = s
	n.t.Cleanup(s.Close)
	return c
}

func (c *client) Send(frame []byte) {
	var v notice
	if err := json.Unmarshal(frame, &v); err != nil {
		c.t.Errorf("frame %s: %v", frame, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notices = append(c.notices, v)
	c.bytes += len(frame)
	c.more.Broadcast()
}

func (c *client) Drained(context.Context) error { return nil }

func (c *client) Close(code engine.CloseCode, _ string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code == 0 {
		c.code = code
	}
	c.more.Broadcast()
}

// await returns the first frame that matches.
func (c *client) await(what string, match func(notice) bool) notice {
	c.t.Helper()
	found, ok := c.until(func() (notice, bool) {
		for _, v := range c.notices {
			if match(v) {
				return v, true
			}
		}
		return notice{}, false
	})
	if !ok {
		c.t.Fatalf("no %s among %s", what, fmt.Sprint(c.all()))
	}
	return found
}

func (c *client) awaitClose(code engine.CloseCode) {
	c.t.Helper()
	if _, ok := c.until(func() (notice, bool) { return notice{}, c.code != 0 }); !ok || c.code != code {
		c.t.Fatalf("closed with %d, not %d", c.code, code)
	}
}

// until waits for a condition over what has come.
func (c *client) until(cond func() (notice, bool)) (notice, bool) {
	timeout := false
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		timeout = true
		c.more.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if v, ok := cond(); ok {
			return v, true
		}
		if timeout {
			return notice{}, false
		}
		c.more.Wait()
	}
}

func (c *client) all() []notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]notice(nil), c.notices...)
}

func is(typ string, id engine.ID) func(notice) bool {
	return func(v notice) bool { return v.Type == typ && v.ID == id }
}

// slyStore lets a test act in the middle of what the engine does.
type slyStore struct {
	*storage.Store
	credentials func() // once, after they have been read
	begin       func() // before each batch
}

func openSly(t testing.TB, change ...func(*engine.Config)) (*node, *slyStore) {
	s := &slyStore{begin: func() {}}
	n := openNode(t, append(change, func(c *engine.Config) {
		s.Store = c.Store.(*storage.Store)
		c.Store = s
	})...)
	return n, s
}

// eventually waits for what no channel tells.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func (s *slyStore) Credentials(user engine.ID) (string, engine.ID, error) {
	phc, changed, err := s.Store.Credentials(user)
	if f := s.credentials; f != nil {
		s.credentials = nil
		f()
	}
	return phc, changed, err
}

func (s *slyStore) Begin() (engine.Tx, error) {
	s.begin()
	return s.Store.Begin()
}
