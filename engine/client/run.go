package client

import (
	"errors"
	"math/rand/v2"
	"time"
)

// run is the life of a client: it reads one connection after the other.
func (c *Client) run(l *link) {
	defer close(c.done)
	defer c.workers.Wait()
	for attempt := 0; l != nil; {
		began := time.Now()
		end := l.run()
		c.detach(l, end)
		c.cfg.OnDisconnect(end)
		if end.final() || !c.wasOpened() {
			c.finish(end)
			break
		}
		if time.Since(began) > c.cfg.Backoff.Max {
			attempt = 0 // it held: what ends it now is something new
		}
		l, attempt = c.reconnect(attempt)
	}
	c.finish(ErrClosed)
	c.cancel()
}

// wasOpened reports whether there has ever been a session: without one Dial fails.
func (c *Client) wasOpened() bool {
	select {
	case <-c.opened:
		return true
	default:
		return false
	}
}

// reconnect tries until there is a connection; nil when the client is closed.
func (c *Client) reconnect(attempt int) (*link, int) {
	least := time.Duration(0)
	for {
		if !c.sleep(max(least, c.cfg.Backoff.wait(attempt))) {
			return nil, attempt
		}
		attempt++
		l, err := c.connect()
		if err == nil {
			return l, attempt
		}
		var refused *handshakeError
		if least = 0; errors.As(err, &refused) {
			least = refused.retryAfter
		}
		c.cfg.OnDisconnect(err)
	}
}

func (c *Client) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// wait is full jitter: of all ways to spread clients that lost one server, the
// one with the least work in all (M. Brooker, "Exponential Backoff And Jitter", 2015).
func (b Backoff) wait(attempt int) time.Duration {
	most := b.Max
	if attempt < 30 && b.Min<<attempt < b.Max {
		most = b.Min << attempt
	}
	return rand.N(most) + 1
}
