package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/hashicorp/go-sockaddr"
)

// anyPortTries bounds the search for a port that is free for TCP and UDP alike.
const anyPortTries = 50

// openSockets listens on one address with both protocols. Port 0 finds one.
func openSockets(bind string) (*net.TCPListener, *net.UDPConn, error) {
	at, err := net.ResolveTCPAddr("tcp", bind)
	if err != nil {
		return nil, nil, fmt.Errorf("cluster address %s: %w", bind, err)
	}
	for try := 1; ; try++ {
		tcp, udp, err := openBoth(at)
		if err == nil {
			return tcp, udp, nil
		}
		taken := errors.Is(err, syscall.EADDRINUSE)
		if taken && at.Port == 0 && try < anyPortTries {
			continue
		}
		if taken {
			return nil, nil, fmt.Errorf("cluster address %s is in use, perhaps by another node: name a free one with --cluster-addr: %w", bind, err)
		}
		return nil, nil, fmt.Errorf("listen on cluster address %s: %w", bind, err)
	}
}

func openBoth(at *net.TCPAddr) (*net.TCPListener, *net.UDPConn, error) {
	tcp, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil, nil, err
	}
	port := tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: at.IP, Port: port, Zone: at.Zone})
	if err != nil {
		return nil, nil, errors.Join(err, tcp.Close())
	}
	return tcp, udp, nil
}

// advertisedAddress is where others reach the node: what the operator says,
// else the address it is bound to, else a private one of this machine.
func advertisedAddress(advertise, bind string, bound netip.AddrPort) (netip.AddrPort, error) {
	switch {
	case advertise != "":
		return resolveAdvertise(advertise, bound.Port())
	case !bound.Addr().IsUnspecified():
		return bound, nil
	}
	ip, err := privateAddress(bind)
	return netip.AddrPortFrom(ip, bound.Port()), err
}

// privateAddress finds one of this machine, with IPv4 where there is a choice,
// unless bind is an IPv6 address: one node that is bound to 0.0.0.0 shall not
// call itself by an address that another, bound to its IPv4 address, cannot reach.
func privateAddress(bind string) (netip.Addr, error) {
	all, err := sockaddr.GetPrivateInterfaces()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look for an address to advertise: %w", err)
	}
	found, others := sockaddr.FilterIfByType(all, sockaddr.TypeIPv4)
	if at, err := netip.ParseAddrPort(bind); err == nil && at.Addr().Is6() {
		found, others = others, found
	}
	for _, own := range append(found, others...) {
		at, ok := own.SockAddr.(sockaddr.IPAddr)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(*at.NetIP()); ok {
			return ip.Unmap(), nil
		}
	}
	return netip.Addr{}, errors.New("this machine has no private address to advertise to the cluster: name an address to be reached at")
}

// resolveAdvertise reads HOST or HOST:PORT, of which the port may be 0; a name is looked up once.
func resolveAdvertise(advertise string, port uint16) (netip.AddrPort, error) {
	if _, _, err := net.SplitHostPort(advertise); err != nil {
		advertise = net.JoinHostPort(advertise, "0")
	}
	at, err := net.ResolveTCPAddr("tcp", advertise)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("advertised address %s: %w", advertise, err)
	}
	ip := at.AddrPort().Addr().Unmap()
	if !ip.IsValid() || ip.IsUnspecified() {
		return netip.AddrPort{}, fmt.Errorf("advertised address %s names no host", advertise)
	}
	if at.Port != 0 {
		port = uint16(at.Port)
	}
	return netip.AddrPortFrom(ip, port), nil
}
