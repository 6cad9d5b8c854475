package backup

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// TestRoundTrip (I1, I2, I3): what comes out is what went in, to the byte, in
// both forms; and a new node, whom the old one's tokens still open.
func TestRoundTrip(t *testing.T) {
	n := openNode(t, vfs.NewMem(), "data")
	_, token, room := chat(n)
	want, position := dump(t, n.store), n.store.Position()

	disk, k := vfs.NewMem(), kept{}
	d, err := NewDirectory(disk, "b/a/ckup")
	if err != nil {
		t.Fatal(err)
	}
	made := makeSmall(t, n, d)
	if again := makeSmall(t, n, k); again.SHA256 != made.SHA256 {
		t.Error("two backups of one state differ")
	}
	fromDir, err := verifyDirectory(t, disk, "b/a/ckup")
	if err != nil || fromDir.SHA256 != made.SHA256 || !fromDir.Position.Equal(position) || fromDir.Node != n.store.Origin().String() || fromDir.Klatch != "v1.2.3" {
		t.Fatalf("%+v, %v", fromDir, err)
	}
	fromTar, err := verifyTar(k.tar(t))
	if err != nil || fromTar.SHA256 != made.SHA256 || fromTar.Bytes() != made.Bytes() {
		t.Fatalf("%+v, %v", fromTar, err)
	}

	fresh := vfs.NewMem()
	sum, origin, err := restoreTar(k.tar(t), fresh, "new/data")
	if err != nil || sum.SHA256 != made.SHA256 {
		t.Fatal(err)
	}
	back := openNode(t, fresh, "new/data")
	if origin == n.store.Origin() || origin != back.store.Origin() {
		t.Fatalf("I2: the restored node is %s, said to be %s; the old one was %s", back.store.Origin(), origin, n.store.Origin())
	}
	if got := replay(t, back.store, position); got != want {
		t.Fatal("I3: the restored store differs")
	}
	if _, err := fresh.Stat("new/data/restored/settings.yaml"); err != nil {
		t.Error(err)
	}
	who, err := back.Authenticate(context.Background(), token)
	if err != nil {
		t.Fatalf("a token of the old node: %v", err)
	}
	m := back.post(who, room, "goes on")
	if m.ID.Origin() != origin || back.store.Position().Seq(n.store.Origin()) != position.Seq(n.store.Origin()) {
		t.Error("I2: the old node's sequence goes on")
	}
	last, err := n.store.Last(room)
	if err != nil || bytes.Compare(m.ID[:], last[:]) <= 0 {
		t.Errorf("I4: the next post sorts before the last of the backup: %v", err)
	}
}

// TestBackupHasNoSigningKey (I9): who has a backup can sign nobody in.
func TestBackupHasNoSigningKey(t *testing.T) {
	n, k := backedUp(t)
	key, err := n.store.Local("node-key")
	if err != nil || len(key) != 32 {
		t.Fatal(key, err)
	}
	for name, content := range k {
		if bytes.Contains(content, key) {
			t.Errorf("%s has the node's signing key", name)
		}
	}
}

func TestPrivateModes(t *testing.T) {
	n, _ := backedUp(t)
	dir, data := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "data")
	d, err := NewDirectory(vfs.Default, dir)
	if err != nil {
		t.Fatal(err)
	}
	makeSmall(t, n, d)
	a, err := OpenDirectory(vfs.Default, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Restore(context.Background(), a, data, storage.Options{Memory: 4 << 20}, nil); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{dir, filepath.Join(data, restoredDir)} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if want := map[bool]os.FileMode{true: 0o700, false: 0o600}[e.IsDir()]; info.Mode().Perm() != want {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyIntoAnEmptyDirectory(t *testing.T) {
	_, k := backedUp(t)
	disk := vfs.NewMem()
	if err := disk.MkdirAll("full/lost+found", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := restoreTar(k.tar(t), disk, "full"); err != nil {
		t.Errorf("beside lost+found: %v", err)
	}
	before := left(t, disk, "full")
	if _, _, err := restoreTar(k.tar(t), disk, "full"); !errors.Is(err, storage.ErrNotEmpty) {
		t.Errorf("over a store: %v", err)
	}
	if _, err := NewDirectory(disk, "full"); !errors.Is(err, storage.ErrNotEmpty) {
		t.Errorf("a backup over a store: %v", err)
	}
	if after := left(t, disk, "full"); len(after) != len(before) {
		t.Errorf("%v has become %v", before, after)
	}
}

// TestCancelled: whoever asked has gone; nothing of the backup stays.
func TestCancelled(t *testing.T) {
	n, k := backedUp(t)
	ctx, cancel := context.WithCancel(context.Background())
	disk := vfs.NewMem()
	d, err := NewDirectory(disk, "/backup")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Make(ctx, source(n), d, func(int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if names := left(t, disk, "/"); len(names) > 0 {
		t.Errorf("%v is left", names)
	}
	a := OpenTar(bytes.NewReader(k.tar(t)))
	if _, _, err := Restore(ctx, a, "/data", storage.Options{FS: disk, Memory: 4 << 20}, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if names := left(t, disk, "/data"); len(names) > 0 {
		t.Errorf("%v is left", names)
	}
}

type brokenStore struct{ Store }

func (brokenStore) Snapshot() (engine.Snapshot, error) { return nil, errBroken }

func TestStoreFails(t *testing.T) {
	n, _ := backedUp(t)
	src := source(n)
	src.Store = brokenStore{n.store}
	if _, err := Make(context.Background(), src, kept{}, nil); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
