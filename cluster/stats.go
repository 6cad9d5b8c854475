package cluster

import (
	"cmp"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/klatch-chat/klatch/engine"
)

// State is what a node knows of a member.
type State string

// The states of a member.
const (
	StateSelf    State = "self"
	StateAlive   State = "alive"   // linked
	StateJoining State = "joining" // gossiped with, not linked
	StateSuspect State = "suspect" // does not answer
	StateDead    State = "dead"    // counts for majorities until it is forgotten
	StateLeft    State = "left"    // stopped in good order, and counts likewise
	StateLeaving State = "leaving" // drains: takes no new traffic
)

// Member is a node of the cluster as this one sees it.
type Member struct {
	Node        string    `json:"node"` // its origin
	State       State     `json:"state"`
	Address     string    `json:"address"` // gossip and links
	Public      string    `json:"public"`  // HTTP and WebSocket, for load balancers
	Version     string    `json:"version"`
	Ready       bool      `json:"ready"`
	Connections int       `json:"connections"`
	Behind      uint64    `json:"behind"` // events that it lacks of what this node has
	Ahead       uint64    `json:"ahead"`  // events that this node lacks of what it has
	Since       time.Time `json:"since"`  // of the link, or of the membership where there is none
}

// Stats are the counters of a cluster node since it was opened, and its present state.
type Stats struct {
	Members  map[State]int // self included
	Links    []LinkStats
	Origins  []OriginStats // of those that something is missing of
	Concern  engine.Durability
	Waiting  int           // writes that wait for their concern now
	Waits    uint64        // writes that had to wait
	WaitTime time.Duration // that they did, in all
	Degraded uint64        // writes answered below their concern
	Refused  uint64        // writes refused because their concern was out of reach
	Dropped  uint64        // typing and signals not sent, for their bound
	Refusals uint64        // connections and packets of strangers
	Seeded   uint64        // snapshots taken

	TunnelsDialled, TunnelsAccepted int    // open now
	TunnelsRefused                  uint64 // dialled or accepted past the bound
}

// LinkStats are those of the link to one peer.
type LinkStats struct {
	Peer                       string // its origin
	BytesSent, BytesReceived   uint64
	EventsSent, EventsReceived uint64
	InFlight                   int // bytes of events sent and not yet acknowledged
	RoundTrip                  time.Duration
}

// OriginStats tell how far behind this node is with one origin.
type OriginStats struct {
	Origin string
	Events uint64        // known to be missing here
	Age    time.Duration // since something of it has been known to be missing
}

// Members lists this node, then all others that belong to the cluster, in order of name.
func (c *Cluster) Members() []Member {
	suspects := c.suspects()
	mine, sessions := c.store.Position(), c.engine.Stats().Sessions
	c.mu.Lock()
	defer c.mu.Unlock()
	self := Member{
		Node: c.origin.String(), State: StateSelf, Address: c.Addr(), Public: publicAddr(c.cfg.Public, c.Addr()), Version: c.cfg.Version,
		Ready: c.caughtUp && !c.draining, Connections: sessions, Since: c.begun,
	}
	if c.draining {
		self.State = StateLeaving
	}
	var others []Member
	for o, s := range c.roster {
		if o != c.origin && !s.Left {
			others = append(others, c.memberLocked(s, mine, suspects))
		}
	}
	for o, m := range c.members {
		if s, ok := c.roster[o]; !ok || s.Left {
			others = append(others, c.memberLocked(seat{Origin: o, Address: m.address, Public: m.meta.Public}, mine, suspects))
		}
	}
	slices.SortFunc(others, func(a, b Member) int { return cmp.Compare(a.Node, b.Node) })
	return append([]Member{self}, others...)
}

func (c *Cluster) memberLocked(s seat, mine engine.Position, suspects map[string]bool) Member {
	m := Member{Node: s.Origin.String(), State: StateDead, Address: s.Address, Public: publicAddr(s.Public, s.Address)}
	if c.parted[s.Origin] {
		m.State = StateLeft
	}
	if g := c.members[s.Origin]; g != nil {
		m.State, m.Address, m.Version, m.Since = StateJoining, g.address, g.meta.Version, g.since
		m.Public = publicAddr(g.meta.Public, g.address)
	}
	if l := c.links[s.Origin]; l != nil {
		p := l.peerStatus.Load()
		m.State, m.Version, m.Since = StateAlive, l.version, l.since
		m.Ready, m.Connections = p.Ready, p.Connections
		m.Behind, m.Ahead = mine.Behind(p.position), p.position.Behind(mine)
		if p.Draining {
			m.State = StateLeaving
		}
	}
	if suspects[m.Node] {
		m.State = StateSuspect
	}
	return m
}

// suspects asks memberlist who does not answer.
func (c *Cluster) suspects() map[string]bool {
	all := map[string]bool{}
	if c.list == nil {
		return all
	}
	for _, n := range c.list.Members() {
		if o, _, err := parseName(n.Name); err == nil && n.State == memberlist.StateSuspect {
			all[o.String()] = true
		}
	}
	return all
}

// publicAddr completes an HTTP address whose host was left open with that of the cluster address.
func publicAddr(public, cluster string) string {
	host, port, err := net.SplitHostPort(public)
	if err != nil {
		return public
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return public
	}
	if host, _, err = net.SplitHostPort(cluster); err != nil {
		return public
	}
	return net.JoinHostPort(host, port)
}

// Stats returns the counters.
func (c *Cluster) Stats() Stats {
	s := Stats{Members: map[State]int{}, Dropped: c.dropped.Load(), Seeded: c.seeded.Load(), Refusals: c.transport.refusals()}
	for _, m := range c.Members() {
		s.Members[m.State]++
	}
	c.concern.stats(&s)
	s.TunnelsDialled, s.TunnelsAccepted, s.TunnelsRefused = c.transport.tunnels.stats()
	for _, l := range c.allLinks() {
		s.Links = append(s.Links, l.statistics())
	}
	slices.SortFunc(s.Links, func(a, b LinkStats) int { return cmp.Compare(a.Peer, b.Peer) })
	c.mu.Lock()
	defer c.mu.Unlock()
	for o, st := range c.streams {
		if st.ahead > 0 {
			s.Origins = append(s.Origins, OriginStats{o.String(), st.ahead, time.Since(st.known)})
		}
	}
	return s
}

func (c *concern) stats(s *Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Concern, s.Waiting = c.level, len(c.queue)
	s.Waits, s.WaitTime, s.Degraded, s.Refused = c.waits, c.waited, c.degraded, c.refused
}

func (l *link) statistics() LinkStats {
	l.mu.Lock()
	inFlight := l.snd.inFlight
	l.mu.Unlock()
	return LinkStats{
		Peer:      l.peer.String(),
		BytesSent: l.stats.bytesSent.Load(), BytesReceived: l.stats.bytesReceived.Load(),
		EventsSent: l.stats.eventsSent.Load(), EventsReceived: l.stats.eventsReceived.Load(),
		InFlight: inFlight, RoundTrip: l.peerStatus.Load().rtt,
	}
}
