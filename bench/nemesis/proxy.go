package nemesis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
)

// proxy is a Network on the loopback interface. Node i binds to 127.0.1.i and
// advertises 127.0.2.i, where a gate of ours listens and passes on what comes.
// Nodes call from the address that they bind to, so that the gate knows who calls.
//
// Streams are carried as bytes, not as packets: a cut holds them back as TCP
// would and a loss delays them.
type proxy struct {
	sites  []Site
	ways   [][]*way // from, to
	gates  []*gate
	thread *thread
}

var _ Network = (*proxy)(nil)

const (
	nodesPrefix = "127.0.1."
	gatesPrefix = "127.0.2."
)

func openProxy(sites int) (_ Network, err error) {
	p := &proxy{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.thread, err = newThread(func() error { return nil }); err != nil {
		return nil, err
	}
	for from := range sites {
		p.ways = append(p.ways, nil)
		for range sites {
			p.ways[from] = append(p.ways[from], newWay())
		}
	}
	for i := range sites {
		if err := p.open(i); err != nil {
			return nil, fmt.Errorf("open the gate of node %d: %w", i, err)
		}
	}
	return p, nil
}

// open finds node i its addresses and puts a gate before it.
func (p *proxy) open(i int) error {
	host := nodesPrefix + strconv.Itoa(i+1)
	ports, err := freePorts(host, 2)
	if err != nil {
		return err
	}
	g, err := openGate(p, i)
	if err != nil {
		return err
	}
	p.gates = append(p.gates, g)
	p.sites = append(p.sites, Site{
		Public:    netip.AddrPortFrom(netip.MustParseAddr(host), ports[0]).String(),
		Ops:       netip.AddrPortFrom(netip.MustParseAddr(host), ports[1]).String(),
		Bind:      g.target.String(),
		Advertise: g.addr.String(),
	})
	return nil
}

// freePorts returns ports of a host that were free a moment ago. Between nodes
// of our own they stay so: each has a host of its own.
func freePorts(host string, n int) (ports []uint16, err error) {
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).AddrPort().Port())
	}
	return ports, nil
}

func (p *proxy) Name() string    { return Proxy }
func (p *proxy) Site(i int) Site { return p.sites[i] }

func (p *proxy) Start(_ int, cmd *exec.Cmd) error {
	dieWithUs(cmd)
	return p.thread.do(cmd.Start)
}

func (p *proxy) Dial(ctx context.Context, _ int, addr string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
}

func (p *proxy) Set(from, to int, r Rule) { p.ways[from][to].set(r) }

func (p *proxy) Close() error {
	var errs []error
	for _, g := range p.gates {
		errs = append(errs, g.close())
	}
	if p.thread != nil {
		p.thread.close()
	}
	return errors.Join(errs...)
}

// caller is the node that has an address; of a stranger it is false.
func (p *proxy) caller(addr net.Addr) (int, bool) {
	a, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, false
	}
	for i := range p.ways {
		if a.Addr().Unmap() == netip.MustParseAddr(nodesPrefix+strconv.Itoa(i+1)) {
			return i, true
		}
	}
	return 0, false
}
