package nemesis

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// gate is what stands before one node of a proxy: a port for streams and datagrams.
type gate struct {
	proxy   *proxy
	node    int
	addr    netip.AddrPort // of the gate
	target  netip.AddrPort // of the node
	streams net.Listener
	packets *net.UDPConn

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu    sync.Mutex
	lanes map[int]*lane // of datagrams, by who sends
}

// openGate listens on one port for both, and takes the node's port at the same number.
func openGate(p *proxy, node int) (g *gate, err error) {
	g = &gate{proxy: p, node: node, lanes: map[int]*lane{}}
	host := gatesPrefix + strconv.Itoa(node+1)
	if g.streams, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
		return nil, err
	}
	g.addr = g.streams.Addr().(*net.TCPAddr).AddrPort()
	if g.packets, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(g.addr)); err != nil {
		return nil, errors.Join(err, g.streams.Close())
	}
	g.target = netip.AddrPortFrom(netip.MustParseAddr(nodesPrefix+strconv.Itoa(node+1)), g.addr.Port())
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.done.Go(g.accept)
	g.done.Go(g.receive)
	return g, nil
}

func (g *gate) close() error {
	g.cancel()
	err := errors.Join(g.streams.Close(), g.packets.Close())
	g.done.Wait()
	for _, l := range g.lanes {
		l.close()
	}
	return err
}

func (g *gate) accept() {
	for {
		c, err := g.streams.Accept()
		if err != nil {
			return
		}
		g.done.Go(func() { g.carry(c) })
	}
}

// carry joins a caller with the node. A call through a cut is never answered,
// as one whose first packet is lost; it is let go when the gate closes or the way opens.
func (g *gate) carry(caller net.Conn) {
	defer caller.Close()
	from, ok := g.proxy.caller(caller.RemoteAddr())
	if !ok {
		return
	}
	there, back := g.proxy.ways[from][g.node], g.proxy.ways[g.node][from]
	if !there.pass(g.ctx.Done()) || !back.pass(g.ctx.Done()) {
		return
	}
	node, err := (&net.Dialer{LocalAddr: g.callback(from)}).DialContext(g.ctx, "tcp", g.target.String())
	if err != nil {
		return
	}
	defer node.Close()
	stop := context.AfterFunc(g.ctx, func() { _ = caller.Close(); _ = node.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { carryStream(g.ctx, caller, node, there) })
	both.Go(func() { carryStream(g.ctx, node, caller, back) })
	both.Wait()
}

// callback is where calls of a node seem to come from: from its gate, as its datagrams do.
func (g *gate) callback(from int) net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(gatesPrefix + strconv.Itoa(from+1))}
}

// receive passes on datagrams. They leave from the caller's own gate, so that
// answers to where they came from come back to one.
func (g *gate) receive() {
	b := make([]byte, 64<<10)
	for {
		n, from, err := g.packets.ReadFromUDPAddrPort(b)
		if err != nil {
			if g.ctx.Err() != nil {
				return
			}
			continue // a port unreachable of an earlier one
		}
		if caller, ok := g.proxy.caller(net.UDPAddrFromAddrPort(from)); ok {
			l := g.lane(caller)
			r, _ := g.proxy.ways[caller][g.node].get()
			l.set(r)
			l.send(b[:n])
		}
	}
}

func (g *gate) lane(caller int) *lane {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lanes[caller] == nil {
		g.lanes[caller] = newLane(func(p []byte) {
			_, _ = g.proxy.gates[caller].packets.WriteToUDPAddrPort(p, g.target)
		})
	}
	return g.lanes[caller]
}
