package cli_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"
)

// rounds is a load balancer as far from stickiness as can be: each request goes
// to the next node that takes connections.
type rounds struct {
	server *httptest.Server
	addrs  []string
	turn   atomic.Uint64
}

func newRounds(t *testing.T, g *group) *rounds {
	t.Helper()
	b := &rounds{}
	for _, n := range g.nodes {
		b.addrs = append(b.addrs, n.addr)
	}
	b.server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "next"
			p.SetXForwarded()
		},
		// Without kept connections each request dials, and so takes its turn.
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: b.dial},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(b.server.Close)
	return b
}

func (b *rounds) url() string { return b.server.URL }

func (b *rounds) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var all error
	for range b.addrs {
		addr := b.addrs[b.turn.Add(1)%uint64(len(b.addrs))]
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c, nil
		}
		all = errors.Join(all, err)
	}
	return nil, all
}
