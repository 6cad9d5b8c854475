package cluster

import (
	"net/netip"
	"sync"
)

const (
	maxHandshakes     = 64 // at a time
	maxHandshakesHost = 32 // of these, of one host: the rest is for the others
)

// turnstile bounds the connections that have not proved the key yet.
type turnstile struct {
	mu    sync.Mutex
	all   int
	hosts map[netip.Addr]int
}

func newTurnstile() *turnstile { return &turnstile{hosts: map[netip.Addr]int{}} }

// enter reports whether one more may begin; each that may must leave.
func (t *turnstile) enter(host netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == maxHandshakes || t.hosts[host] == maxHandshakesHost {
		return false
	}
	t.all++
	t.hosts[host]++
	return true
}

func (t *turnstile) leave(host netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	t.hosts[host]--
	if t.hosts[host] == 0 {
		delete(t.hosts, host)
	}
}
