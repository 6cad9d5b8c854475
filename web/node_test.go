package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// node is a klatch process that can be killed and started again in its place.
type node struct {
	binary, data, addr string
	cmd                *exec.Cmd
	setup              chan string // the link that makes the first administrator
}

func startNode(t *testing.T) *node {
	t.Helper()
	n := &node{binary: filepath.Join(t.TempDir(), "klatch"), data: t.TempDir(), addr: "127.0.0.1:0", setup: make(chan string, 1)}
	build := exec.Command("go", "build", "-o", n.binary, "../cli/klatch")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building klatch: %v\n%s", err, out)
	}
	n.start(t)
	t.Cleanup(func() { n.kill(t) })
	return n
}

// start runs the node and reads where it serves from the first line that it prints.
func (n *node) start(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	n.cmd = exec.Command(n.binary, "serve", "--addr", n.addr, "--ops-addr", "off", "--data", n.data)
	n.cmd.Stderr = &log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, _, _ := strings.Cut(lines.Text(), " ")
		if addr, ok := strings.CutPrefix(word, "http://"); ok {
			n.addr = addr
			go n.readOn(lines)
			return
		}
	}
	err = n.cmd.Wait()
	t.Fatalf("klatch serve ended without an address: %v\n%s", err, log.String())
}

// readOn reads what else is printed, so that the node never waits for us.
func (n *node) readOn(lines *bufio.Scanner) {
	for lines.Scan() {
		if link, _, _ := strings.Cut(lines.Text(), " "); strings.Contains(link, "#invite=") {
			n.setup <- link
		}
	}
}

// setupLink waits for the link of a first start.
func (n *node) setupLink(t *testing.T) string {
	t.Helper()
	select {
	case link := <-n.setup:
		return link
	case <-time.After(patience):
		t.Fatal("klatch serve printed no link that makes the first administrator")
		return ""
	}
}

// kill is kill -9: nothing gets a chance to be tidied up.
func (n *node) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Log(err)
	}
	_ = n.cmd.Wait() // says only that it was killed
}

func (n *node) url() string { return "http://" + n.addr }

// caller speaks REST as a user, to do quickly what is not the page's test.
type caller struct {
	t    *testing.T
	base string
	http http.Client
}

func (n *node) login(t *testing.T, username, password string) *caller {
	t.Helper()
	c := n.caller(t)
	c.call("POST", "/login", map[string]string{"username": username, "password": password}, nil)
	return c
}

func (n *node) register(t *testing.T, username, display string) *caller {
	t.Helper()
	c := n.caller(t)
	c.call("POST", "/register", map[string]string{"username": username, "password": password, "display_name": display}, nil)
	return c
}

// caller is nobody yet.
func (n *node) caller(t *testing.T) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &caller{t: t, base: n.url(), http: http.Client{Jar: jar}}
}

func (c *caller) call(method, path string, body, answer any) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	for {
		req, err := http.NewRequest(method, c.base+"/api/v1"+path, bytes.NewReader(b))
		if err != nil {
			c.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", c.base)
		resp, err := c.http.Do(req)
		if err != nil {
			c.t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			continue // so many messages are more than a user's burst
		}
		if resp.StatusCode >= 300 {
			c.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, got)
		}
		if answer != nil {
			if err := json.Unmarshal(got, answer); err != nil {
				c.t.Fatal(err)
			}
		}
		return
	}
}
