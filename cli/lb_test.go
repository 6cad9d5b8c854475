package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine/client"
)

var (
	lbRounds  = flag.Int("lb.rounds", 1, "how often each node fails in the load balancers' test")
	lbProgram = flag.String("lb.programs", "haproxy,nginx", "the load balancers to test: haproxy, nginx, caddy")
)

const (
	lbRooms    = 3
	lbSessions = 9 // Go clients on WebSockets
	lbCallers  = 6 // over REST
	lbNodes    = 3
)

// I1, I5, I7, I8: real load balancers in front of three nodes, with the
// configuration that klatch prints, word for word, and nothing sticky. Nodes are
// killed and drained in turn under load. Go clients, REST and the browser's page
// go on: nothing acknowledged is lost, and nobody reads what is older than his own write.
func TestBehindLoadBalancers(t *testing.T) {
	binary := buildKlatch(t)
	for program := range strings.SplitSeq(*lbProgram, ",") {
		t.Run(program, func(t *testing.T) { behind(t, binary, program) })
	}
}

func behind(t *testing.T, binary, program string) {
	x := &lbTest{t: t, group: newGroup(t, binary, lbNodes), stop: make(chan struct{}), why: map[string]int{}}
	x.url = startBalancer(t, x.group.nodes[0], program)
	host := rest(t, x.url, "host", "lobby")
	if _, err := post(host, "lobby", posting{Body: "welcome"}); err != nil {
		t.Fatal(err)
	}
	p := openPage(t, x.url, "lobby")
	p.Sees("welcome")

	var load sync.WaitGroup
	for i := range lbSessions {
		x.connect(i)
	}
	for _, s := range x.sessions { // all of whom are there to hear it
		load.Go(s.talk)
	}
	for i := range lbCallers {
		load.Go(x.caller(i).talk)
	}
	for i := range lbNodes * *lbRounds {
		n := x.group.nodes[i%lbNodes]
		x.talkOn()
		if fault := []string{"kill", "drain"}[i%2]; fault == "kill" {
			n.kill()
		} else {
			n.stop()
		}
		x.talkOn()
		p.Say(fmt.Sprintf("the page's %d", i))
		if _, err := x.patiently(host, "lobby", posting{Body: fmt.Sprintf("the host's %d", i), Nonce: fmt.Sprint(i)}); err != nil {
			t.Error(err)
		}
		p.Sees(fmt.Sprintf("the page's %d", i))
		p.Sees(fmt.Sprintf("the host's %d", i))
		n.start()
		x.whole()
	}
	x.talkOn()
	close(x.stop)
	load.Wait()
	x.check()
	t.Logf("%d posts acknowledged over %s, the slowest after %s; %d read back; repeated: %v",
		x.acked.Load(), program, time.Duration(x.slowest.Load()).Round(time.Millisecond), x.read.Load(), x.why)
}

type lbTest struct {
	t     *testing.T
	group *group
	url   string
	stop  chan struct{}

	sessions []*lbSession

	mu    sync.Mutex
	known [lbRooms][]string // bodies that were acknowledged; each is also its nonce

	why map[string]int // requests were repeated

	acked, read atomic.Uint64
	slowest     atomic.Int64 // nanoseconds that a post took
}

// took notes how long a post took.
func (x *lbTest) took(d time.Duration) {
	for old := x.slowest.Load(); int64(d) > old && !x.slowest.CompareAndSwap(old, int64(d)); old = x.slowest.Load() {
	}
}

func lbRoom(i int) string { return fmt.Sprintf("room-%d", i%lbRooms) }

// acknowledged notes a post by its nonce. Its id may be another in the end: where
// a node takes a post and dies before it can say so, the client posts again at
// another one, and the earlier of the two is the one that stays (I3).
func (x *lbTest) acknowledged(room int, body string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.known[room] = append(x.known[room], body)
	x.acked.Add(1)
}

// talkOn waits for more load, so that each fault meets some before and after.
func (x *lbTest) talkOn() {
	x.t.Helper()
	want := x.acked.Load() + 100
	await(x.t, "more acknowledged posts", func() bool { return x.acked.Load() >= want })
}

// whole waits until all nodes have met again: the next fault is to be the only one.
func (x *lbTest) whole() {
	x.t.Helper()
	for _, n := range x.group.nodes {
		for _, of := range x.group.nodes {
			if of != n {
				n.awaitState(of, cluster.StateAlive)
			}
		}
	}
}

