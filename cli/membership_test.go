package cli

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A node that looks for its cluster is alive and not ready, says so to its
// operator, and a signal ends the search at once.
func TestWhileJoining(t *testing.T) {
	addr, data := freeTCP(t), t.TempDir()
	c, err := load(values{"addr": addr, "ops-addr": "127.0.0.1:0", "data": data, "memory": "8MiB", "join": freeTCP(t)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	type opened struct {
		n   *node
		err error
	}
	open := make(chan opened, 1)
	go func() {
		n, err := openNode(ctx, c, silent)
		open <- opened{n, err}
	}()
	awaitStatus(t, "http://"+addr+"/healthz", http.StatusOK)
	if status := call(t, "GET", "http://"+addr+"/readyz", "", nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("readyz answers %d", status)
	}
	err = newOperator(data, time.Minute).get("/cluster/members", nil)
	if err == nil || !strings.Contains(err.Error(), "looks for the others") {
		t.Errorf("members: %v", err)
	}
	select {
	case o := <-open:
		t.Fatalf("it did not wait for members: %v", o.err)
	default:
	}
	cancel()
	o := <-open
	if o.err != nil {
		t.Fatal(o.err)
	}
	if o.n.setup != "" {
		t.Error("a node that has not found its cluster makes an administrator")
	}
	if err := o.n.run(signalled(syscall.SIGTERM)); err != nil {
		t.Error(err)
	}
}

// A node that nobody joins yet is a cluster of one, with all its figures.
func TestClusterOfOne(t *testing.T) {
	n, stop := startNode(t, t.TempDir(), values{"cluster-addr": "127.0.0.1:0"})
	if !strings.Contains(n.greeting(), n.members.Addr()+" gossip and links of the cluster\n") || n.setup == "" {
		t.Errorf("greeting:\n%s", n.greeting())
	}
	var metrics string
	call(t, "GET", n.ops.url()+"/metrics", "", nil, &metrics)
	for _, line := range []string{
		`klatch_cluster_members{state="self"} 1`, `klatch_cluster_members{state="dead"} 0`,
		"klatch_write_concern_waiting 0", "klatch_write_concern_degraded_total 0", "klatch_conflicts_total 0", "klatch_cluster_strangers_total 0",
		"klatch_cluster_tunnels_dialled 0", "klatch_cluster_tunnels_accepted 0", "klatch_cluster_tunnels_refused_total 0",
	} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("no %s in the metrics", line)
		}
	}
	if err := n.members.leaveForGood(t.Context()); err != errNobodyElse {
		t.Errorf("leaving nobody: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func freeTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitStatus asks until a server that is being started gives an answer.
func awaitStatus(t *testing.T, url string, want int) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); time.Since(begun) < time.Minute; <-look.C {
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("%s answers %d", url, resp.StatusCode)
		}
		return
	}
	t.Fatalf("%s never answers", url)
}
