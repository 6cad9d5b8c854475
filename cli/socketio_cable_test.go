package cli_test

import (
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// cable is one person's network, which can be cut while that of others is not.
type cable struct {
	net.Listener
	server *httptest.Server

	mu     sync.Mutex
	broken bool
	conns  []net.Conn // all that there ever were
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	node, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{server: httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(node) }, FlushInterval: -1,
	})}
	c.Listener, c.server.Listener = c.server.Listener, c
	c.server.Start()
	t.Cleanup(func() { c.cut(); c.server.Close() })
	return c
}

func (c *cable) url() string { return c.server.URL }

// Accept implements net.Listener.
func (c *cable) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil || c.enter(conn) {
			return conn, err
		}
		conn.Close()
	}
}

func (c *cable) enter(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.broken {
		c.conns = append(c.conns, conn)
	}
	return !c.broken
}

// cut ends all connections and lets no more in, until mend.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = false
}
