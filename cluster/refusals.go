package cluster

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// refusalsTold bounds the table of what has been logged; when it is full it is forgotten.
	refusalsTold = 1024
	// The first few refusals are logged as they come, then one a minute.
	refusalBurst = 10
	refusalPause = time.Minute
)

// Reasons of refusals beside those of the handshake.
var (
	errCrowded   = errors.New("too many unfinished handshakes")
	errBadPacket = errors.New("sent a packet that is not encrypted with our cluster key")
)

var refusalReasons = []error{ErrWrongKey, ErrNotKlatch, errSilent, errBrokeOff, errCrowded, errBadPacket}

type refusal struct {
	host   netip.Addr
	reason error
}

// refusals counts strangers and logs each host and reason once, at a bounded rate.
type refusals struct {
	logger *slog.Logger
	now    func() time.Time
	count  atomic.Uint64

	mu    sync.Mutex
	told  map[refusal]struct{}
	lines int       // logged so far
	next  time.Time // no line before, once the burst is spent
}

func newRefusals(logger *slog.Logger, now func() time.Time) *refusals {
	return &refusals{logger: logger, now: now, told: map[refusal]struct{}{}}
}

// add counts one, and logs it when it is new.
func (r *refusals) add(host netip.Addr, err error) {
	total := r.count.Add(1)
	reason := refusalReason(err)
	if r.tell(refusal{host, reason}) {
		r.logger.Warn("cluster: refused a stranger", "host", host, "reason", reason, "refused", total)
	}
}

// refusalReason strips ports and details, of which strangers could make many.
func refusalReason(err error) error {
	for _, reason := range refusalReasons {
		if errors.Is(err, reason) {
			return reason
		}
	}
	return errBrokeOff
}

// tell reports whether this one is to be logged. What falls to the rate is not
// remembered, and may be logged when it comes again.
func (r *refusals) tell(x refusal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.told[x]; known {
		return false
	}
	now := r.now()
	if r.lines >= refusalBurst && now.Before(r.next) {
		return false
	}
	if len(r.told) == refusalsTold {
		clear(r.told)
	}
	r.told[x] = struct{}{}
	r.lines++
	r.next = now.Add(refusalPause)
	return true
}

// hostOf returns who is behind an address: strangers with IPv6 have whole /64s.
func hostOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return hostOfIP(tcp.AddrPort().Addr())
}

func hostOfIP(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if network, err := ip.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return ip
}
