package systemd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// manager is a service manager's socket.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T, address string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn}
}

// next is the lines of the next datagram.
func (m *manager) next() []string {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		m.t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := m.conn.Read(buffer)
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Split(string(buffer[:n]), "\n")
}

func (m *manager) expect(lines ...string) {
	m.t.Helper()
	if got := m.next(); strings.Join(got, "\n") != strings.Join(lines, "\n") {
		m.t.Errorf("was told %q, not %q", got, lines)
	}
}

func TestNotify(t *testing.T) {
	addresses := []string{filepath.Join(t.TempDir(), "notify")}
	if runtime.GOOS == "linux" {
		addresses = append(addresses, fmt.Sprintf("@klatch-test-%d-%d", os.Getpid(), time.Now().UnixNano()))
	}
	for _, address := range addresses {
		m := newManager(t, address)
		n, err := NewNotifier(environment("NOTIFY_SOCKET", address))
		if err != nil {
			t.Fatal(err)
		}
		tell := func(err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", address, err)
			}
		}
		tell(n.Ready("serving\nall"))
		m.expect("READY=1", "STATUS=serving all")
		before := monotonic()
		tell(n.Reloading())
		lines := m.next()
		stamp, ok := strings.CutPrefix(lines[1], "MONOTONIC_USEC=")
		usec, err := strconv.ParseInt(stamp, 10, 64)
		if at := time.Duration(usec) * time.Microsecond; lines[0] != "RELOADING=1" || !ok || err != nil || at < before.Truncate(time.Microsecond) || at > monotonic() {
			t.Errorf("was told %q, after %d and before %d", lines, before, monotonic())
		}
		tell(n.Stopping())
		m.expect("STOPPING=1", "STATUS=draining")
		tell(n.Close())
		if n.Stopping() == nil {
			t.Error("a closed Notifier tells")
		}
	}
}

func TestNobodyListens(t *testing.T) {
	n, err := NewNotifier(environment())
	if n != nil || err != nil {
		t.Fatalf("without a manager: %v, %v", n, err)
	}
	n.Watch(time.Millisecond, func(context.Context) error { t.Error("asked"); return nil }, nil)()
	if err := errors.Join(n.Ready(""), n.Reloading(), n.Stopping(), n.Close()); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"relative", "vsock:2:1", filepath.Join(t.TempDir(), "nothing"), "/" + strings.Repeat("x", 200)} {
		if _, err := NewNotifier(environment("NOTIFY_SOCKET", address)); err == nil {
			t.Errorf("%q: no error", address)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, c := range []struct {
		environment func(string) string
		want        time.Duration
		fails       bool
	}{
		{environment(), 0, false},
		{environment("WATCHDOG_USEC", "30000000"), 30 * time.Second, false},
		{environment("WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "7"), 30 * time.Second, false},
		{environment("WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "8"), 0, false},
		{environment("WATCHDOG_USEC", "soon"), 0, true},
		{environment("WATCHDOG_USEC", "0"), 0, true},
		{environment("WATCHDOG_USEC", "9223372036854775807"), 0, true},
	} {
		if got, err := WatchdogInterval(c.environment, 7); got != c.want || (err != nil) != c.fails {
			t.Errorf("%v, %v; want %v", got, err, c.want)
		}
	}
}

// TestWatch: signs of life stop with health, and come again with it.
func TestWatch(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	m := newManager(t, address)
	n, err := NewNotifier(environment("NOTIFY_SOCKET", address))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var sick atomic.Bool
	asked := make(chan struct{})
	stop := n.Watch(4*time.Millisecond, func(ctx context.Context) error {
		if !sick.Load() {
			return nil
		}
		select {
		case asked <- struct{}{}:
		default:
		}
		<-ctx.Done() // hangs
		return ctx.Err()
	}, slog.New(slog.DiscardHandler))
	m.expect("WATCHDOG=1")
	m.expect("WATCHDOG=1")
	sick.Store(true)
	<-asked
	m.until(n) // what was sent before
	<-asked
	<-asked
	if got := m.until(n); got != 0 {
		t.Errorf("a sick node gave %d signs of life", got)
	}
	sick.Store(false)
	m.expect("WATCHDOG=1")
	stop()
}

// until reads up to a mark that it has n send, and counts what came before it.
func (m *manager) until(n *Notifier) (before int) {
	m.t.Helper()
	if err := n.send("MARK=1"); err != nil {
		m.t.Fatal(err)
	}
	for m.next()[0] != "MARK=1" {
		before++
	}
	return before
}

func TestListenersOfOthers(t *testing.T) {
	for name, e := range map[string]func(string) string{
		"nobody": environment(), "another process": environment("LISTEN_PID", "8", "LISTEN_FDS", "1"),
	} {
		if l, err := Listeners(e, 7); l != nil || err != nil {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
	for _, count := range []string{"", "-1", "many", "65"} {
		if _, err := Listeners(environment("LISTEN_PID", "7", "LISTEN_FDS", count), 7); err == nil {
			t.Errorf("LISTEN_FDS=%q: no error", count)
		}
	}
}
