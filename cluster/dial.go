package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// tunnelDialTime bounds Dial: it is between nodes that hold a link anyway.
const tunnelDialTime = 3 * time.Second

// ErrNotMember is returned for a node that is not known to live, or is this one.
var ErrNotMember = errors.New("no live member of the cluster")

// Reaches reports whether a node is a live peer, as far as gossip knows: one that can be dialled.
func (c *Cluster) Reaches(o engine.Origin) bool {
	_, ok := c.memberAt(o)
	return ok
}

// Dial opens a tunnel: a byte stream to the Listener of a live peer, over TLS 1.3
// with the cluster key proved on both sides. It ends when gossip holds the peer
// for dead. Errors match ErrNotMember (at once), ErrTooManyTunnels, ErrWrongKey,
// ErrNotKlatch (a version without tunnels, too), or are the network's or ctx's.
func (c *Cluster) Dial(ctx context.Context, o engine.Origin) (net.Conn, error) {
	t, err := c.dialTunnel(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("dial node %s: %w", o, err)
	}
	return t, nil
}

// Listener accepts the tunnels that peers dial. It is one and the same for all
// callers, and closed with the cluster.
func (c *Cluster) Listener() net.Listener { return c.transport.tunnels }

func (c *Cluster) dialTunnel(ctx context.Context, o engine.Origin) (*tunnel, error) {
	m, ok := c.memberAt(o)
	if !ok {
		return nil, ErrNotMember
	}
	ctx, cancel := context.WithTimeout(ctx, tunnelDialTime)
	defer cancel()
	name := memberName(o, m.boot)
	t, err := c.transport.dialTunnel(ctx, m.address, name)
	if err != nil {
		return nil, err
	}
	// Who has died meanwhile was dropped before the tunnel was there to be.
	if !c.isRunning(name) {
		_ = t.Close()
		return nil, ErrNotMember
	}
	return t, nil
}

// memberAt copies what is known of a live member.
func (c *Cluster) memberAt(o engine.Origin) (member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[o]
	if m == nil || c.closing {
		return member{}, false
	}
	return *m, true
}

// isRunning reports whether gossip holds a run of a node for alive.
func (c *Cluster) isRunning(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[name] != nil
}

func (t *transport) dialTunnel(ctx context.Context, addr, peer string) (*tunnel, error) {
	if err := t.tunnels.enter(outward); err != nil {
		return nil, err
	}
	session, err := t.dial(ctx, addr, tunnelALPN)
	if err != nil {
		t.tunnels.leave(outward)
		return nil, err
	}
	s, err := t.tunnels.dialled(session, peer)
	if err != nil {
		return nil, errors.Join(err, session.NetConn().Close())
	}
	return s, nil
}
