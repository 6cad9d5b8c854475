package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
)

// peers are the nodes that a forwarder reaches; *cluster.Cluster is it.
type peers interface {
	// Reaches reports whether a node is a live peer.
	Reaches(engine.Origin) bool
	// Dial opens a byte stream to one; errors match cluster.ErrTooManyTunnels.
	Dial(context.Context, engine.Origin) (net.Conn, error)
}

// forwarder hands requests of a session that lives on another node to that node,
// over the cluster's tunnels, and streams back what it answers; WebSockets too.
//
//   - The owner sees the client's address as this node believed it (fromPeers).
//   - A request is sent once. What net/http would repeat on another connection
//     is a poll, whose first answer may have left the owner's queue already: sent
//     again it would bring what comes after a gap.
//   - A request that came by a tunnel is never forwarded again.
//   - Clients that do not read are cut off, so that none holds a tunnel for good.
//
// How many there are at a time is bounded by the cluster's tunnels.
type forwarder struct {
	peers     peers
	log       *slog.Logger
	transport *http.Transport
	proxy     httputil.ReverseProxy // to be copied

	ctx    context.Context // of everything forwarded; ends with close
	cancel context.CancelFunc

	mu      sync.Mutex
	closing bool
	active  sync.WaitGroup // Add under mu, never once closing
}

// Idle tunnels, which the next poll need not open. They end before the owner
// would end them: a request that is sent just then would be lost.
const (
	idleTunnelsEach = 64
	idleTunnels     = 256
	idleTunnelTime  = idlePatience / 4
)

func newForwarder(p peers, log *slog.Logger) *forwarder {
	f := &forwarder{peers: p, log: log}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.transport = &http.Transport{
		DialContext:            f.dial,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idleTunnelsEach,
		MaxIdleConns:           idleTunnels,
		IdleConnTimeout:        idleTunnelTime,
		ResponseHeaderTimeout:  writePatience,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         forwardBuffer,
		WriteBufferSize:        forwardBuffer,
	}
	f.proxy = httputil.ReverseProxy{
		Transport: f.transport, FlushInterval: -1, ErrorHandler: f.fail,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return f
}

func (f *forwarder) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	owner, err := engine.ParseOrigin(host)
	if err != nil {
		return nil, err
	}
	return f.peers.Dial(ctx, owner)
}

// forward answers a request by what the node answers that owns its session. It
// returns false, and has answered nothing, where that is no live peer or the
// request has been forwarded once. It is for engineio.Config.Forward.
func (f *forwarder) forward(w http.ResponseWriter, r *http.Request, node string) bool {
	owner, err := engine.ParseOrigin(node)
	if err != nil || isForwarded(r) || !f.peers.Reaches(owner) || !f.enter() {
		return false
	}
	defer f.active.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()

	proxy := f.proxy
	proxy.Rewrite = func(p *httputil.ProxyRequest) { address(p, owner) }
	proxy.ModifyResponse = func(answer *http.Response) error {
		// The owner's word takes the place of what stands here already.
		for name := range answer.Header {
			w.Header().Del(name)
		}
		return nil
	}
	proxy.ServeHTTP(&forwardWriter{ResponseWriter: w, ctx: ctx}, r.WithContext(ctx))
	return true
}

// address makes the owner's request of the client's. X-Forwarded-For stays
// behind (httputil drops it): this node has judged it, and the owner must not again.
func address(p *httputil.ProxyRequest, owner engine.Origin) {
	p.Out.URL.Scheme, p.Out.URL.Host = "http", owner.String()
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if said, ok := p.In.Header[name]; ok {
			p.Out.Header[name] = said
		}
	}
	if p.In.TLS != nil {
		p.Out.Header.Set("X-Forwarded-Proto", "https")
	}
	p.Out.Header.Set(clientHeader, p.In.RemoteAddr)
	if p.Out.Body == nil {
		p.Out.Body = sentOnce{}
	}
}

// sentOnce is an empty body that net/http takes for one it cannot send again.
type sentOnce struct{}

func (sentOnce) Read([]byte) (int, error) { return 0, io.EOF }
func (sentOnce) Close() error             { return nil }

// Engine.IO's own words for a session that is not there: its clients make a new one at once.
const sessionUnknown = `{"code":1,"message":"Session ID unknown"}`

// fail answers for an owner that did not. Its session is lost to the client: an
// answer may have been.
func (f *forwarder) fail(w http.ResponseWriter, r *http.Request, err error) {
	f.log.Debug("could not forward a request", "request", r.Header.Get("X-Request-Id"), "node", r.URL.Host, "err", err)
	if errors.Is(err, cluster.ErrTooManyTunnels) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "this node has all the tunnels to others that it can bear", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, sessionUnknown) // to a client that may have gone
}

func (f *forwarder) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closing {
		f.active.Add(1)
	}
	return !f.closing
}

// close cuts off what is being forwarded and waits for it until ctx ends.
func (f *forwarder) close(ctx context.Context) {
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.cancel()
	done := make(chan struct{})
	go func() { defer close(done); f.active.Wait() }()
	select {
	case <-done:
	case <-ctx.Done(): // the rest ends with the server whose requests they are
	}
	f.transport.CloseIdleConnections()
}

// clientHeader brings the owner what the first node took for the client's
// address. It means that only on a tunnel: on the public address it is whatever a client says.
const clientHeader = "Klatch-Client"

type forwardedKey struct{}

func isForwarded(r *http.Request) bool { return r.Context().Value(forwardedKey{}) != nil }

// fromPeers is what a node answers to requests that others forwarded: those of
// long-polling and WebSocket sessions. To the handler the client is who the first node
// took for it; proxies before that have been judged there.
func fromPeers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, longPolls) {
			http.NotFound(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), forwardedKey{}, true))
		r.RemoteAddr = r.Header.Get(clientHeader)
		r.Header.Del(clientHeader)
		h.ServeHTTP(w, r)
	})
}
