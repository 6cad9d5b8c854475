package web_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/web/browsertest"
)

const (
	clusterNodes = 3
	kills        = 2
	loadPosts    = 200 // of each round
	loadBefore   = 50  // of them before the kill
)

// TestCluster (I1, I5, I7, I8) has two people behind a load balancer without
// stickiness. The node of one of them is killed under load, twice: the page goes
// on at another one by itself, what was written while there was no network is
// sent once, and in the end both pages show the room as every node has it, with
// each message once.
func TestCluster(t *testing.T) {
	t.Parallel()
	x := newClusterTest(t)
	for i := range kills {
		x.round(t, i)
	}
	x.check(t)
}

type clusterTest struct {
	nodes              []*node
	balancer           *balancer
	adasDoor, bobsDoor *door
	ada, bob           *window
	grace              *caller // makes the load
	room               string
	killed             []string // addresses
	want               []string // bodies
}

func newClusterTest(t *testing.T) *clusterTest {
	t.Helper()
	x := &clusterTest{nodes: startCluster(t, clusterNodes)}
	x.balancer = newBalancer(x.nodes)
	x.adasDoor, x.bobsDoor = x.balancer.door(t), x.balancer.door(t)
	x.ada = openWindow(t, "ada", through(t, x.nodes[0], x.adasDoor.url()))
	x.ada.Register("ada", "Ada Lovelace", password)
	x.bob = openWindow(t, "bob", x.bobsDoor.url())
	x.bob.Click("Make an account")
	x.bob.Register("bob", "Bob Kahn", password)
	x.grace = register(t, x.balancer.door(t).url(), "grace", "Grace Hopper")
	x.room = openCafe(x.grace, login(t, x.adasDoor.url(), "ada", password), login(t, x.bobsDoor.url(), "bob", password))
	for _, w := range []*window{x.ada, x.bob} {
		w.goTo(x.room)
		w.Until("be in the room", inRoom)
	}
	return x
}

func (x *clusterTest) round(t *testing.T, i int) {
	t.Helper()
	acked := x.load(t, i)
	await(t, "posts before the kill", func() bool { return acked.Load() >= loadBefore })
	n := x.nodes[slices.IndexFunc(x.nodes, func(n *node) bool { return n.addr == x.adasDoor.servedBy() })]
	if slices.Contains(x.killed, n.addr) {
		t.Fatalf("%s serves ada again: each round is to kill another node", n.addr)
	}
	x.killed = append(x.killed, n.addr)
	n.kill(t)
	if acked.Load() == loadPosts {
		t.Fatal("the load was over before the kill")
	}
	for _, w := range []*window{x.ada, x.bob} {
		x.say(w, fmt.Sprintf("%s after kill %d", w.Name, i))
	}
	await(t, "ada on another node", func() bool { return x.adasDoor.servedBy() != n.addr })
	await(t, "the end of the load", func() bool { return acked.Load() == loadPosts })
	x.offline(fmt.Sprintf("typed while offline %d", i))
	n.start(t)
	await(t, n.addr+" being ready", func() bool { return x.balancer.ready(n.addr) })
}

func (x *clusterTest) say(w *window, body string) {
	w.Say(body)
	x.want = append(x.want, body)
}

// offline has ada write while her network is gone.
func (x *clusterTest) offline(body string) {
	x.adasDoor.cut()
	x.ada.Until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	x.say(x.ada, body)
	x.ada.Until("have it waiting", "%s === 1", browsertest.Count(body, "pending"))
	x.adasDoor.open()
	x.ada.Sees(body)
	x.bob.Sees(body)
}

// load posts what a round has, and counts what is acknowledged.
func (x *clusterTest) load(t *testing.T, round int) (acked *atomic.Int64) {
	acked = new(atomic.Int64)
	var all []string
	for i := range loadPosts {
		all = append(all, fmt.Sprintf("load %d of %d", i, round))
	}
	x.want = append(x.want, all...)
	var posting sync.WaitGroup
	t.Cleanup(posting.Wait)
	posting.Go(func() {
		for _, body := range all {
			if err := x.grace.insist("POST", "/rooms/"+x.room+"/messages", map[string]string{"body": body, "nonce": body}, nil); err != nil {
				t.Errorf("%s: %v", body, err)
				return
			}
			acked.Add(1)
		}
	})
	return acked
}

// await asks until the answer is yes.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if t.Failed() || time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// check holds each node's history, and what each page shows of it from the first
// message to the newest, against what was said.
func (x *clusterTest) check(t *testing.T) {
	t.Helper()
	var first []message
	for i, n := range x.nodes {
		h := n.login(t, "grace", password).history(x.room)
		if i == 0 {
			first = h
		}
		if !slices.Equal(h, first) {
			t.Errorf("%s has another history than %s:\n%v\n%v", n.addr, x.nodes[0].addr, h, first)
		}
	}
	if got, want := slices.Sorted(slices.Values(bodiesOf(first))), slices.Sorted(slices.Values(x.want)); !slices.Equal(got, want) {
		t.Errorf("the nodes have %q: want %q", got, want)
	}
	for _, w := range []*window{x.ada, x.bob} {
		if got := w.readAll(); !slices.Equal(got, first) {
			t.Errorf("%s's page shows %v: want %v", w.Name, got, first)
		}
	}
}

// readAll is what the page shows of a room, from its beginning to the newest,
// one row after another.
func (w *window) readAll() []message {
	w.T.Helper()
	w.Until("reach the beginning", `(document.querySelector("[data-testid=log]").scrollTop = 0, document.querySelector("[data-testid=beginning]"))`)
	return browsertest.Value[[]message](w.Window, `(async () => {
		const log = document.querySelector("[data-testid=log]");
		const frame = () => new Promise((done) => requestAnimationFrame(done));
		const rows = new Map();
		const read = () => {
			for (const r of log.querySelectorAll("[data-testid=message]")) {
				const body = r.querySelector("[data-testid=body]")?.textContent ?? "";
				rows.set(r.dataset.id, { ID: r.dataset.id, Body: body + (r.dataset.state === "sent" ? "" : " is " + r.dataset.state) });
			}
		};
		const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 2 && log.ariaBusy === "false" && !document.querySelector("[data-testid=jump]");
		for (read(); !atEnd(); read()) {
			log.scrollTop += log.clientHeight / 2;
			await frame();
			await frame();
		}
		return [...rows.values()];
	})()`)
}
