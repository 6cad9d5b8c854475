package web_test

import (
	"bufio"
	"bytes"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = browsertest.Patience

// node is a klatch process that can be killed and started again in its place.
type node struct {
	data, addr    string
	cluster, join string   // the addresses of gossip and links, its own and that of a member; none for a node alone
	flags         []string // of klatch serve, beside those that every test needs
	cmd           *exec.Cmd
	read          chan struct{} // closed when all that it printed has been read
	setup         chan string   // the link that makes the first administrator
}

func startNode(t *testing.T) *node {
	t.Helper()
	n := newNode(t)
	n.start(t)
	return n
}

// startCluster starts nodes that all join the first.
func startCluster(t *testing.T, size int) []*node {
	t.Helper()
	var all []*node
	for range size {
		n := newNode(t)
		n.cluster = "127.0.0.1:0"
		if len(all) > 0 {
			n.join = all[0].cluster
		}
		n.start(t)
		all = append(all, n)
	}
	return all
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{data: t.TempDir(), addr: "127.0.0.1:0", setup: make(chan string, 1)}
	t.Cleanup(func() { n.kill(t) })
	return n
}

// start runs the node and reads where it serves from the first lines that it
// prints. In its place may be a connection for a moment, for the kernel gave the
// port and may give it again: then the node is started once more.
func (n *node) start(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		said, ok := n.launch(t)
		if ok {
			return
		}
		if !strings.Contains(said, "address already in use") || time.Now().After(deadline) {
			t.Fatalf("klatch serve ended without an address:\n%s", said)
		}
	}
}

func (n *node) launch(t *testing.T) (said string, ok bool) {
	t.Helper()
	path, err := klatch()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	n.cmd = exec.Command(path, n.args()...)
	n.cmd.Stderr = &log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !n.greeted(lines) {
		_ = n.cmd.Wait() // the log says more
		n.cmd = nil
		return log.String(), false
	}
	n.read = make(chan struct{})
	go n.readOn(lines, n.read)
	return "", true
}

func (n *node) args() []string {
	args := []string{"serve", "--addr", n.addr, "--ops-addr", "off", "--data", n.data, "--rate-limit", "off", "--memory", "32MiB"}
	args = append(args, n.flags...)
	if n.cluster != "" {
		args = append(args, "--cluster-addr", n.cluster)
	}
	if n.join != "" {
		args = append(args, "--join", n.join)
	}
	return args
}

// greeted reads the addresses, which are the same at the next start.
func (n *node) greeted(lines *bufio.Scanner) bool {
	for lines.Scan() {
		word, what, _ := strings.Cut(lines.Text(), " ")
		if addr, ok := strings.CutPrefix(word, "http://"); ok {
			n.addr = addr
		}
		if what == "gossip and links of the cluster" {
			n.cluster = word
		}
		if n.cluster == "" || n.cluster == word {
			return true
		}
	}
	return false
}

// readOn reads what else is printed, so that the node never waits for us.
func (n *node) readOn(lines *bufio.Scanner, read chan<- struct{}) {
	defer close(read)
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
	if n.cmd == nil {
		return
	}
	if err := n.cmd.Process.Kill(); err != nil {
		t.Log(err)
	}
	<-n.read
	_ = n.cmd.Wait() // says only that it was killed
	n.cmd = nil
}

// through is the link that makes the first administrator, by way of another address.
func through(t *testing.T, n *node, base string) string {
	t.Helper()
	link, err := url.Parse(n.setupLink(t))
	if err != nil {
		t.Fatal(err)
	}
	return base + "/#" + link.Fragment
}

func (n *node) url() string { return "http://" + n.addr }

func (n *node) login(t *testing.T, username, password string) *caller {
	t.Helper()
	return login(t, n.url(), username, password)
}

func (n *node) register(t *testing.T, username, display string) *caller {
	t.Helper()
	return register(t, n.url(), username, display)
}
