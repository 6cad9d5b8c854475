package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// startNode opens a node on a data directory and runs it. stop ends it and returns run's error.
func startNode(t *testing.T, data string, flags values) (n *node, stop func() error) {
	t.Helper()
	given := values{"addr": "127.0.0.1:0", "ops-addr": "127.0.0.1:0", "data": data, "memory": "8MiB"}
	for name, text := range flags {
		given[name] = text
	}
	c, err := load(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err = openNode(context.Background(), c, silent); err != nil {
		t.Fatal(err)
	}
	signals, done := make(chan os.Signal, 2), make(chan error, 1)
	go func() { done <- n.run(signals) }()
	stopped := false
	stop = func() error {
		stopped = true
		signals <- syscall.SIGTERM
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return n, stop
}

// call sends JSON and reads JSON, on a connection of its own.
func call(t *testing.T, method, url, token string, body, answer any) (status int) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := answer.(*string); ok {
		*s = string(text)
	} else if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Fatalf("%s %s answers %d: %s", method, url, resp.StatusCode, text)
		}
	}
	return resp.StatusCode
}

type account struct {
	Token string
	User  struct{ Username, Role string }
}

func register(t *testing.T, n *node, name, invite string) (a account, status int) {
	t.Helper()
	status = call(t, "POST", n.public.url()+"/api/v1/register", "",
		map[string]string{"username": name, "password": "correct horse " + name, "invite": invite}, &a)
	return a, status
}

// TestServe goes the way of a first evening: the link, an administrator, a
// room, a message, a restart that keeps them (I1).
func TestServe(t *testing.T) {
	data := t.TempDir()
	n, stop := startNode(t, data, values{"registration": "invite"})
	base := n.public.url() + "/api/v1"
	if _, status := register(t, n, "eve", ""); status != http.StatusForbidden {
		t.Errorf("registering without an invite answers %d", status)
	}
	if n.setup == "" || !strings.Contains(n.greeting(), n.public.url()+"/#invite="+n.setup) {
		t.Errorf("no link in the greeting:\n%s", n.greeting())
	}
	ada, status := register(t, n, "ada", n.setup)
	if status != http.StatusCreated || ada.User.Role != "admin" {
		t.Fatalf("registering by the link answers %d, %+v", status, ada.User)
	}
	if _, status := register(t, n, "eve", n.setup); status != http.StatusForbidden {
		t.Errorf("the link worked twice: %d", status)
	}
	if status := call(t, "POST", base+"/rooms", ada.Token, map[string]string{"name": "tea"}, nil); status != http.StatusCreated {
		t.Fatalf("making a room answers %d", status)
	}
	if status := call(t, "POST", base+"/rooms/tea/messages", ada.Token, map[string]string{"body": "hello"}, nil); status != http.StatusCreated {
		t.Fatalf("posting answers %d", status)
	}
	var page, metrics string
	if status := call(t, "GET", n.public.url()+"/", "", nil, &page); status != http.StatusOK || !strings.Contains(page, "<html") {
		t.Errorf("the page answers %d: %.80s", status, page)
	}
	call(t, "GET", n.ops.url()+"/metrics", "", nil, &metrics)
	if !strings.Contains(metrics, "klatch_http_request_seconds_count{") || !strings.Contains(metrics, "\nklatch_ready 1\n") {
		t.Errorf("metrics:\n%s", metrics)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	n, _ = startNode(t, data, nil)
	if n.setup != "" {
		t.Error("there is an administrator, and another link")
	}
	var history struct{ Items []struct{ Body string } }
	if status := call(t, "GET", n.public.url()+"/api/v1/rooms/tea/messages", ada.Token, nil, &history); status != http.StatusOK ||
		len(history.Items) != 1 || history.Items[0].Body != "hello" {
		t.Errorf("after the restart: %d, %+v", status, history)
	}
}

// TestDrain: readiness ends while clients still leave, and they are told to come back (1001).
func TestDrain(t *testing.T) {
	n, stop := startNode(t, t.TempDir(), nil)
	if status := call(t, "GET", n.public.url()+"/readyz", "", nil, nil); status != http.StatusOK {
		t.Fatalf("readyz answers %d", status)
	}
	ada, _ := register(t, n, "ada", "")
	client := dialRaw(t, n, ada.Token)
	if frame := client.read(); !bytes.Contains(frame, []byte(`"type":"ready"`)) {
		t.Fatalf("hello got %s", frame)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	// This client does not answer the close, so the node still waits for it.
	if code := client.readClose(); code != 1001 {
		t.Errorf("closed with %d, want 1001", code)
	}
	if status := call(t, "GET", n.public.url()+"/readyz", "", nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("readyz answers %d while draining", status)
	}
	client.conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestConnectionLimit: beyond --max-connections the answer is 503 with Retry-After.
func TestConnectionLimit(t *testing.T) {
	n, _ := startNode(t, t.TempDir(), values{"max-connections": "1"})
	ada, _ := register(t, n, "ada", "")
	first := dialRaw(t, n, ada.Token)
	first.read()
	conn, resp := upgrade(t, n)
	conn.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the second connection answers %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	first.conn.Close()
}

// rawClient speaks just enough WebSocket to be badly behaved.
type rawClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func upgrade(t *testing.T, n *node) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", n.public.net.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", n.public.net.Addr())
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, resp
}

// dialRaw connects and says hello. The server is silent until then, so no
// frame is lost in the reader of the handshake.
func dialRaw(t *testing.T, n *node, token string) *rawClient {
	t.Helper()
	conn, resp := upgrade(t, n)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake answers %d", resp.StatusCode)
	}
	hello := fmt.Appendf(nil, `{"type":"hello","ref":1,"token":%q}`, token)
	header := append([]byte{0x81, 0x80 | 126}, binary.BigEndian.AppendUint16(nil, uint16(len(hello)))...)
	if _, err := conn.Write(append(append(header, 0, 0, 0, 0), hello...)); err != nil { // a mask of zeros
		t.Fatal(err)
	}
	return &rawClient{t, conn, bufio.NewReader(conn)}
}