// stopped reports whether the load ends, after a pause like a person's, but shorter.
func (x *lbTest) stopped() bool {
	select {
	case <-x.stop:
		return true
	case <-time.After(rand.N(40 * time.Millisecond)):
		return false
	}
}

// lbSession is a Go client, left to its own reconnecting.
type lbSession struct {
	x      *lbTest
	room   int
	name   string
	client *client.Client

	mu   sync.Mutex
	seen map[string]bool // bodies
}

func (x *lbTest) connect(i int) *lbSession {
	x.t.Helper()
	s := &lbSession{x: x, room: i % lbRooms, name: fmt.Sprintf("session-%d", i), seen: map[string]bool{}}
	var err error
	s.client, err = client.Dial(context.Background(), client.Config{
		URL: x.url, Token: groupToken(x.t, s.name, lbRoom(i)), OnEvent: s.event,
		Backoff: client.Backoff{Min: 10 * time.Millisecond, Max: 500 * time.Millisecond},
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = s.client.Close() })
	x.sessions = append(x.sessions, s)
	return s
}

func (s *lbSession) event(e client.Event) {
	switch e.Type {
	case client.TypeMessage:
		var m client.Message
		if err := e.Decode(&m); err != nil {
			s.x.t.Error(err)
		}
		s.mu.Lock()
		s.seen[m.Body] = true
		s.mu.Unlock()
	case client.TypeReset:
		s.x.t.Errorf("%s: reset: %s", s.name, e.Data)
	}
}

func (s *lbSession) talk() {
	for n := 0; !s.x.stopped(); n++ {
		body := fmt.Sprintf("%s says %d", s.name, n)
		ctx, cancel := context.WithTimeout(context.Background(), crashPatience)
		begun := time.Now()
		_, err := s.client.Post(ctx, client.Post{Room: lbRoom(s.room), Body: body, Nonce: body})
		cancel()
		s.x.took(time.Since(begun))
		if refusal := new(client.Error); errors.As(err, &refusal) && refusal.Code == "unavailable" {
			n-- // with the same nonce
			continue
		}
		if err != nil {
			s.x.t.Errorf("%s: %v", body, err)
			return
		}
		s.x.acknowledged(s.room, body)
	}
}

func (s *lbSession) has(body string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[body]
}

// lbCaller posts over REST and at once reads what it has posted.
type lbCaller struct {
	x    *lbTest
	room int
	name string
	rest client.REST
}

func (x *lbTest) caller(i int) *lbCaller {
	name := fmt.Sprintf("caller-%d", i)
	r := rest(x.t, x.url, name, lbRoom(i))
	transport := &http.Transport{} // with connections kept, as browsers do
	x.t.Cleanup(transport.CloseIdleConnections)
	r.HTTP = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	return &lbCaller{x: x, room: i % lbRooms, name: name, rest: r}
}

func (c *lbCaller) talk() {
	for n := 0; !c.x.stopped(); n++ {
		body := fmt.Sprintf("%s writes %d", c.name, n)
		begun := time.Now()
		m, err := c.x.patiently(c.rest, lbRoom(c.room), posting{Body: body, Nonce: body})
		c.x.took(time.Since(begun))
		if err != nil {
			c.x.t.Errorf("%s: %v", body, err)
			return
		}
		c.x.acknowledged(c.room, body)
		c.readBack(m)
	}
}

// readBack holds an answer to the position that the write returned (I8).
func (c *lbCaller) readBack(m lbPosted) {
	r := c.rest
	r.After = m.position
	err := c.x.again(func() error {
		return r.Do(context.Background(), http.MethodGet, "/rooms/"+lbRoom(c.room)+"/messages/"+m.ID, nil, nil)
	})
	if errors.Is(err, &client.Error{Code: "not_found"}) && slices.ContainsFunc(c.x.history(r, c.room), func(o client.Message) bool { return o.Body == m.Body }) {
		err = nil // it is there, as an earlier one of the same nonce
	}
	if err != nil {
		c.x.t.Errorf("%s does not read %q (%s) back: %v", c.name, m.Body, m.ID, err)
	}
	c.x.read.Add(1)
}

type lbPosted struct {
	client.Message
	position string
}

