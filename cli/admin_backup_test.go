package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
)

// run runs a command line in this process.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(append([]string{"klatch"}, args...), &out, &errs)
	return out.String(), errs.String(), code
}

// hall is a room on a node with somebody who posts there.
type hall struct{ url, token, room string }

func openHall(t *testing.T, url string) hall {
	t.Helper()
	var in struct{ Token string }
	if status := call(t, "POST", url+"/api/v1/register", "", map[string]string{"username": "ann", "password": "correct horse"}, &in); status != 201 {
		t.Fatal(status)
	}
	h := hall{url: url, token: in.Token}
	var room struct{ ID string }
	if status := call(t, "POST", url+"/api/v1/rooms", h.token, map[string]string{"name": "hall"}, &room); status != 201 {
		t.Fatal(status)
	}
	h.room = room.ID
	return h
}

func (h hall) post(t *testing.T, body string) {
	t.Helper()
	if status := call(t, "POST", h.url+"/api/v1/rooms/"+h.room+"/messages", h.token, map[string]string{"body": body}, nil); status != 201 {
		t.Fatal(status)
	}
}

func (h hall) bodies(t *testing.T) (bodies []string) {
	t.Helper()
	var page struct{ Items []struct{ Body string } }
	if status := call(t, "GET", h.url+"/api/v1/rooms/"+h.room+"/messages", h.token, nil, &page); status != 200 {
		t.Fatal(status)
	}
	for _, m := range page.Items {
		bodies = append(bodies, m.Body)
	}
	return bodies
}

// TestBackupAndRestore (I1): over the socket of a node that serves; what was
// acknowledged before comes back, the token still opens it, and it goes on.
func TestBackupAndRestore(t *testing.T) {
	data, out, fresh := t.TempDir(), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "data")
	n, _ := startNode(t, data, values{"rate-limit": "off"})
	h := openHall(t, n.public.url())
	for i := range 50 {
		h.post(t, fmt.Sprint(i))
	}
	if stdout, stderr, code := run(t, "admin", "backup", out, "--data", data); code != 0 {
		t.Fatal(stdout, stderr)
	}
	h.post(t, "after")
	if _, stderr, code := run(t, "admin", "restore", out, "--data", fresh); code != 0 {
		t.Fatal(stderr)
	}
	m, _ := startNode(t, fresh, nil)
	h.url = m.public.url()
	h.post(t, "again")
	got := h.bodies(t)
	if got[len(got)-1] != "again" || got[len(got)-2] != "49" {
		t.Errorf("I1: the restored node has %v", got)
	}
}

// heldSource backs up a store that waits in the middle until it is let go.
type heldSource struct {
	backup.Store
	at, free chan struct{}
	release  func() // closes free, once
}

type heldSnapshot struct {
	engine.Snapshot
	h heldSource
}

func (h heldSource) Snapshot() (engine.Snapshot, error) {
	s, err := h.Store.Snapshot()
	return heldSnapshot{s, h}, err
}

func (s heldSnapshot) Next() ([]byte, error) {
	select {
	case s.h.at <- struct{}{}:
	default:
	}
	<-s.h.free
	return s.Snapshot.Next()
}

// held serves a node's backups from a store that waits.
func held(t *testing.T) (*archivist, heldSource, *operator) {
	t.Helper()
	data := t.TempDir()
	store, err := storage.Open(data, storage.Options{Memory: minMemory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	free := make(chan struct{})
	h := heldSource{store, make(chan struct{}, 1), free, sync.OnceFunc(func() { close(free) })}
	a := newArchivist(func() backup.Source {
		return backup.Source{Store: h, Version: "v1", Now: time.Now, Config: map[string][]byte{"file.yaml": make([]byte, 64<<10)}}
	})
	c, err := openControl(data)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /backup", a)
	c.start(mux, silent)
	t.Cleanup(func() {
		h.release()
		if err := errors.Join(c.stop(), a.close()); err != nil {
			t.Error(err)
		}
	})
	return a, h, newOperator(data, 0)
}

// One backup at a time; the second is told so, and a later one is served.
func TestOneBackupAtATime(t *testing.T) {
	_, h, o := held(t)
	first, err := o.backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	<-h.at
	if _, err := o.backup(t.Context()); err == nil || !strings.Contains(err.Error(), "under way already") {
		t.Errorf("a second one: %v", err)
	}
	h.release()
	if _, err := backup.Verify(t.Context(), backup.OpenTar(first.Body), nil); err != nil {
		t.Error(err)
	}
	end := time.Now().Add(time.Minute)
	for {
		again, err := o.backup(t.Context())
		if err == nil {
			_, err = io.Copy(io.Discard, again.Body)
			again.Body.Close()
		}
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Ctrl-C ends a backup that is under way, and nothing of it is left.
func TestBackupInterrupted(t *testing.T) {
	_, h, o := held(t)
	out := filepath.Join(t.TempDir(), "out")
	ended := make(chan string, 1)
	go func() {
		_, stderr, code := run(t, "admin", "backup", out, "--data", o.data)
		ended <- fmt.Sprint(code, " ", stderr)
	}()
	<-h.at
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := <-ended; got != "1 klatch: interrupted: context canceled\n" {
		t.Errorf("it ends with %s", got)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is left: %v", err)
	}
}

// A node that stops does not wait for a backup; who has asked hears why it ends,
// and keeps nothing of it.
func TestBackupOfAStoppingNode(t *testing.T) {
	a, h, o := held(t)
	stream, err := o.backup(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	<-h.at
	a.end()
	h.release()
	_, err = backup.Verify(t.Context(), backup.OpenTar(stream.Body), nil)
	if err = unfinished(stream, "there", err); err == nil || !strings.Contains(err.Error(), "the node is stopping") {
		t.Errorf("it says %v", err)
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
	if _, err := o.backup(context.Background()); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("afterwards: %v", err)
	}
	<-a.turn // the clean-up closes it again
}
