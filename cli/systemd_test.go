package cli_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is a service manager: it listens to what a node says of itself, and
// may have opened sockets for it.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "klatch") // a test's own directory may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn}
}

// awaits returns the first message that begins with a line, and skips signs of life.
func (m *manager) awaits(line string) (rest []string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		m.t.Fatal(err)
	}
	for {
		buffer := make([]byte, 4096)
		n, err := m.conn.Read(buffer)
		if err != nil {
			m.t.Fatalf("waiting for %s: %v", line, err)
		}
		said := strings.Split(string(buffer[:n]), "\n")
		switch {
		case said[0] == line:
			return said[1:]
		case said[0] != "WATCHDOG=1":
			m.t.Fatalf("was told %q, not %s", said, line)
		}
	}
}

// socket is a listening socket and the same as a file to hand on.
func (m *manager) socket() (address string, file *os.File) {
	m.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	if file, err = l.(*net.TCPListener).File(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { l.Close(); file.Close() })
	return l.Addr().String(), file
}

// start runs klatch serve as a manager does, which knows the process's id only once it is there.
func (m *manager) start(binary string, environ []string, files []*os.File, args ...string) (cmd *exec.Cmd, out *said) {
	m.t.Helper()
	out = &said{}
	const script = `export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$0" serve "$@"`
	cmd = exec.Command("/bin/sh", append([]string{"-c", script, binary}, args...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KLATCH_") }),
		append(environ, "NOTIFY_SOCKET="+m.conn.LocalAddr().String())...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = out, out, files
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if m.t.Failed() {
			m.t.Logf("the node said:\n%s", out)
		}
	})
	return cmd, out
}

func answers(t *testing.T, url string) {
	t.Helper()
	resp, err := oneShot.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", url, resp.Status)
	}
}

// TestServiceManager: a node serves on the sockets that its manager opened, and
// says when it is ready, alive, reading its configuration again, and ending.
func TestServiceManager(t *testing.T) {
	m := newManager(t)
	public, one := m.socket()
	ops, two := m.socket()
	file := filepath.Join(t.TempDir(), "klatch.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level: info\n")
	cmd, out := m.start(buildKlatch(t), []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=public:ops", "WATCHDOG_USEC=200000"}, []*os.File{one, two},
		"--config", file, "--data", t.TempDir(), "--addr", "192.0.2.1:1", "--ops-addr", "192.0.2.1:2") // which are not this machine's
	if got := m.awaits("READY=1"); !slices.Equal(got, []string{"STATUS=serving on http://" + public}) {
		t.Errorf("ready with %q", got)
	}
	answers(t, "http://"+public+"/readyz")
	answers(t, "http://"+ops+"/metrics")
	m.hears("WATCHDOG=1")
	m.hears("WATCHDOG=1")

	for _, reload := range []struct{ text, says string }{
		{"log-format: json\n", `"setting":"log-format","was":"text","is":"json"`},
		{"log-format: xml\n", "keeping the old one"},
		{"log-format: json\nmemory: 99MiB\n", "wait for a restart"},
	} {
		write(reload.text)
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if got := m.awaits("RELOADING=1"); len(got) != 1 || !strings.HasPrefix(got[0], "MONOTONIC_USEC=") {
			t.Errorf("reloading with %q", got)
		}
		m.awaits("READY=1")
		await(t, "the log to say "+reload.says, func() bool { return strings.Contains(out.String(), reload.says) })
	}
	answers(t, "http://"+public+"/readyz")

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.awaits("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// hears takes the next message, signs of life too.
func (m *manager) hears(line string) {
	m.t.Helper()
	buffer := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(time.Minute))
	n, err := m.conn.Read(buffer)
	if err != nil || string(buffer[:n]) != line {
		m.t.Fatalf("was told %q, %v; want %s", buffer[:n], err, line)
	}
}

// TestSocketsOfNoUse: a node that cannot take what its manager passes says why, and ends.
func TestSocketsOfNoUse(t *testing.T) {
	binary := buildKlatch(t)
	for name, c := range map[string]struct {
		environ []string
		files   func(m *manager) []*os.File
		says    string
	}{
		"unknown names": {[]string{"LISTEN_FDS=2", "LISTEN_FDNAMES=public:gossip"}, func(m *manager) []*os.File {
			_, one := m.socket()
			_, two := m.socket()
			return []*os.File{one, two}
		}, `"gossip": write FileDescriptorName=public or ops`},
		"one name twice": {[]string{"LISTEN_FDS=2", "LISTEN_FDNAMES=public:public"}, func(m *manager) []*os.File {
			_, one := m.socket()
			_, two := m.socket()
			return []*os.File{one, two}
		}, `two sockets are named "public"`},
		"a file": {[]string{"LISTEN_FDS=1"}, func(m *manager) []*os.File {
			f, err := os.Open(os.DevNull)
			if err != nil {
				m.t.Fatal(err)
			}
			m.t.Cleanup(func() { f.Close() })
			return []*os.File{f}
		}, "descriptor 3"},
		"no count":               {[]string{"LISTEN_FDS=some"}, func(*manager) []*os.File { return nil }, "is no count of sockets"},
		"a watchdog of nonsense": {[]string{"WATCHDOG_USEC=soon"}, func(*manager) []*os.File { return nil }, "WATCHDOG_USEC=soon is no time"},
	} {
		m := newManager(t)
		data := filepath.Join(t.TempDir(), "data")
		cmd, out := m.start(binary, c.environ, c.files(m), "--data", data, "--addr", "127.0.0.1:0", "--ops-addr", "off")
		if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v, and said %s", name, err, out)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: a data directory was made", name)
		}
	}
}

// TestUnits: what systemd thinks of the units in the documentation.
func TestUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	// In a place of their own, with a program that is there: verify looks for it.
	dir, program := t.TempDir(), filepath.Join(t.TempDir(), "klatch")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"klatch.service", "klatch.socket"} {
		text, err := os.ReadFile(filepath.Join("..", "docs", "systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/klatch", program))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service := filepath.Join(dir, "klatch.service")
	out, err := exec.Command(analyze, "verify", "--man=no", service, filepath.Join(dir, "klatch.socket")).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "klatch.") { // others complain of this machine's units
			t.Errorf("verify: %s", line)
		}
	}
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	const most = 20 // tenths of the exposure that is told as OK
	out, err = exec.Command(analyze, "security", "--offline=true", fmt.Sprint("--threshold=", most), "--no-pager", service).CombinedOutput()
	if err != nil {
		t.Errorf("exposed by more than %d.%d: %v\n%s", most/10, most%10, err, out)
	}
}
