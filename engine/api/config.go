package api

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// Config is what the API needs. Engine must be set; the rest has defaults.
type Config struct {
	Engine  *engine.Engine
	Logger  *slog.Logger
	Now     func() time.Time
	Version string // of the program; stands in the OpenAPI document

	Realtime http.Handler // at /api/v1/ws
	SocketIO http.Handler // at /socket.io/
	Assets   fs.FS        // the built web client: index.html at /, all else by its name

	Tuning

	// SecureCookies marks cookies Secure even when the request does not show TLS.
	SecureCookies bool
	// HSTS has every answer tell browsers to come by TLS alone from now on (RFC
	// 6797); only for a server that speaks TLS itself.
	HSTS bool
	// MaxBody bounds a request's body in bytes. Default: what the longest message may take in JSON.
	MaxBody int64
	// Memory is how many bytes of answers may be cached; zero: none are.
	Memory int64
	// Observe, if set, hears of every request after its answer, but not of Realtime's and SocketIO's.
	Observe func(Observation)
	// Figures, if set, returns those of the node, for GET /admin/stats.
	Figures func() NodeStats
}

// Tuning is what a server can be told anew while it runs.
type Tuning struct {
	// TrustedProxies are those whose X-Forwarded-For and X-Forwarded-Proto are
	// believed. What Realtime and SocketIO see as RemoteAddr is the client then.
	TrustedProxies []netip.Prefix
	// AccessLog has every request logged at level info, not only those that were refused or failed.
	AccessLog bool
	// LoginRate bounds sign-ins and registrations of one address (of an IPv6
	// network of 64 bits); zero: no limit.
	LoginRate engine.Rate
	// AccountRate bounds the sign-ins to one account, whoever tries and whether there
	// is such an account; zero: no limit.
	AccountRate engine.Rate
	// ReadRate bounds the GETs of one user, and StrangerRate the requests of one
	// address without a token that holds; zero: no limit. Unsafe requests have the engine's rate.
	ReadRate, StrangerRate engine.Rate
}

// DefaultLoginRate lets a person mistype and slows down a guesser.
var DefaultLoginRate = engine.Rate{PerSecond: 5, Burst: 20}

// DefaultAccountRate gives who guesses from many addresses 8,640 guesses a day.
var DefaultAccountRate = engine.Rate{PerSecond: 0.1, Burst: 20}

// DefaultStrangerRate lets a page with an old cookie load, and makes tokens slow to guess.
var DefaultStrangerRate = engine.Rate{PerSecond: 20, Burst: 100}

// ReadsPerWrite is how much oftener than they write users may read, by default.
const ReadsPerWrite = 10

// Observation is one answered request.
type Observation struct {
	Route    string // the path of the route table, "assets", or "" for what was not found
	Method   string // "other" for a method that HTTP does not define
	Status   int
	Duration time.Duration
	Bytes    int64 // of the answer's body
}

func (c Config) withDefaults() (Config, error) {
	if c.Engine == nil {
		return c, errors.New("api: an Engine is needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Version == "" {
		c.Version = "unknown"
	}
	if c.MaxBody == 0 {
		c.MaxBody = 4<<10 + 6*int64(c.Engine.MaxMessage()) // JSON may write a byte as \u00XX
	}
	if c.MaxBody < 0 || c.Memory < 0 {
		return c, fmt.Errorf("api: MaxBody is %d and Memory %d", c.MaxBody, c.Memory)
	}
	return c, nil
}
