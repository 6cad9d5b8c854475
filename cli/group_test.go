package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine/client"
)

// groupSecret is the --auth-jwt-secret of every group.
const groupSecret = "0123456789abcdef0123456789abcdef"

// group is some nodes of one cluster, each a process of its own.
type group struct {
	t      *testing.T
	binary string
	nodes  []*groupNode
}

// groupNode is one of them. It keeps its addresses and its data when it is started again.
type groupNode struct {
	t                        *testing.T
	binary                   string
	data, addr, ops, cluster string
	args                     []string
	environ                  []string
	said                     said // all that it ever wrote

	cmd    *exec.Cmd
	exited chan error
}

// said collects output.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func buildKlatch(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "klatch")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/klatch-chat/klatch/cli/klatch").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// newGroup starts nodes that all join the first, and waits until each is ready.
func newGroup(t *testing.T, binary string, size int, args ...string) *group {
	t.Helper()
	g := &group{t: t, binary: binary}
	for i := range size {
		n := &groupNode{t: t, binary: binary, data: filepath.Join(t.TempDir(), "data"), addr: freeAddress(t), ops: freeAddress(t), cluster: freeAddress(t)}
		n.args = append([]string{"--rate-limit", "off", "--memory", "32MiB", "--cluster-addr", n.cluster}, args...)
		n.environ = []string{"KLATCH_AUTH_JWT_SECRET=" + groupSecret}
		if i > 0 {
			n.args = append(n.args, "--join", g.nodes[0].cluster)
		}
		g.nodes = append(g.nodes, n)
		n.start()
		t.Cleanup(n.end)
	}
	return g
}

// freeAddress finds a port for TCP and UDP that the kernel gives to nobody by
// itself: it must be free again after a node has been killed.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+rand.N(12000))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		p, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			p.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

func (n *groupNode) url() string { return "http://" + n.addr }

// start runs the node and waits until it is ready.
func (n *groupNode) start() {
	n.t.Helper()
	begun := time.Now()
	n.launch()
	defer func() { n.t.Logf("%s was ready in %s", n.addr, time.Since(begun).Round(time.Millisecond)) }()
	await(n.t, "readiness of "+n.addr, func() bool {
		select {
		case err := <-n.exited:
			n.t.Fatalf("the node ended: %v\n%s", err, &n.said)
		default:
		}
		return n.ready()
	})
}

// launch runs the node.
func (n *groupNode) launch() {
	n.t.Helper()
	n.cmd = exec.Command(n.binary, append([]string{"serve", "--addr", n.addr, "--ops-addr", n.ops, "--data", n.data}, n.args...)...)
	n.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KLATCH_") }), n.environ...)
	n.cmd.Stdout, n.cmd.Stderr = &n.said, &n.said
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	cmd, exited := n.cmd, make(chan error, 1)
	n.exited = exited
	go func() { exited <- cmd.Wait() }()
}

func (n *groupNode) ready() bool {
	resp, err := oneShot.Get(n.url() + "/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// oneShot keeps no connections: nodes come and go.
var oneShot = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// kill is kill -9.
func (n *groupNode) kill() {
	n.t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	<-n.exited
	n.cmd = nil
}

// stop drains the node, which must end well within its ten seconds.
func (n *groupNode) stop() {
	n.t.Helper()
	begun := time.Now()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	n.awaitEnd()
	n.t.Logf("%s drained in %s", n.addr, time.Since(begun).Round(time.Millisecond))
}

func (n *groupNode) awaitEnd() {
	n.t.Helper()
	select {
	case err := <-n.exited:
		if err != nil {
			n.t.Errorf("%s ended with %v", n.addr, err)
		}
	case <-time.After(15 * time.Second):
		n.t.Fatalf("%s does not end:\n%s", n.addr, &n.said)
	}
	n.cmd = nil
}

// end is for the end of a test.
func (n *groupNode) end() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill()
		<-n.exited
	}
	if n.t.Failed() {
		n.t.Logf("%s said:\n%s", n.addr, &n.said)
	}
}

// klatch runs a command of ours on the node's data and returns what it printed.
func (n *groupNode) klatch(args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(n.binary, args...)
	cmd.Env = append(os.Environ(), "KLATCH_DATA="+n.data)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// states are those of all members by their public address, as klatch cluster members tells.
func (n *groupNode) states() map[string]cluster.State {
	n.t.Helper()
	out, errs, err := n.klatch("cluster", "members", "--json")
	if err != nil {
		n.t.Fatalf("members: %v\n%s", err, errs)
	}
	var answer struct{ Items []cluster.Member }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		n.t.Fatal(err)
	}
	states := map[string]cluster.State{}
	for _, m := range answer.Items {
		states[m.Public] = m.State
	}
	return states
}

func (n *groupNode) awaitState(of *groupNode, want cluster.State) {
	n.t.Helper()
	await(n.t, fmt.Sprintf("%s being %s", of.addr, want), func() bool { return n.states()[of.addr] == want })
}

// rest speaks with a server as a user who is in a room.
func rest(t *testing.T, url, user, room string) client.REST {
	t.Helper()
	return client.REST{URL: url, Token: groupToken(t, user, room), HTTP: oneShot}
}

func groupToken(t *testing.T, user, room string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "rooms": []string{room}, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(groupSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

type posting struct {
	Body  string `json:"body"`
	Nonce string `json:"nonce,omitempty"`
}

func post(r client.REST, room string, p posting) (client.Receipt, error) {
	return r.Write(context.Background(), http.MethodPost, "/rooms/"+room+"/messages", p, nil)
}

// bodies are those of a room's newest messages.
func bodies(r client.REST, room string) (all []string, err error) {
	var page struct{ Items []client.Message }
	err = r.Do(context.Background(), http.MethodGet, "/rooms/"+room+"/messages?limit=200", nil, &page)
	for _, m := range page.Items {
		all = append(all, m.Body)
	}
	return all, err
}
