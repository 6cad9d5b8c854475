package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientOf returns the address that a request comes from, and whether a
// trusted proxy brought it. The address is invalid for what has none.
func (s *server) clientOf(r *http.Request) (client netip.Addr, proxied bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	client = peer.Addr().Unmap().WithZone("")
	if !s.trusts(client) {
		return client, false
	}
	if headers := r.Header["X-Forwarded-For"]; len(headers) > 0 {
		return s.forwardedFor(client, headers), true
	}
	return client, true
}

// forwardedFor walks the chain from the nearest hop outwards. The first that is
// no trusted proxy is the client: what stands before it, it may have made up.
func (s *server) forwardedFor(peer netip.Addr, headers []string) netip.Addr {
	for _, hop := range slices.Backward(strings.Split(strings.Join(headers, ","), ",")) {
		addr, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			return peer
		}
		if peer = addr; !s.trusts(peer) {
			return peer
		}
	}
	return peer
}

// parseHop reads an address, with or without a port, as proxies write both.
func parseHop(hop string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(strings.Trim(hop, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(hop)
		return withPort.Addr().Unmap().WithZone(""), err
	}
	return addr.Unmap().WithZone(""), nil
}

func (s *server) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.tuned.Load().TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// forwardedTLS reports whether the first proxy of a trusted chain was spoken to by TLS.
func forwardedTLS(r *http.Request) bool {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https")
}

// network is what a limit by address counts: one IPv6 customer has at least 64 bits of addresses.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Prefix for no address
	return p
}
