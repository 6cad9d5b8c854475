package cli_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine/client"
)

// TestCluster runs nodes as people do: one process each.
func TestCluster(t *testing.T) {
	binary := buildKlatch(t)
	for name, test := range map[string]func(*testing.T, string){
		"I1 I8 two nodes": twoNodes, "I1 a majority of three": majorityOfThree, "I9 the key is never shown": keyIsNeverShown,
	} {
		t.Run(name, func(t *testing.T) { test(t, binary) })
	}
}

// I1, I8: two nodes are a cluster. What is posted on one is read on the other;
// either may be killed, the one that is left serves on and says what it can no
// longer promise; the one that returns has what it missed.
func twoNodes(t *testing.T, binary string) {
	g := newGroup(t, binary, 2)
	a, b := g.nodes[0], g.nodes[1]
	ada := rest(t, a.url(), "ada", "tea")
	written, err := post(ada, "tea", posting{Body: "one"})
	if err != nil || written.Durability != client.DurableOne {
		t.Fatalf("posting with a peer: %+v, %v", written, err)
	}
	bob := rest(t, b.url(), "bob", "tea")
	bob.After = written.Position
	wantBodies(t, bob, "one")

	b.kill()
	if written, err = post(ada, "tea", posting{Body: "two"}); err != nil || written.Durability != client.DurableLocal {
		t.Errorf("posting alone: %+v, %v", written, err)
	}
	a.awaitState(b, cluster.StateDead)
	b.start()
	a.awaitState(b, cluster.StateAlive)
	bob.After = written.Position
	wantBodies(t, bob, "one", "two")
	await(t, "a write that a peer has too", func() bool {
		written, err = post(ada, "tea", posting{Body: "three", Nonce: "three"})
		return err == nil && written.Durability == client.DurableOne
	})

	a.stop() // and so does the first one, in order
	b.awaitState(a, cluster.StateLeft)
	bob.After = written.Position
	wantBodies(t, bob, "one", "two", "three")
	if written, err = post(bob, "tea", posting{Body: "four"}); err != nil {
		t.Error(err)
	}
	a.start()
	ada.After = written.Position
	wantBodies(t, ada, "one", "two", "three", "four")
}

func wantBodies(t *testing.T, r client.REST, want ...string) {
	t.Helper()
	got, err := bodies(r, "tea")
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%s has %q, %v; want %q", r.URL, got, err, want)
	}
}

// I1: with majority nothing is acknowledged by less than that, a dead member
// counts, and a forgotten one does not.
func majorityOfThree(t *testing.T, binary string) {
	g := newGroup(t, binary, 3, "--write-concern", "majority")
	a, b, c := g.nodes[0], g.nodes[1], g.nodes[2]
	ada := rest(t, a.url(), "ada", "tea")
	wantDurability(t, ada, "one", client.DurableMajority)
	c.kill()
	wantDurability(t, ada, "two", client.DurableMajority)
	b.kill()
	_, err := post(ada, "tea", posting{Body: "three"})
	if !errors.Is(err, &client.Error{Code: "unavailable"}) {
		t.Fatalf("posting without a majority: %v", err)
	}
	b.start()
	a.awaitState(b, cluster.StateAlive)
	wantDurability(t, ada, "four", client.DurableMajority)
	a.awaitState(c, cluster.StateDead)
	out, _, err := a.klatch("cluster", "members")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); words[1] == "dead" {
			if _, errs, err := a.klatch("cluster", "leave", "--node", words[0]); err != nil {
				t.Fatalf("forget: %v\n%s", err, errs)
			}
		}
	}
	if _, known := a.states()[c.addr]; known {
		t.Errorf("a forgotten member is listed:\n%s", out)
	}
	if _, errs, err := b.klatch("cluster", "leave"); err != nil {
		t.Fatalf("leave: %v\n%s", err, errs)
	}
	b.awaitEnd()
	wantDurability(t, ada, "five", client.DurableMajority) // of one
}

