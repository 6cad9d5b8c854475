package realtime

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// Config is what a Handler needs. Engine and Sockets must be set; the rest has
// defaults.
type Config struct {
	Engine  *engine.Engine
	Sockets *socket.Server
	Logger  *slog.Logger // default: none

	// CheckOrigin reports whether a request may use the session cookie: whether
	// the page that sent it is ours. Default: its Origin is the request's host,
	// or it has none and so is no browser's.
	CheckOrigin func(*http.Request) bool

	// Admit decides about a request before it becomes a connection; release is
	// called when that has ended. Default: all are admitted.
	Admit func(*http.Request) (release func(), err *engine.Error)

	MaxUserConnections int           // of one user on this node, 100
	HandshakeTimeout   time.Duration // until hello, 10 s
	ResumeTimeout      time.Duration // for catching up, 5 min
	WriteTimeout       time.Duration // for one frame's write, 10 s
	CheckpointEvery    time.Duration // 25 s; silent clients get theirs with the socket's heartbeat

	Now func() time.Time // default time.Now
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.MaxUserConnections = cmp.Or(c.MaxUserConnections, 100)
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, 10*time.Second)
	c.ResumeTimeout = cmp.Or(c.ResumeTimeout, 5*time.Minute)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.CheckpointEvery = cmp.Or(c.CheckpointEvery, 25*time.Second)
	if c.CheckOrigin == nil {
		c.CheckOrigin = sameOrigin
	}
	if c.Admit == nil {
		c.Admit = func(*http.Request) (func(), *engine.Error) { return func() {}, nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// Handler serves GET /api/v1/ws. Its connections are the socket server's: they
// end when that is closed, which must be before the engine is.
type Handler struct {
	config   Config
	engine   *engine.Engine
	users    userCounter
	failures failures
	gate     *socket.Gate // of the openings
}

// Sessions that open side by side: for each processor so many that none idles
// while some wait for the disk. One takes under a millisecond of work; what
// takes longer than the place is lent for waits for its client.
const (
	openingsPerProcessor = 8
	openingLent          = 50 * time.Millisecond
)

// New returns a handler.
func New(c Config) *Handler {
	c = c.withDefaults()
	return &Handler{
		config: c, engine: c.Engine, users: userCounter{most: c.MaxUserConnections}, failures: newFailures(),
		gate: socket.NewGate(openingsPerProcessor*runtime.GOMAXPROCS(0), openingLent),
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.engine.Ready() {
		writeProblem(w, http.StatusServiceUnavailable, engine.ErrUnavailable)
		return
	}
	release, refusal := h.admit(r)
	if refusal != nil {
		writeProblem(w, statusOf(refusal.Code), refusal)
		return
	}
	c := newWebSocket(h, r, release)
	conn, err := h.config.Sockets.Accept(w, r, socket.Accept{
		Subprotocols: []string{SubprotocolJSON, SubprotocolCBOR},
		Handler:      c,
		Origin:       anyOrigin,
		Refuse:       refuseHandshake,
	})
	if err != nil {
		release()
		return
	}
	c.expectHello(conn)
}

// admit decides about a request by where it comes from, before anything of it is believed.
func (h *Handler) admit(r *http.Request) (release func(), refusal *engine.Error) {
	if err := h.engine.AdmitAddress(addressOf(r.RemoteAddr)); err != nil {
		return nil, engine.AsError(err)
	}
	return h.config.Admit(r)
}

// addressOf is a client's address, invalid for what has none.
func addressOf(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote)
	return at.Addr().Unmap().WithZone("")
}

// anyOrigin lets pages of other sites connect: with a token in hello they have
// been given one, and the cookie is not read for them.
func anyOrigin(*http.Request, string) bool { return true }

// sessionName is what a session is called in the log: the id of the request that
// opened it, which a proxy may have given. It opens nothing, as a token or an
// Engine.IO session id would. A copy: the value may be a part of the whole header's
// bytes, which would stay as long as the session.
func sessionName(header http.Header) string { return strings.Clone(header.Get("X-Request-Id")) }

// offeredToken is what the request brings, for a hello without a token.
func (h *Handler) offeredToken(r *http.Request) string {
	return tokenIn(r.Header, h.config.CheckOrigin(r))
}

// tokenIn finds a token in the header of a request, if need be and allowed in its cookies.
func tokenIn(header http.Header, cookies bool) string {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && token != "" {
		return strings.TrimSpace(token)
	}
	if !cookies {
		return ""
	}
	cookie, err := (&http.Request{Header: header}).Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}
