package engine

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Ban keeps a user or a network out.
type Ban struct {
	User      ID     `json:"user,omitzero"`
	Network   string `json:"network,omitempty"` // 203.0.113.0/24, 2001:db8::/32
	Reason    string `json:"reason"`
	CreatedAt Time   `json:"created_at"`
	Until     Time   `json:"until,omitzero"` // zero: for ever
	By        ID     `json:"by,omitzero"`    // zero: the operator
}

// holds tells whether the ban has not ended by itself.
func (b *Ban) holds(now time.Time) bool { return b.Until == 0 || now.UnixMilli() < int64(b.Until) }

// refusal is what who is banned hears.
func (b *Ban) refusal(what string) *Error {
	text := what + " is banned"
	if b.Until != 0 {
		text += " until " + b.Until.Std().Format(time.RFC3339)
	}
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	return &Error{Code: CodeForbidden, Message: text}
}

// compareBans puts users before networks, each in order.
func compareBans(a, b Ban) int {
	if (a.Network == "") != (b.Network == "") {
		return cmp.Compare(a.Network, b.Network)
	}
	x, y := networkOf(a.Network), networkOf(b.Network)
	return cmp.Or(a.User.Compare(b.User), x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
}

// networkOf reads the Network of a Ban; what cannot be read is invalid.
func networkOf(s string) netip.Prefix {
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() {
		return netip.Prefix{}
	}
	return p
}

// parseNetwork reads what people write: a prefix or an address.
func parseNetwork(s string) (p netip.Prefix, err error) {
	if a, aerr := netip.ParseAddr(s); aerr == nil {
		p = netip.PrefixFrom(a.WithZone(""), a.BitLen())
	} else if p, err = netip.ParsePrefix(s); err != nil {
		return p, invalidField("network", "malformed", "network must be an address or a prefix, like 203.0.113.0/24")
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return p, invalidField("network", "malformed", "network must not hold all of IPv4 in IPv6")
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// bans are all that were not lifted, in memory: they are asked for at every request.
// The committer keeps them, before the hub publishes.
type bans struct {
	now  func() time.Time
	most int         // maxBans, but in tests
	any  atomic.Bool // of networks

	mu       sync.RWMutex
	spared   []netip.Prefix // addresses that only a ban of themselves alone refuses
	users    map[ID]Ban
	networks map[netip.Prefix]Ban
	lengths  [2][129]int // how many networks of IPv4 and IPv6 have so many bits
}

func newBans(now func() time.Time, spared []netip.Prefix) *bans {
	return &bans{now: now, spared: spared, most: maxBans}
}

// load reads all from a store.
func (s *bans) load(from Registry) error {
	list, err := from.Bans()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users, s.networks, s.lengths = map[ID]Ban{}, map[netip.Prefix]Ban{}, [2][129]int{}
	for _, b := range list {
		s.putLocked(b)
	}
	s.any.Store(len(s.networks) > 0)
	return nil
}

// set makes a ban so; lift takes it away.
func (s *bans) set(b Ban) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeLocked(b)
	s.putLocked(b)
	s.any.Store(len(s.networks) > 0)
}

func (s *bans) lift(b Ban) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeLocked(b)
	s.any.Store(len(s.networks) > 0)
}

func (s *bans) putLocked(b Ban) {
	if b.Network == "" {
		s.users[b.User] = b
		return
	}
	if p := networkOf(b.Network); p.IsValid() {
		s.networks[p] = b
		s.lengths[family(p.Addr())][p.Bits()]++
	}
}

func (s *bans) takeLocked(b Ban) {
	if b.Network == "" {
		delete(s.users, b.User)
		return
	}
	p := networkOf(b.Network)
	if _, ok := s.networks[p]; ok {
		delete(s.networks, p)
		s.lengths[family(p.Addr())][p.Bits()]--
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// ofUser returns a user's ban, if it holds.
func (s *bans) ofUser(user ID) (Ban, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.users[user]
	return b, ok && b.holds(s.now())
}

// ofAddress returns the ban of the narrowest network around an address that holds.
func (s *bans) ofAddress(a netip.Addr) (Ban, bool) {
	if !s.any.Load() || !a.IsValid() {
		return Ban{}, false
	}
	a = a.Unmap().WithZone("")
	s.mu.RLock()
	defer s.mu.RUnlock()
	now, least := s.now(), 0
	if s.sparesLocked(a) {
		least = a.BitLen()
	}
	for bits := a.BitLen(); bits >= least; bits-- {
		if s.lengths[family(a)][bits] == 0 {
			continue
		}
		p, _ := a.Prefix(bits)
		if b, ok := s.networks[p]; ok && b.holds(now) {
			return b, true
		}
	}
	return Ban{}, false
}

// spare says which addresses only a ban of themselves alone refuses, beside loopback's.
func (s *bans) spare(networks []netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spared = networks
}

func (s *bans) sparesLocked(a netip.Addr) bool {
	return a.IsLoopback() || slices.ContainsFunc(s.spared, func(p netip.Prefix) bool { return p.Contains(a) })
}

// list returns those that hold.
func (s *bans) list() []Ban {
	now := s.now()
	all := []Ban{}
	s.mu.RLock()
	for _, b := range s.users {
		all = append(all, b)
	}
	for _, b := range s.networks {
		all = append(all, b)
	}
	s.mu.RUnlock()
	all = slices.DeleteFunc(all, func(b Ban) bool { return !b.holds(now) })
	slices.SortFunc(all, compareBans)
	return all
}

// full tells whether there are as many as may be of users or of networks, ended ones too.
func (s *bans) full(of Ban) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if of.Network == "" {
		return len(s.users) >= s.most
	}
	return len(s.networks) >= s.most
}

// ended returns at most most bans that have ended by themselves.
func (s *bans) ended(most int) (list []Ban) {
	now := s.now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.users {
		if len(list) < most && !b.holds(now) {
			list = append(list, b)
		}
	}
	for _, b := range s.networks {
		if len(list) < most && !b.holds(now) {
			list = append(list, b)
		}
	}
	return list
}

var errTooManyBans = &Error{Code: CodeConflict, Message: fmt.Sprintf("there are %d bans of users, or of networks, already; lift some first", maxBans)}
