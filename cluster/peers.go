package cluster

import (
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// What engine.Peers asks for; Present and Relay are in presence.go.

// lacksOwnLocked reports whether a peer has newer events of this node than its own
// disk, which has lost them then. Writing before they are back would use a seq twice.
func (c *Cluster) lacksOwnLocked() bool {
	have := c.store.Position().Seq(c.origin)
	for _, l := range c.links {
		if l.peerStatus.Load().position.Seq(c.origin) > have {
			return true
		}
	}
	return false
}

// Published implements engine.Peers.
func (c *Cluster) Published(events []*engine.Event) {
	c.tail.add(events)
	for _, l := range c.allLinks() {
		if len(l.apply) > 0 {
			l.oweStatus() // what it brought is durable now: the ack need not wait for this node's own fan-out
		} else {
			l.nudge()
		}
	}
}

// Await implements engine.Peers.
func (c *Cluster) Await(seq uint64, done func(engine.Durability, error)) { c.concern.await(seq, done) }

// Accepting implements engine.Peers.
func (c *Cluster) Accepting() error {
	if !c.concern.within() {
		return errNoMajority
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lacksOwnLocked() {
		return errLost
	}
	return nil
}

var errLost = &engine.Error{
	Code: engine.CodeUnavailable, RetryAfter: time.Second,
	Message: "this node's disk has lost events that its peers still have; it takes writes when they are back",
}

// Expects implements engine.Peers.
func (c *Cluster) Expects(o engine.Origin) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[o] != nil || c.links[o] != nil {
		return true
	}
	have := c.store.Position().Seq(o)
	return c.knownLocked().Seq(o) > have
}

// Ready implements engine.Peers.
func (c *Cluster) Ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caughtUp && !c.draining
}
