package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// Pebble's Open leaves its scheduler's goroutine behind where it fails, which the
// fault tests have it do.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/cockroachdb/pebble/v2.(*ConcurrencyLimitScheduler).periodicGranter"))
}

// node is an engine on a store in memory.
type node struct {
	*engine.Engine
	t     testing.TB
	store *storage.Store
	shut  func()
}

func openNode(t testing.TB, fs vfs.FS, dir string) *node {
	t.Helper()
	s, err := storage.Open(dir, storage.Options{FS: fs, Memory: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(engine.Config{Store: s, Password: engine.PasswordCost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Engine: e, t: t, store: s}
	open := true
	n.shut = func() {
		if open {
			open = false
			if err := errors.Join(e.Close(), s.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(n.shut)
	return n
}

func (n *node) user(name string) (*engine.Identity, string) {
	n.t.Helper()
	_, token, _, err := n.Register(context.Background(), engine.Registering{Username: name, Password: "password-" + name})
	if err != nil {
		n.t.Fatal(err)
	}
	who, err := n.Authenticate(context.Background(), token)
	if err != nil {
		n.t.Fatal(err)
	}
	return who, token
}

func (n *node) room(who *engine.Identity, name string) engine.ID {
	n.t.Helper()
	r, _, err := n.CreateRoom(context.Background(), who, engine.NewRoom{Name: name})
	if err != nil {
		n.t.Fatal(err)
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

// chat fills a node with enough for several pieces. It returns whose it is, her
// token, and the room.
func chat(n *node) (who *engine.Identity, token string, room engine.ID) {
	who, token = n.user("ann")
	room = n.room(who, "hall")
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 50 {
		body := make([]byte, 16<<10) // which no block compresses away
		for j := range body {
			body[j] = byte('a' + rng.IntN(26))
		}
		m := n.post(who, room, string(body))
		if i%7 == 0 {
			if _, err := n.React(context.Background(), who, room, m.ID, "👍", false); err != nil {
				n.t.Fatal(err)
			}
		}
	}
	return who, token, room
}

func dump(t testing.TB, s *storage.Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// replay is what a store shows that has another's log up to a position, by way of an export.
func replay(t testing.TB, s *storage.Store, to engine.Position) string {
	t.Helper()
	fresh, err := storage.Open("data", storage.Options{FS: vfs.NewMem(), Memory: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	var file bytes.Buffer
	if _, err := s.Export(t.Context(), &file, storage.ExportOptions{Through: to, Everything: true, Secrets: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Import(t.Context(), &file, nil); err != nil {
		t.Fatal(err)
	}
	return dump(t, fresh)
}

func source(n *node) Source {
	return Source{
		Store: n.store, Version: "v1.2.3", Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		Config: map[string][]byte{"settings.yaml": []byte("memory: 8MiB\n"), "file.yaml": []byte("addr: \":80\"\n")},
	}
}

// makeSmall makes a backup with a piece or two a file.
func makeSmall(t testing.TB, n *node, to Target) Summary {
	t.Helper()
	m := newMaking(context.Background(), source(n), to, nil)
	m.fileSize = 100 << 10
	sum, err := m.make(source(n))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// kept is a backup in memory: files by name.
type kept map[string][]byte

func (k kept) File(name string, content []byte) error { k[name] = bytes.Clone(content); return nil }
func (k kept) Discard()                               { clear(k) }

// tar is the stream of the files, in the order in which Make writes them.
func (k kept) tar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	to := NewTar(&b)
	for _, name := range k.names() {
		if err := to.File(name, k[name]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func (k kept) names() []string {
	names := slices.DeleteFunc(sortedNames(k), func(name string) bool { return name == manifestName })
	if _, ok := k[manifestName]; ok {
		names = append(names, manifestName)
	}
	return names
}

// directory puts the files into a directory of their own.
func (k kept) directory(t testing.TB) (vfs.FS, string) {
	t.Helper()
	fs := vfs.NewMem()
	d, err := NewDirectory(fs, "backup")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range k.names() {
		if err := d.File(name, bytes.Clone(k[name])); err != nil {
			t.Fatal(err)
		}
	}
	return fs, "backup"
}

func (k kept) clone() kept {
	c := kept{}
	for name, content := range k {
		c[name] = bytes.Clone(content)
	}
	return c
}

// backedUp is a node's backup, and the node.
func backedUp(t testing.TB) (*node, kept) {
	t.Helper()
	n := openNode(t, vfs.NewMem(), "data")
	chat(n)
	k := kept{}
	makeSmall(t, n, k)
	if len(k) < 7 {
		t.Fatalf("only %d files", len(k))
	}
	return n, k
}

func verifyDirectory(t testing.TB, fs vfs.FS, dir string) (Summary, error) {
	t.Helper()
	a, err := OpenDirectory(fs, dir)
	if err != nil {
		t.Fatal(err)
	}
	return Verify(context.Background(), a, nil)
}

func verifyTar(b []byte) (Summary, error) {
	return Verify(context.Background(), OpenTar(bytes.NewReader(b)), nil)
}

// mustName checks that an error is damage, and that it names a part.
func mustName(t testing.TB, err error, part string) {
	t.Helper()
	var d *DamageError
	if !errors.As(err, &d) {
		t.Fatalf("%v is not about damage", err)
	}
	if part != "" && !slices.ContainsFunc(d.Problems, func(p Problem) bool { return strings.HasPrefix(p.Part, part) }) {
		t.Fatalf("%v does not name %s", err, part)
	}
}

func restoreTar(b []byte, fs vfs.FS, dir string) (Summary, engine.Origin, error) {
	return Restore(context.Background(), OpenTar(bytes.NewReader(b)), dir, storage.Options{FS: fs, Memory: 4 << 20, Reserve: -1}, nil)
}

// left lists what is in a directory.
func left(t testing.TB, fs vfs.FS, dir string) []string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var errBroken = fmt.Errorf("broken: %w", io.ErrClosedPipe)
