package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

// forwardTime is how long these tests wait for what must happen.
const forwardTime = time.Minute

// place is a node with nothing but HTTP and a cluster. It serves /socket.io/ by
// itself: sessions named ORIGIN.anything, whose owner does what the query's do says.
type place struct {
	t       *testing.T
	store   *storage.Store
	engine  *engine.Engine
	cluster *cluster.Cluster
	sockets *socket.Server
	doors   api.Handler
	forward *forwarder
	public  *listener
	tunnels *listener
	stopped bool
	other   engine.Origin // to whom it forwards what is to loop

	came    chan string   // what do asked for, when it has begun
	answers chan string   // for those who wait
	left    chan struct{} // clients that went away while they waited
	ended   chan error    // WebSockets
	open    chan *socket.Conn
}

type placeConfig struct {
	tunnels int
	trusted []netip.Prefix
}

// openPlaces starts nodes of one cluster and checks that their end leaves nothing behind.
func openPlaces(t *testing.T, configs ...placeConfig) (places []*place) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		// memberlist's end does not wait for a probe that is under way.
		await(t, "an end that leaves nothing", func() bool { return goleak.Find(before) == nil })
	})
	for _, c := range configs {
		p := &place{t: t, came: make(chan string, 64), answers: make(chan string), left: make(chan struct{}, 16), ended: make(chan error, 16), open: make(chan *socket.Conn, 16)}
		t.Cleanup(p.stop)
		p.start(c, places)
		places = append(places, p)
	}
	for _, p := range places {
		await(t, "a cluster of all", func() bool {
			for _, other := range places {
				if other != p && !p.cluster.Reaches(other.store.Origin()) {
					return false
				}
			}
			return true
		})
	}
	return places
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); !done(); <-look.C {
		if time.Since(begun) > forwardTime {
			t.Fatalf("never: %s", what)
		}
	}
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) start(c placeConfig, others []*place) {
	p.t.Helper()
	var err error
	p.store, err = storage.Open("data", storage.Options{FS: vfs.NewMem(), Memory: 8 << 20})
	p.must(err)
	config := cluster.Config{Store: p.store, Bind: "127.0.0.1:0", Tunnels: c.tunnels}
	for _, o := range others {
		config.Join = append(config.Join, o.cluster.Addr())
	}
	p.cluster, err = cluster.New(config)
	p.must(err)
	p.engine, err = engine.Open(engine.Config{Store: p.store, Peers: p.cluster})
	p.must(err)
	p.must(p.cluster.Start(context.Background(), p.engine))
	p.sockets = socket.NewServer(socket.Config{ReadLimit: 1 << 20, Logger: silent})
	p.forward = newForwarder(p.cluster, silent)
	p.doors, err = api.New(api.Config{Engine: p.engine, SocketIO: p, Tuning: api.Tuning{TrustedProxies: c.trusted}})
	p.must(err)
	p.public, err = listen("--addr", "127.0.0.1:0")
	p.must(err)
	p.public.start(newServer(p.doors, nil, silent))
	p.tunnels = tunnelListener(p.cluster.Listener())
	p.tunnels.start(newServer(fromPeers(p.doors), nil, silent))
}

// stop ends the place as a node ends, without much patience.
func (p *place) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.sockets.Close(now)
	enough, cancel := context.WithTimeout(context.Background(), forwardTime)
	defer cancel()
	p.forward.close(enough)
	p.public.stop(now)
	p.tunnels.stop(now)
	for _, end := range []func() error{p.doors.Close, p.cluster.Close, p.engine.Close, p.store.Close} {
		if err := end(); err != nil {
			p.t.Error(err)
		}
	}
}

// die is what a crash looks like to the others: its connections break, and nobody has said goodbye.
func (p *place) die() {
	p.t.Helper()
	p.must(p.cluster.Close())
}

// url is where this place is asked for what the owner of a session is to do.
func (p *place) url(owner *place, do string) string {
	return p.public.url() + "/socket.io/?EIO=4&transport=polling&sid=" + owner.sid() + "&do=" + do
}

func (p *place) sid() string { return p.store.Origin().String() + ".x" }

// ServeHTTP is the place's /socket.io/.
func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Said", p.sid())
	node, _, _ := strings.Cut(r.URL.Query().Get("sid"), ".")
	do := r.URL.Query().Get("do")
	if node == p.store.Origin().String() && do != "loop" {
		p.own(w, r, do)
		return
	}
	if do == "loop" {
		p.came <- do
		node = p.other.String()
	}
	if !p.forward.forward(w, r, node) {
		http.Error(w, "nobody there", http.StatusBadRequest)
	}
}

func (p *place) own(w http.ResponseWriter, r *http.Request, do string) {
	p.came <- do
	switch do {
	case "echo":
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	case "who":
		_ = json.NewEncoder(w).Encode(seenBy(r))
	case "wait":
		p.wait(w, r)
	case "cut":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	case "socket":
		conn, err := p.sockets.Accept(w, r, socket.Accept{Handler: placeEcho{p}})
		if err == nil {
			p.open <- conn
		}
	}
}

// wait answers in two parts, each when the test says.
func (p *place) wait(w http.ResponseWriter, r *http.Request) {
	for range 2 {
		select {
		case text := <-p.answers:
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			p.left <- struct{}{}
			return
		}
	}
}

// placeEcho sends back what comes.
type placeEcho struct{ p *place }

func (e placeEcho) Message(c *socket.Conn, binary bool, data []byte) {
	if binary {
		c.Send(socket.BinaryFrame(data))
	} else {
		c.Send(socket.TextFrame(data))
	}
}

func (placeEcho) Beat(*socket.Conn) {}

func (e placeEcho) Closed(_ *socket.Conn, code engine.CloseCode, err error) {
	e.p.ended <- fmt.Errorf("%d: %w", code, err)
}

// seen is what an owner learns of a client.
type seen struct {
	Address, Host, Query, Proto, Cookie, Encoding string
	Chain, Marks                                  []string
}

func seenBy(r *http.Request) seen {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return seen{
		Address: host, Host: r.Host, Query: r.URL.Query().Get("t"), Proto: r.Header.Get("X-Forwarded-Proto"), Cookie: r.Header.Get("Cookie"), Encoding: r.Header.Get("Accept-Encoding"),
		Chain: r.Header["X-Forwarded-For"], Marks: r.Header[clientHeader],
	}
}

func (p *place) take(what string) {
	p.t.Helper()
	if got := taken(p.t, p.came); got != what {
		p.t.Fatalf("%s came, not %s", got, what)
	}
}

func taken[T any](t *testing.T, from <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(forwardTime):
		t.Fatal("nothing came")
	}
	return got
}

// awaitTunnels waits until a place has so many that it dialled.
func (p *place) awaitTunnels(n int) {
	p.t.Helper()
	await(p.t, fmt.Sprintf("%d tunnels", n), func() bool { return p.cluster.Stats().TunnelsDialled == n })
}
