package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/klatch-chat/klatch/cluster"
)

var clusterFigures = []figure[clusterView]{
	gauge("write_concern_waiting", "Writes that wait for their write concern now.",
		func(v clusterView) float64 { return float64(v.stats.Waiting) }),
	counter("write_concern_waits", "Writes that waited for their write concern.",
		func(v clusterView) float64 { return float64(v.stats.Waits) }),
	counter("write_concern_wait_seconds", "Time that they waited, in all.",
		func(v clusterView) float64 { return v.stats.WaitTime.Seconds() }),
	counter("write_concern_degraded", "Writes acknowledged below their write concern.",
		func(v clusterView) float64 { return float64(v.stats.Degraded) }),
	counter("write_concern_refused", "Writes refused because their write concern was out of reach.",
		func(v clusterView) float64 { return float64(v.stats.Refused) }),
	counter("cluster_dropped", "Typing and signals not sent to peers, for the bound on their bytes.",
		func(v clusterView) float64 { return float64(v.stats.Dropped) }),
	counter("cluster_strangers", "Connections and packets of those who do not have the cluster key.",
		func(v clusterView) float64 { return float64(v.stats.Refusals) }),
	gauge("cluster_tunnels_dialled", "Tunnels to peers that are open, in use or idle.",
		func(v clusterView) float64 { return float64(v.stats.TunnelsDialled) }),
	gauge("cluster_tunnels_accepted", "Tunnels from peers that are open, in use or idle.",
		func(v clusterView) float64 { return float64(v.stats.TunnelsAccepted) }),
	counter("cluster_tunnels_refused", "Tunnels refused, of either way, for their bound.",
		func(v clusterView) float64 { return float64(v.stats.TunnelsRefused) }),
	counter("cluster_seeds", "Snapshots taken from a peer.",
		func(v clusterView) float64 { return float64(v.stats.Seeded) }),
	gauge("cluster_behind_seconds", "For how long this node has lacked the oldest event that it knows to be missing; 0 where nothing is.",
		func(v clusterView) float64 { return v.behind().Seconds() }),
	gauges("cluster_members", "Members by state, as this node sees them, itself included.", []string{"state"},
		func(v clusterView, each series) {
			for _, state := range memberStates {
				each(float64(v.stats.Members[state]), string(state))
			}
		}),
	gauges("link_up", "1 while the link to a peer is up.", []string{"peer"},
		func(v clusterView, each series) {
			for _, m := range fewPeers(v.peers) {
				each(boolean(slices.ContainsFunc(v.stats.Links, func(l cluster.LinkStats) bool { return l.Peer == m.Node })), m.Node)
			}
		}),
	gauges("peer_behind_events", "Events that a peer lacks of what this node has, when last told.", []string{"peer"},
		func(v clusterView, each series) {
			for _, m := range fewPeers(v.peers) {
				each(float64(m.Behind), m.Node)
			}
		}),
	gauges("peer_ahead_events", "Events that this node lacks of what a peer has.", []string{"peer"},
		func(v clusterView, each series) {
			for _, m := range fewPeers(v.peers) {
				each(float64(m.Ahead), m.Node)
			}
		}),
	counters("link_bytes", "Bytes over the link to a peer.", []string{"peer", "direction"},
		bothWays(func(l cluster.LinkStats) (sent, received uint64) { return l.BytesSent, l.BytesReceived })),
	counters("link_events", "Events over the link to a peer.", []string{"peer", "direction"},
		bothWays(func(l cluster.LinkStats) (sent, received uint64) { return l.EventsSent, l.EventsReceived })),
	gauges("link_in_flight_bytes", "Bytes of events sent to a peer and not acknowledged yet.", []string{"peer"},
		func(v clusterView, each series) {
			for _, l := range fewLinks(v.stats.Links) {
				each(float64(l.InFlight), l.Peer)
			}
		}),
	gauges("link_round_trip_seconds", "Round trip to a peer.", []string{"peer"},
		func(v clusterView, each series) {
			for _, l := range fewLinks(v.stats.Links) {
				each(l.RoundTrip.Seconds(), l.Peer)
			}
		}),
	gauges("cluster_lag_events", "Events of an origin that are known to be missing here; no series where nothing is.", []string{"origin"},
		func(v clusterView, each series) {
			for _, o := range fewOrigins(v.stats.Origins) {
				each(float64(o.Events), o.Origin)
			}
		}),
	gauges("cluster_lag_seconds", "For how long the oldest of them has been known to be missing.", []string{"origin"},
		func(v clusterView, each series) {
			for _, o := range fewOrigins(v.stats.Origins) {
				each(o.Age.Seconds(), o.Origin)
			}
		}),
}

// clusterView is a cluster at one moment.
type clusterView struct {
	stats cluster.Stats
	peers []cluster.Member // all members but this node
}

// view is empty until the node has joined.
func (m *membership) view() (v clusterView) {
	if m.hasJoined() {
		v = clusterView{m.Stats(), m.Members()[1:]}
	}
	return v
}

// behind is the longest that any origin's events have been missing.
func (v clusterView) behind() (longest time.Duration) {
	for _, o := range v.stats.Origins {
		longest = max(longest, o.Age)
	}
	return longest
}

// bothWays has two series for each link.
func bothWays(read func(cluster.LinkStats) (sent, received uint64)) func(clusterView, series) {
	return func(v clusterView, each series) {
		for _, l := range fewLinks(v.stats.Links) {
			sent, received := read(l)
			each(float64(sent), l.Peer, "sent")
			each(float64(received), l.Peer, "received")
		}
	}
}

var memberStates = []cluster.State{
	cluster.StateSelf, cluster.StateAlive, cluster.StateJoining, cluster.StateSuspect, cluster.StateLeaving, cluster.StateLeft, cluster.StateDead,
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
