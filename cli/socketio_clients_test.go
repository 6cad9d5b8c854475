package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	clientsInstallTime = 3 * time.Minute
	clientsTime        = 15 * time.Minute
)

// TestSocketIOClients (I1, I5, I7, I9) runs testdata/socketio, a suite of the
// unmodified clients on Node, against a node alone, and against three behind a
// proxy that sends each request to another one. The suite has nodes killed.
func TestSocketIOClients(t *testing.T) {
	if testing.Short() {
		t.Skip("installs npm packages and starts clusters")
	}
	binary, dir := buildKlatch(t), installClients(t)
	for _, size := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			g := newGroup(t, binary, size)
			o := newOrders(t, g)
			out, err := o.serve(t, exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", "klatch.test.mjs"), dir,
				"SERVER="+newRounds(t, g).url(), "CONTROL="+o.url(), "SECRET="+groupSecret, fmt.Sprint("NODES=", size))
			if err != nil || !bytes.Contains(out, []byte("\n# fail 0")) || bytes.Contains(out, []byte("\n# pass 0")) {
				t.Fatalf("the suite did not pass: %v\n%s", err, out)
			}
		})
	}
}

// installClients makes a directory of the suite, with the clients that
// engine/socketio is tested with.
func installClients(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	others := filepath.Join("..", "engine", "socketio", "testdata", "js")
	for to, from := range map[string]string{
		"package.json":      filepath.Join(others, "package.json"),
		"package-lock.json": filepath.Join(others, "package-lock.json"),
		"clients.mjs":       filepath.Join(others, "harness.mjs"),
		"harness.mjs":       filepath.Join("testdata", "socketio", "harness.mjs"),
		"klatch.test.mjs":   filepath.Join("testdata", "socketio", "klatch.test.mjs"),
		"token.mjs":         filepath.Join(exampleChat, "token.mjs"),
	} {
		copyFile(t, filepath.Join(dir, to), from)
	}
	npmInstall(t, dir)
	return dir
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// npmInstall installs exactly what the lock file names.
func npmInstall(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientsInstallTime)
	defer cancel()
	args := strings.Fields("ci --ignore-scripts --no-audit --no-fund")
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}
