package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

func testHouse(t *testing.T) *house {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	h, err := openHouse()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(h.dir); !os.IsNotExist(err) {
			t.Errorf("the house's directory is still there: %v", err)
		}
	})
	return h
}

func start(t *testing.T, h *house, name string) *running {
	t.Helper()
	list, err := chosen([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	r, err := list[0].run(t.Context(), h, files{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// peer is a client that is not the bench's: another hand has to find the same
// in the servers, among it the masks, which the bench leaves at zero.
type peer struct {
	gws.BuiltinEventHandler
	conn *gws.Conn
	got  chan string
}

func dial(t *testing.T, url string) *peer {
	t.Helper()
	p := &peer{got: make(chan string, 100)}
	conn, _, err := gws.NewClient(p, &gws.ClientOption{Addr: strings.Replace(url, "http", "ws", 1)})
	if err != nil {
		t.Fatal(err)
	}
	p.conn = conn
	ended := make(chan struct{})
	go func() { defer close(ended); conn.ReadLoop() }()
	t.Cleanup(func() { conn.NetConn().Close(); <-ended })
	return p
}

func (p *peer) OnMessage(_ *gws.Conn, m *gws.Message) {
	p.got <- string(m.Bytes())
	m.Close()
}

func (p *peer) OnClose(*gws.Conn, error) { close(p.got) }

func (p *peer) say(t *testing.T, op gws.Opcode, text string) {
	t.Helper()
	if err := p.conn.WriteMessage(op, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hears collects messages until they hold want.
func (p *peer) hears(t *testing.T, want string) {
	t.Helper()
	var all string
	for !strings.Contains(all, want) {
		select {
		case m, ok := <-p.got:
			if !ok {
				t.Fatalf("closed after %q, before %q", all, want)
			}
			all += m
		case <-time.After(10 * time.Second):
			t.Fatalf("heard %q and not %q", all, want)
		}
	}
}

func TestBareServer(t *testing.T) {
	url := start(t, testHouse(t), "bare").urls[0]
	a, b, other := dial(t, url+"/?room=r"), dial(t, url+"/?room=r"), dial(t, url+"/?room=s")
	for _, size := range []int{0, 1, 125, 126, 127, 1000, 65535} {
		text := fmt.Sprint(size, strings.Repeat("x", size))[:size]
		a.say(t, gws.OpcodeText, text)
		for _, p := range []*peer{a, b} {
			if got := <-p.got; got != text {
				t.Fatalf("got %d bytes, want %d", len(got), size)
			}
		}
	}
	b.conn.WriteClose(1000, nil)
	if _, ok := <-b.got; ok {
		t.Fatal("who said goodbye was not let go")
	}
	a.say(t, gws.OpcodeText, "still here")
	a.hears(t, "still here")
	other.say(t, gws.OpcodeText, "mine")
	if got := <-other.got; got != "mine" {
		t.Fatalf("the other room heard %q", got)
	}
}

func TestNATSServer(t *testing.T) {
	url := start(t, testHouse(t), "nats").urls[0]
	var clients []*peer
	for _, room := range []string{"r", "r", "s"} {
		p := dial(t, url)
		p.say(t, gws.OpcodeBinary, "CONNECT {\"verbose\":false}\r\nSUB rooms."+room+" 1\r\nPING\r\n")
		p.hears(t, "PONG")
		clients = append(clients, p)
	}
	clients[0].say(t, gws.OpcodeBinary, "PUB rooms.r 2\r\nhi\r\nPUB rooms.s 3\r\nho!\r\n")
	clients[0].hears(t, "MSG rooms.r 1 2\r\nhi\r\n")
	clients[1].hears(t, "MSG rooms.r 1 2\r\nhi\r\n")
	clients[2].hears(t, "MSG rooms.s 1 3\r\nho!\r\n")
}

// TestCheck has the bench's clients speak to both, as --check has them speak to all.
func TestCheck(t *testing.T) {
	list, err := chosen([]string{"nats", "bare"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c := &comparison{house: testHouse(t), contenders: list, progress: io.Discard}
	if err := c.check(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "ok    nats\nok    bare\n" {
		t.Fatalf("said %q", out.String())
	}
}

// TestGuard leaves a process behind, as a program that was killed does.
func TestGuard(t *testing.T) {
	h := testHouse(t)
	p, err := h.start(t.Context(), exec.Command("sh", "-c", "echo on; exec sleep 1000"), "on", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if alive(p.pid()) {
		t.Fatal("the guard left a process")
	}
	if h.guard, err = startGuard(); err != nil { // for the cleanup
		t.Fatal(err)
	}
}

func TestStartFails(t *testing.T) {
	h := testHouse(t)
	_, err := h.start(t.Context(), exec.Command("sh", "-c", "echo no such thing >&2; exit 3"), "on", syscall.SIGTERM)
	if err == nil || !strings.Contains(err.Error(), "no such thing") || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = h.start(ctx, exec.Command("sleep", "1000"), "on", syscall.SIGTERM); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Fatalf("error %v", err)
	}
	if r, err := (contender{"nobody", "", nil, loads{}, func(*running, context.Context) error { return os.ErrInvalid }}).run(t.Context(), h, files{}); err == nil {
		t.Fatalf("started %v", r)
	}
	if left, _ := os.ReadDir(h.dir); len(left) > 0 {
		t.Fatalf("left %v", left)
	}
}

func TestChildren(t *testing.T) {
	h := testHouse(t)
	p, err := h.start(t.Context(), exec.Command("sh", "-c", "sleep 1000 & echo on $!; wait"), "on", syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscanf(p.ready, "on %d", &child); err != nil {
		t.Fatal(err)
	}
	if got := children(p.pid()); !slices.Equal(got, []int{child}) {
		t.Fatalf("children %v, want %d", got, child)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
}
