package client

import (
	"cmp"
	"context"
	"net/url"
	"sync"
)

// Client is a connection that is made again whenever it ends. Its methods may
// be called by any goroutine.
type Client struct {
	// Fixed by Dial.
	cfg    Config
	url    *url.URL
	codec  *codec
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	opened chan struct{} // closes with the first ready
	done   chan struct{} // closes when the reading goroutine has ended

	workers sync.WaitGroup // resends
	sending sync.Mutex     // keeps frames in the order of their calls; comes before mu

	mu      sync.Mutex
	link    *link // the present connection, ready or not
	live    *link // where calls are sent; nil between connections
	calls   map[int64]*call
	lastRef int64
	cursor  string
	err     error // why the client has ended
}

// Dial connects and returns when the session is ready. Where the first attempt
// fails it returns why, and tries no more.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	u, err := cfg.socketURL()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, url: u, codec: codecOf(cfg.Format), cursor: cfg.Cursor, calls: map[int64]*call{},
		opened: make(chan struct{}), done: make(chan struct{}),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, c.cancel)
	first, err := c.connect()
	if err != nil {
		stop()
		c.cancel()
		return nil, cmp.Or(ctx.Err(), err)
	}
	go c.run(first)
	select {
	case <-c.opened:
	case <-c.done:
	case <-ctx.Done():
	}
	if !stop() { // ctx has ended, and c with it
		_ = c.Close()
		return nil, ctx.Err()
	}
	if !c.wasOpened() {
		return nil, c.Err()
	}
	return c, nil
}

// Close ends the session and returns when all is done. Calls without an answer fail.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.err == nil {
		c.err = ErrClosed
	}
	l := c.link
	c.mu.Unlock()
	c.cancel()
	if l != nil {
		l.leave()
	}
	<-c.done
	return nil
}

// Done closes when the client has ended: by Close, or by a close code after
// which it is of no use to come back.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the client has ended: ErrClosed or a *CloseError; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Cursor is where to resume: everything before it has been given to OnEvent.
func (c *Client) Cursor() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cursor
}

func (c *Client) setCursor(cursor string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursor = cursor
}
