package nemesis

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"sync/atomic"
)

// fleet is the nodes of a run and the network between them.
type fleet struct {
	network Network
	nodes   []*node
}

// openFleet starts the nodes one after the other, each joining those before it.
func openFleet(ctx context.Context, c Config) (f *fleet, err error) {
	network, err := OpenNetwork(c.Network, c.Nodes)
	if err != nil {
		return nil, err
	}
	f = &fleet{network: network}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	for i := range c.Nodes {
		n, err := newNode(i, network, c.Binary, c.Dir, serveArgs(c, network, i), []string{"KLATCH_CLUSTER_KEY=" + base64.StdEncoding.EncodeToString(key)})
		if err != nil {
			return nil, err
		}
		f.nodes = append(f.nodes, n)
	}
	for i, n := range f.nodes {
		joining := n.args
		if i == 0 {
			n.args = serveArgs(c, network, -1) // there is nobody to join yet
		}
		err := n.start(ctx)
		if n.args = joining; err != nil {
			return nil, err
		}
	}
	return f, nil
}

// serveArgs are the flags of node i, which joins all others; of -1 those of the first start of node 0.
func serveArgs(c Config, network Network, i int) []string {
	args := []string{
		"--registration", "open", "--rate-limit", "off", "--memory", "32MiB",
		"--heartbeat-interval", "2s", "--heartbeat-timeout", "2s",
	}
	if c.Nodes > 1 {
		site := network.Site(max(i, 0))
		args = append(args, "--cluster-addr", site.Bind, "--cluster-advertise", site.Advertise, "--write-concern", c.Concern)
		for j := range c.Nodes {
			if i >= 0 && j != i {
				args = append(args, "--join", network.Site(j).Advertise)
			}
		}
	}
	return append(args, c.Args...)
}

// close ends all nodes, at once, and the network.
func (f *fleet) close() error {
	var errs []error
	for _, n := range f.nodes {
		if n.alive() {
			errs = append(errs, n.kill())
		}
		n.http.CloseIdleConnections()
	}
	return errors.Join(append(errs, f.network.Close())...)
}

// any is a node that runs, at random: what a load balancer does that knows
// nothing. Where none runs it is any node.
func (f *fleet) any() *node {
	var n *node
	for _, i := range mathrand.Perm(len(f.nodes)) {
		if n = f.nodes[i]; n.running() {
			return n
		}
	}
	return n
}

// balancer connects one client to a node at random, each time anew.
type balancer struct {
	fleet *fleet
	node  atomic.Int32 // of the last connection
}

func (b *balancer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n := b.fleet.any()
	c, err := n.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", n.index, err)
	}
	b.node.Store(int32(n.index))
	return c, nil
}

// each runs do for every node at the same time.
func (f *fleet) each(do func(n *node) error) error {
	errs := make(chan error, len(f.nodes))
	for _, n := range f.nodes {
		go func() { errs <- do(n) }()
	}
	var all []error
	for range f.nodes {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}
