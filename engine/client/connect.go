package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/lxzan/gws"
)

// connect makes one connection, up to the WebSocket handshake.
func (c *Client) connect() (*link, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.HandshakeTimeout)
	defer cancel()
	raw, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	l := &link{client: c, sent: c.Cursor(), born: time.Now()}
	conn, resp, err := gws.NewClientFromConn(l, c.option(), raw)
	if err != nil {
		return nil, handshakeFailed(resp, err)
	}
	l.conn = conn
	return l, c.adopt(l)
}

// adopt makes l the present link, unless the client has been closed.
func (c *Client) adopt(l *link) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		l.cut()
		return c.err
	}
	c.link = l
	return nil
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	raw, err := c.cfg.Dialer(ctx, "tcp", address(c.url))
	if err != nil || c.url.Scheme == "ws" {
		return raw, err
	}
	config := c.cfg.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = c.url.Hostname()
	}
	t := tls.Client(raw, config)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return t, nil
}

func (c *Client) option() *gws.ClientOption {
	header := c.cfg.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Sec-WebSocket-Protocol", string(c.cfg.Format))
	return &gws.ClientOption{
		Addr:               c.url.String(),
		RequestHeader:      header,
		HandshakeTimeout:   c.cfg.HandshakeTimeout,
		ReadBufferSize:     c.cfg.ReadBuffer,
		ReadMaxPayloadSize: c.cfg.ReadLimit,
		ParallelGolimit:    1,
		NewSession:         func() gws.SessionStorage { return nil },
	}
}

func handshakeFailed(resp *http.Response, err error) error {
	if resp == nil {
		return err
	}
	e := &handshakeError{status: resp.StatusCode, err: err}
	if s, atoiErr := strconv.Atoi(resp.Header.Get("Retry-After")); atoiErr == nil && s > 0 {
		e.retryAfter = min(time.Duration(s)*time.Second, time.Hour)
	}
	return e
}
