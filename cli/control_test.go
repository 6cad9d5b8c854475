package cli

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// I9: nobody but the node's own user may open the socket, and it is so from the
// moment that it exists: a mode that came later would leave a gap.
func TestControlSocketIsPrivate(t *testing.T) {
	l, err := (&net.ListenConfig{Control: makePrivate}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	checkMode(t, l.Addr().String())

	data := t.TempDir()
	startNode(t, data, nil)
	checkMode(t, filepath.Join(data, controlName))
}

func checkMode(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%s: %v, %v", path, info, err)
	}
}

// A socket's address is short; a data directory's path need not be.
func TestControlSocketInADeepDirectory(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	_, stop := startNode(t, data, nil)
	checkMode(t, filepath.Join(data, controlName))
	var facts nodeFacts
	if err := newOperator(data, time.Minute).get("/node", &facts); err != nil || facts.SilenceMS != 45000 || facts.TLS {
		t.Errorf("%+v, %v", facts, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(data, controlName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
}

// What a killed node leaves behind is in nobody's way.
func TestStaleControlSocket(t *testing.T) {
	data := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(data, controlName)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	o := newOperator(data, time.Minute)
	if err := o.get("/node", nil); err == nil || !strings.Contains(err.Error(), "no node runs in") {
		t.Errorf("of a dead node: %v", err)
	}
	startNode(t, data, nil)
	if err := o.get("/node", nil); err != nil {
		t.Error(err)
	}
}

// A node whose socket cannot be made serves all the same.
func TestWithoutControlSocket(t *testing.T) {
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, controlName, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	n, _ := startNode(t, data, nil)
	if status := call(t, "GET", n.public.url()+"/readyz", "", nil, nil); status != 200 {
		t.Errorf("readyz answers %d", status)
	}
}

func TestWhyNobodyAnswers(t *testing.T) {
	data := t.TempDir()
	for want, err := range map[string]error{
		"not allowed to speak with the node": &net.OpError{Err: fs.ErrPermission},
		"no node runs in":                    &net.OpError{Err: fs.ErrNotExist},
		"speak with the node in":             errors.New("anything else"),
	} {
		if got := newOperator(data, time.Second).unreached(err); !strings.Contains(got.Error(), want) {
			t.Errorf("%v is told as %q, want %q", err, got, want)
		}
	}
}
