package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/cluster"
)

var clusterFigures = []figure[cluster.Stats]{
	gauge("write_concern_waiting", "Writes that wait for their write concern now.",
		func(s cluster.Stats) float64 { return float64(s.Waiting) }),
	counter("write_concern_waits", "Writes that waited for their write concern.",
		func(s cluster.Stats) float64 { return float64(s.Waits) }),
	counter("write_concern_wait_seconds", "Time that they waited, in all.",
		func(s cluster.Stats) float64 { return s.WaitTime.Seconds() }),
	counter("write_concern_degraded", "Writes acknowledged below their write concern.",
		func(s cluster.Stats) float64 { return float64(s.Degraded) }),
	counter("write_concern_refused", "Writes refused because their write concern was out of reach.",
		func(s cluster.Stats) float64 { return float64(s.Refused) }),
	counter("cluster_dropped", "Typing and signals not sent to peers, for the bound on their bytes.",
		func(s cluster.Stats) float64 { return float64(s.Dropped) }),
	counter("cluster_strangers", "Connections and packets of those who do not have the cluster key.",
		func(s cluster.Stats) float64 { return float64(s.Refusals) }),
	gauge("cluster_tunnels_dialled", "Tunnels to peers that are open, in use or idle.",
		func(s cluster.Stats) float64 { return float64(s.TunnelsDialled) }),
	gauge("cluster_tunnels_accepted", "Tunnels from peers that are open, in use or idle.",
		func(s cluster.Stats) float64 { return float64(s.TunnelsAccepted) }),
	counter("cluster_tunnels_refused", "Tunnels refused, of either way, for their bound.",
		func(s cluster.Stats) float64 { return float64(s.TunnelsRefused) }),
	counter("cluster_seeds", "Snapshots taken from a peer.",
		func(s cluster.Stats) float64 { return float64(s.Seeded) }),
}

// clusterView is a cluster at one moment.
type clusterView struct {
	stats cluster.Stats
	peers []cluster.Member // all members but this node
}

// stats are zero until the node has joined.
func (m *membership) stats() (s cluster.Stats) {
	if m.hasJoined() {
		s = m.Stats()
	}
	return s
}

func (m *membership) view() (v clusterView) {
	if m.hasJoined() {
		v = clusterView{m.Stats(), m.Members()[1:]}
	}
	return v
}

// clusterLinks are the figures that there are one of for each state, peer or origin.
type clusterLinks struct{ view func() clusterView }

func clusterDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("klatch_"+name, help, labels, nil)
}

var (
	membersDesc = clusterDesc("cluster_members", "Members by state, as this node sees them, itself included.", "state")
	linkUp      = clusterDesc("link_up", "1 while the link to a peer is up.", "peer")
	linkBytes   = clusterDesc("link_bytes_total", "Bytes over the link to a peer.", "peer", "direction")
	linkEvents  = clusterDesc("link_events_total", "Events over the link to a peer.", "peer", "direction")
	linkFlight  = clusterDesc("link_in_flight_bytes", "Bytes of events sent to a peer and not acknowledged yet.", "peer")
	linkTrip    = clusterDesc("link_round_trip_seconds", "Round trip to a peer.", "peer")
	lagEvents   = clusterDesc("cluster_lag_events", "Events of an origin that are known to be missing here.", "origin")
	lagSeconds  = clusterDesc("cluster_lag_seconds", "For how long the oldest of them has been known to be missing.", "origin")
)

var memberStates = []cluster.State{
	cluster.StateSelf, cluster.StateAlive, cluster.StateJoining, cluster.StateSuspect, cluster.StateLeaving, cluster.StateLeft, cluster.StateDead,
}

// Describe is prometheus.Collector's.
func (clusterLinks) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{membersDesc, linkUp, linkBytes, linkEvents, linkFlight, linkTrip, lagEvents, lagSeconds} {
		out <- d
	}
}

// Collect is prometheus.Collector's.
func (c clusterLinks) Collect(out chan<- prometheus.Metric) {
	view := c.view()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for _, state := range memberStates {
		gauge(membersDesc, float64(view.stats.Members[state]), string(state))
	}
	links := fewLinks(view.stats.Links)
	for _, m := range fewPeers(view.peers) {
		gauge(linkUp, boolean(slices.ContainsFunc(view.stats.Links, func(l cluster.LinkStats) bool { return l.Peer == m.Node })), m.Node)
	}
	for _, l := range links {
		gauge(linkFlight, float64(l.InFlight), l.Peer)
		gauge(linkTrip, l.RoundTrip.Seconds(), l.Peer)
		count(linkBytes, l.BytesSent, l.Peer, "sent")
		count(linkBytes, l.BytesReceived, l.Peer, "received")
		count(linkEvents, l.EventsSent, l.Peer, "sent")
		count(linkEvents, l.EventsReceived, l.Peer, "received")
	}
	for _, o := range fewOrigins(view.stats.Origins) {
		gauge(lagEvents, float64(o.Events), o.Origin)
		gauge(lagSeconds, o.Age.Seconds(), o.Origin)
	}
}

// maxLabels bounds the values of one label: every node there has ever been is an
// origin, and a database of metrics keeps each for weeks.
const maxLabels = 64

// otherLabel stands for all beyond maxLabels.
const otherLabel = "others"

// fewPeers and fewLinks keep the first in order of their ids, so that each stays
// what it is. More links than that are no cluster for full replication.
func fewPeers(peers []cluster.Member) []cluster.Member { return peers[:min(len(peers), maxLabels)] }

func fewLinks(links []cluster.LinkStats) []cluster.LinkStats {
	return links[:min(len(links), maxLabels)]
}

// fewOrigins keeps those that this node lacks most of, and sums up the rest.
func fewOrigins(origins []cluster.OriginStats) []cluster.OriginStats {
	origins = slices.SortedFunc(slices.Values(origins), func(a, b cluster.OriginStats) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Origin, b.Origin))
	})
	if len(origins) <= maxLabels {
		return origins
	}
	var events uint64
	var longest time.Duration
	for _, o := range origins[maxLabels-1:] {
		events, longest = events+o.Events, max(longest, o.Age)
	}
	return append(origins[:maxLabels-1:maxLabels-1], cluster.OriginStats{Origin: otherLabel, Events: events, Age: longest})
}