// patiently posts until there is an answer, with one nonce.
func (x *lbTest) patiently(r client.REST, room string, p posting) (m lbPosted, err error) {
	err = x.again(func() error {
		receipt, err := r.Write(context.Background(), http.MethodPost, "/rooms/"+room+"/messages", p, &m.Message)
		m.position = receipt.Position
		return err
	})
	return m, err
}

// again repeats a request that nobody answered, or a balancer instead of a node,
// or a node that could not now. A node's refusal for any other reason is final.
func (x *lbTest) again(request func() error) (err error) {
	for deadline := time.Now().Add(crashPatience); time.Now().Before(deadline); {
		if err = request(); err == nil {
			return nil
		}
		refusal := new(client.Error)
		if errors.As(err, &refusal) && refusal.Code != "unavailable" && refusal.Code != "not_caught_up" {
			return err
		}
		x.mu.Lock()
		x.why[tailOf(err.Error(), 60)]++
		x.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// check holds what every node and every session has against what was acknowledged.
func (x *lbTest) check() {
	x.t.Helper()
	for room := range lbRooms {
		var first []client.Message
		await(x.t, "one history of "+lbRoom(room)+" on all nodes", func() bool {
			first = x.on(x.group.nodes[0], room)
			return !slices.ContainsFunc(x.group.nodes[1:], func(n *groupNode) bool {
				return !slices.EqualFunc(first, x.on(n, room), func(a, b client.Message) bool { return a.ID == b.ID && a.Body == b.Body })
			})
		})
		x.checkHistory(room, first)
	}
	for _, s := range x.sessions {
		for _, body := range x.known[s.room] {
			await(x.t, fmt.Sprintf("to %s: %s", s.name, body), func() bool { return s.has(body) })
		}
	}
}

func (x *lbTest) checkHistory(room int, history []client.Message) {
	times := map[string]int{}
	for _, m := range history {
		times[m.Body]++
	}
	for _, body := range x.known[room] {
		if n := times[body]; n != 1 {
			x.t.Errorf("%s: %q was acknowledged and is there %d times", lbRoom(room), body, n)
		}
	}
}

// on reads a room as one node has it.
func (x *lbTest) on(n *groupNode, room int) []client.Message {
	x.t.Helper()
	return x.history(rest(x.t, n.url(), "reader", lbRoom(room)), room)
}

// history pages through a room.
func (x *lbTest) history(r client.REST, room int) (all []client.Message) {
	x.t.Helper()
	for before := ""; ; {
		var page struct {
			Items []client.Message
			Prev  *string
		}
		path := "/rooms/" + lbRoom(room) + "/messages?limit=200"
		if before != "" {
			path += "&before=" + before
		}
		if err := x.again(func() error { return r.Do(context.Background(), http.MethodGet, path, nil, &page) }); err != nil {
			x.t.Errorf("history of %s: %v", lbRoom(room), err)
			return all
		}
		all = append(page.Items, all...)
		if page.Prev == nil {
			return all
		}
		before = *page.Prev
	}
}

// startBalancer runs a program with the configuration that a node prints for it.
func startBalancer(t *testing.T, n *groupNode, program string) (url string) {
	t.Helper()
	listen := freeAddress(t)
	config, errs, err := n.klatch("cluster", "lb", "--listen", listen, program)
	if err != nil {
		t.Fatalf("lb: %v\n%s", err, errs)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, program+".conf")
	if program == "nginx" && os.Getuid() != 0 { // Debian's temporary directories are root's
		config = strings.Replace(config, "http {\n", fmt.Sprintf("http {\nclient_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; access_log off;\n", dir), 1)
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{
		"haproxy": {"-db", "-f", file},
		"nginx":   {"-c", file, "-p", dir, "-e", filepath.Join(dir, "errors"), "-g", "daemon off; pid " + filepath.Join(dir, "pid") + ";"},
		"caddy":   {"run", "--adapter", "caddyfile", "--config", file},
	}[program]
	var said bytes.Buffer
	cmd := exec.Command(findBalancer(t, program), args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // its workers go with it
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", program, tailOf(said.String(), 8<<10))
		}
	})
	await(t, program, func() bool {
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("%s ended: %v\n%s", program, err, said.String())
		default:
		}
		resp, err := oneShot.Get("http://" + listen + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + listen
}

func tailOf(text string, most int) string { return text[max(0, len(text)-most):] }

// findBalancer looks also where only root's PATH does.
func findBalancer(t *testing.T, program string) string {
	t.Helper()
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("this needs %s: install it (make setup does)", program)
	return ""
}
