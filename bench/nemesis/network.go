package nemesis

import (
	"context"
	"fmt"
	"net"
	"os/exec"
)

// Network carries what the nodes say to each other, and spoils it on demand.
// What clients say to nodes takes another way, which no rule touches.
// Its methods may be called by any goroutine.
type Network interface {
	Name() string
	// Site is where node i lives. Sites do not change.
	Site(i int) Site
	// Start starts a command where node i lives.
	Start(i int, cmd *exec.Cmd) error
	// Dial connects a client to an address of node i.
	Dial(ctx context.Context, i int, addr string) (net.Conn, error)
	// Set has a rule hold for all that one node sends to another, from now on.
	Set(from, to int, r Rule)
	// Close takes everything away. The nodes must have ended.
	Close() error
}

// Site is the addresses of one node, each HOST:PORT.
type Site struct {
	Public    string // --addr
	Ops       string // --ops-addr
	Bind      string // --cluster-addr
	Advertise string // --cluster-advertise: where the others find it
}

// The networks. Netns gives each node a network namespace of its own and
// forwards its packets; it needs root and Linux. Proxy forwards streams and
// datagrams between loopback addresses. Auto is netns where it can be had.
const (
	Netns = "netns"
	Proxy = "proxy"
	Auto  = "auto"
)

// OpenNetwork makes the network of a kind, with so many sites.
func OpenNetwork(kind string, sites int) (Network, error) {
	switch kind {
	case Netns:
		return openNetns(sites)
	case Proxy:
		return openProxy(sites)
	case Auto:
		if n, err := openNetns(sites); err == nil {
			return n, nil
		}
		return openProxy(sites)
	}
	return nil, fmt.Errorf("the network %q is not netns, proxy or auto", kind)
}
