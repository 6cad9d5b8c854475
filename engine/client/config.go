package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Format is how frames are written.
type Format string

// The formats, by their subprotocols.
const (
	JSON Format = "klatch.v1.json"
	CBOR Format = "klatch.v1.cbor"
)

// Config says what to connect to. URL and Token must be set; the rest has defaults.
type Config struct {
	URL    string // of the node or of its WebSocket: http, https, ws or wss
	Token  string
	Format Format // JSON
	Cursor string // of an earlier session, to resume; empty: start now

	// OnEvent is told everything but the answers to calls, on the goroutine that
	// reads the connection: while it runs nothing more is read, so it must not wait
	// for a call of the same client, nor for Close.
	OnEvent func(Event)

	// OnDisconnect is told why a connection ended, before the next one is made.
	// It runs on the same goroutine.
	OnDisconnect func(error)

	Backoff          Backoff
	HandshakeTimeout time.Duration // for each attempt, until ready; 10 s

	Header http.Header // of the handshake
	TLS    *tls.Config
	// Dialer makes the connection; default net.Dialer.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

	ReadBuffer int // bytes, 1 KiB; frames may be larger
	ReadLimit  int // bytes of one frame, 16 MiB
	MaxPending int // calls without an answer, 1024; past it they are ErrTooMany
}

// Backoff is how long to wait before an attempt to reconnect: a random time up to
// Min, doubled with each attempt that fails, but no more than Max.
type Backoff struct {
	Min time.Duration // 250 ms
	Max time.Duration // 30 s
}

const endpoint = "/api/v1/ws"

func (c Config) withDefaults() Config {
	c.Format = cmp.Or(c.Format, JSON)
	c.Backoff.Min = cmp.Or(c.Backoff.Min, 250*time.Millisecond)
	c.Backoff.Max = max(c.Backoff.Min, cmp.Or(c.Backoff.Max, 30*time.Second))
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, 10*time.Second)
	c.ReadBuffer = cmp.Or(c.ReadBuffer, 1<<10)
	c.ReadLimit = cmp.Or(c.ReadLimit, 16<<20)
	c.MaxPending = cmp.Or(c.MaxPending, 1024)
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	if c.OnDisconnect == nil {
		c.OnDisconnect = func(error) {}
	}
	if c.Dialer == nil {
		c.Dialer = (&net.Dialer{}).DialContext
	}
	return c
}

// socketURL is the WebSocket's address.
func (c Config) socketURL() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return nil, fmt.Errorf("klatch: the URL %q is not of http, https, ws or wss", c.URL)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = endpoint
	}
	return u, nil
}

// address is what to dial.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
