package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/cluster"
)

// orders lets a program of another language kill nodes and start them again, by
// POST /kill/NODE and /start/NODE. They are done by the test's own goroutine.
type orders struct {
	server *httptest.Server
	nodes  map[string]*groupNode // by origin
	wanted chan nodeOrder
}

type nodeOrder struct {
	do   func()
	done chan struct{}
}

func newOrders(t *testing.T, g *group) *orders {
	t.Helper()
	o := &orders{nodes: origins(t, g), wanted: make(chan nodeOrder)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kill/{node}", o.handle((*groupNode).kill))
	mux.HandleFunc("POST /start/{node}", o.handle((*groupNode).start))
	o.server = httptest.NewServer(mux)
	t.Cleanup(o.server.Close)
	return o
}

func (o *orders) url() string { return o.server.URL }

func (o *orders) handle(do func(*groupNode)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := o.nodes[r.PathValue("node")]
		if n == nil {
			http.NotFound(w, r)
			return
		}
		order := nodeOrder{func() { do(n) }, make(chan struct{})}
		select {
		case o.wanted <- order:
			<-order.done
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}
}

// serve runs a program and does its orders until it ends.
func (o *orders) serve(t *testing.T, cmd *exec.Cmd, dir string, environ ...string) ([]byte, error) {
	t.Helper()
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), environ...), 5*time.Second
	type result struct {
		out []byte
		err error
	}
	ended := make(chan result, 1)
	go func() {
		out, err := cmd.CombinedOutput()
		ended <- result{out, err}
	}()
	limit := time.After(clientsTime)
	for {
		select {
		case order := <-o.wanted:
			o.obey(order)
		case r := <-ended:
			return r.out, r.err
		case <-limit:
			_ = cmd.Process.Kill()
			r := <-ended
			t.Fatalf("%s does not end:\n%s", cmd.Path, r.out)
		}
	}
}

// obey answers also where the order ends the test, for the server waits.
func (o *orders) obey(order nodeOrder) {
	defer close(order.done)
	order.do()
}

// origins are the nodes of a group by what they call themselves. It waits until
// the first one knows all of them.
func origins(t *testing.T, g *group) (nodes map[string]*groupNode) {
	t.Helper()
	byAddress := map[string]*groupNode{}
	for _, n := range g.nodes {
		byAddress[n.addr] = n
	}
	await(t, "all members", func() bool {
		nodes = map[string]*groupNode{}
		for _, m := range membersOf(t, g.nodes[0]) {
			if n := byAddress[m.Public]; n != nil && m.Ready {
				nodes[m.Node] = n
			}
		}
		return len(nodes) == len(g.nodes)
	})
	return nodes
}

func membersOf(t *testing.T, n *groupNode) []cluster.Member {
	t.Helper()
	out, errs, err := n.klatch("cluster", "members", "--json")
	if err != nil {
		t.Fatalf("members: %v\n%s", err, errs)
	}
	var answer struct{ Items []cluster.Member }
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Items
}