// wantDurability posts, as often as a link may break under it.
func wantDurability(t *testing.T, r client.REST, body string, want client.Durability) {
	t.Helper()
	var written client.Receipt
	var err error
	await(t, "the post "+body, func() bool {
		written, err = post(r, "tea", posting{Body: body, Nonce: body})
		return err == nil
	})
	if written.Durability != want {
		t.Errorf("%s is %q, want %q", body, written.Durability, want)
	}
}

// I9: the cluster key shows nowhere, however it was given: not in what nodes and
// commands print and log, not in metrics, profiles or the list of processes.
func keyIsNeverShown(t *testing.T, binary string) {
	out, _, err := (&groupNode{binary: binary}).klatch("cluster", "key")
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(out)
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != cluster.KeySize {
		t.Fatalf("key printed %q, %v", out, err)
	}
	g := newGroup(t, binary, 1, "--cluster-key", key, "--log-level", "debug")
	first := g.nodes[0]
	file := filepath.Join(t.TempDir(), "klatch.yaml")
	if err := os.WriteFile(file, []byte("cluster-key: "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	others := map[string][]string{
		"--config":        {"--config", file},
		"the environment": nil,
	}
	shown := map[string]string{}
	for how, args := range others {
		n := &groupNode{t: t, binary: binary, data: filepath.Join(t.TempDir(), "data"), addr: freeAddress(t), ops: freeAddress(t), cluster: freeAddress(t)}
		n.args = append([]string{"--log-level", "debug", "--log-format", "json", "--cluster-addr", n.cluster, "--join", first.cluster}, args...)
		if args == nil {
			n.environ = []string{"KLATCH_CLUSTER_KEY=" + key}
		}
		n.start()
		t.Cleanup(n.end)
		first.awaitState(n, cluster.StateAlive)
		g.nodes = append(g.nodes, n)
		shown["a node with it from "+how] = ""
	}
	wrong := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("w", cluster.KeySize)))
	stranger := &groupNode{t: t, binary: binary, data: filepath.Join(t.TempDir(), "data"), addr: freeAddress(t), ops: freeAddress(t), cluster: freeAddress(t)}
	stranger.args = []string{"--log-level", "debug", "--cluster-addr", stranger.cluster, "--join", first.cluster, "--cluster-key", wrong}
	stranger.start()
	t.Cleanup(stranger.end)

	for _, n := range append(g.nodes, stranger) {
		n.show(shown)
	}
	for _, n := range append(g.nodes, stranger) {
		n.stop()
		shown["what "+n.addr+" said"] = n.said.String()
	}
	for _, args := range [][]string{
		{"serve", "--help"}, {"serve", "--cluster-key", key + "x"}, {"serve", "--cluster-key", key[:20]},
		{"serve", "--cluster-key", key, "--cluster-addr", "nonsense"}, {"cluster", "key", key},
	} {
		out, errs, _ := first.klatch(args...)
		shown[strings.Join(args[:2], " ")+strconv.Itoa(len(shown))] = out + errs
	}
	forms := []string{key, key[:20], string(raw), hex.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)}
	for where, text := range shown {
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("%s shows the key", where)
			}
		}
	}
}

// show collects what a running node shows of itself.
func (n *groupNode) show(shown map[string]string) {
	n.t.Helper()
	for _, path := range []string{"/metrics", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
		shown[n.ops+path] = fetch(n.t, "http://"+n.ops+path)
	}
	shown[n.addr+"/openapi.json"] = fetch(n.t, n.url()+"/api/v1/openapi.json")
	if line, err := os.ReadFile("/proc/" + strconv.Itoa(n.cmd.Process.Pid) + "/cmdline"); err == nil {
		shown["the process of "+n.addr] = string(line)
	}
	for _, args := range [][]string{{"cluster", "members"}, {"cluster", "members", "--json"}, {"cluster", "lb", "haproxy"}} {
		out, errs, err := n.klatch(args...)
		if err != nil {
			n.t.Errorf("%v: %v\n%s", args, err, errs)
		}
		shown[strings.Join(args, " ")+" of "+n.addr] = out + errs
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := oneShot.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || len(text) == 0 {
		t.Fatalf("%s: %s, %d bytes, %v", url, resp.Status, len(text), err)
	}
	return string(text)
}
