package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// Flush waits until a peer has everything that this node has. Without peers it returns at once.
func (c *Cluster) Flush(ctx context.Context) error {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for {
		mine, links := c.store.Position(), c.allLinks()
		if len(links) == 0 {
			return nil
		}
		for _, l := range links {
			if l.peerStatus.Load().position.Covers(mine) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no peer has all of this node's events yet: %w", ctx.Err())
		case <-t.C:
		}
	}
}

// Drain has the others know that this node takes no new traffic.
func (c *Cluster) Drain() {
	c.mu.Lock()
	c.draining = true
	c.mu.Unlock()
	for _, l := range c.allLinks() {
		l.oweStatus()
	}
}

// Leave takes this node off the member list at once. It still counts for
// majorities: it means to come back.
func (c *Cluster) Leave(ctx context.Context) error {
	if c.list == nil {
		return nil
	}
	c.mu.Lock()
	c.departed = true
	c.mu.Unlock()
	timeout := leaveTimeout
	if d, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(d))
	}
	if err := c.list.Leave(timeout); err != nil {
		return fmt.Errorf("leave the member list: %w", err)
	}
	for _, l := range c.allOpen() {
		l.fail(errClosing)
	}
	return nil
}

// Forget takes a node's seat: it no longer counts for majorities. That is for those
// that will not come back. This node itself leaves for good by it; Leave comes after.
func (c *Cluster) Forget(node string) error {
	o, err := engine.ParseOrigin(node)
	if err != nil {
		return fmt.Errorf("%q is not a node: they have 16 hexadecimal digits", node)
	}
	c.mu.Lock()
	if o != c.origin && (c.members[o] != nil || c.links[o] != nil) {
		c.mu.Unlock()
		return fmt.Errorf("node %s is alive: run `klatch cluster leave` there", o)
	}
	if err := c.roster.rise(o); err != nil {
		c.mu.Unlock()
		return err
	}
	c.unsaved, c.leaving = true, c.leaving || o == c.origin
	n := c.roster.seats()
	c.mu.Unlock()
	c.concern.members(n)
	c.tellRoster()
	c.keepRoster()
	return nil
}