// readFrame reads one unfragmented frame of less than 64 KiB.
func (c *rawClient) readFrame() (opcode byte, payload []byte) {
	c.t.Helper()
	header := make([]byte, 2)
	if _, err := io.ReadFull(c.in, header); err != nil {
		c.t.Fatal(err)
	}
	size := int(header[1])
	if size == 126 {
		long := make([]byte, 2)
		if _, err := io.ReadFull(c.in, long); err != nil {
			c.t.Fatal(err)
		}
		size = int(binary.BigEndian.Uint16(long))
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(c.in, payload); err != nil {
		c.t.Fatal(err)
	}
	return header[0] & 0x0F, payload
}

func (c *rawClient) read() []byte {
	c.t.Helper()
	_, payload := c.readFrame()
	return payload
}

func (c *rawClient) readClose() (code int) {
	c.t.Helper()
	for {
		if opcode, payload := c.readFrame(); opcode == 8 {
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// TestUsersOfAnotherBackend: a JWT is enough to be somebody, in the rooms that it names.
func TestUsersOfAnotherBackend(t *testing.T) {
	secret := strings.Repeat("k", minSecret)
	n, _ := startNode(t, t.TempDir(), values{"auth-jwt-secret": secret, "registration": "closed"})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "grace", "name": "Grace H.", "rooms": []string{"ships"}, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	base := n.public.url() + "/api/v1"
	var me struct {
		Username    string
		DisplayName string `json:"display_name"`
	}
	if status := call(t, "GET", base+"/me", token, nil, &me); status != http.StatusOK || me.Username != "grace" || me.DisplayName != "Grace H." {
		t.Errorf("me answers %d, %+v", status, me)
	}
	if status := call(t, "POST", base+"/rooms/ships/messages", token, map[string]string{"body": "ahoy"}, nil); status != http.StatusCreated {
		t.Errorf("posting answers %d", status)
	}
	if status := call(t, "GET", base+"/me", token+"x", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("a changed token answers %d", status)
	}
	if _, status := register(t, n, "eve", ""); status != http.StatusForbidden {
		t.Errorf("registering where it is closed answers %d", status)
	}
}
