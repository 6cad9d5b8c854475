package cli

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// admission bounds the real-time connections of the node and of one address,
// whatever protocol they speak. Those of one user are counted later, when it is
// known who that is.
type admission struct {
	most int

	mu             sync.Mutex
	mostPerAddress int // 0: no limit
	open           int
	came           uint64             // since the start
	refused        refusedConnections // since the start
	addresses      map[netip.Prefix]int
}

// refusedConnections counts those for whom there was no place, by whose bound it was.
type refusedConnections struct{ node, address, user uint64 }

// admissionRetry is when it makes sense to knock again.
const admissionRetry = 5 * time.Second

func newAdmission(c Config) *admission {
	return &admission{most: c.MaxConnections, mostPerAddress: c.MaxAddressConnections, addresses: map[netip.Prefix]int{}}
}

// admit takes a place, or says why there is none. The caller gives it back with
// release, which counts once however often it is called.
func (a *admission) admit(r *http.Request) (release func(), refusal *engine.Error) {
	address := networkOf(r.RemoteAddr)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open >= a.most {
		a.refused.node++
		return nil, &engine.Error{Code: engine.CodeUnavailable, RetryAfter: admissionRetry,
			Message: "this node has all the connections it can bear"}
	}
	if a.mostPerAddress > 0 && a.addresses[address] >= a.mostPerAddress {
		a.refused.address++
		return nil, &engine.Error{Code: engine.CodeRateLimited, RetryAfter: admissionRetry,
			Message: "your address has all the connections that one may have"}
	}
	a.addresses[address]++ // also without a limit: there may be one later
	a.open++
	a.came++
	return sync.OnceFunc(func() { a.release(address) }), nil
}

// setMostPerAddress changes how many connections an address may have. Those that
// are open stay.
func (a *admission) setMostPerAddress(most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mostPerAddress = most
}

// count is how many connections there are.
func (a *admission) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.open
}

// refusals counts those who were not let in.
func (a *admission) refusals() refusedConnections {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// moves counts who came and who went.
func (a *admission) moves() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return 2*a.came - uint64(a.open)
}

func (a *admission) release(address netip.Prefix) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if a.addresses[address]--; a.addresses[address] == 0 {
		delete(a.addresses, address)
	}
}

// networkOf is what counts as one address: an IPv6 customer has at least 64
// bits of them. It is the zero Prefix for what has no address.
func networkOf(remote string) netip.Prefix {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits)
	return p
}
