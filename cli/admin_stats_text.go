package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klatch-chat/klatch/engine/api"
)

// statsRates are what happened between two looks.
type statsRates struct {
	over       time.Duration
	posts      float64 // a second
	events     float64
	deliveries float64
	commits    float64
	ratios     map[string]float64 // of hits, by cache; none where nothing was asked
}

// ratesSince compares two looks. Without an earlier one, or if the node was
// started anew in between, it is the time since its start.
func ratesSince(before, now *seenStats, passed time.Duration) statsRates {
	if before == nil || now.Uptime < before.Uptime || now.Node != before.Node {
		before, passed = &seenStats{}, time.Duration(now.Uptime)*time.Second
	}
	r := statsRates{over: passed, ratios: map[string]float64{}}
	if s := passed.Seconds(); s > 0 {
		r.posts = float64(now.Posts-before.Posts) / s
		r.events = float64(now.Events-before.Events) / s
		r.deliveries = float64(now.Deliveries-before.Deliveries) / s
		r.commits = float64(now.Commits-before.Commits) / s
	}
	for _, c := range now.Cache {
		was := before.cache(c.Name)
		if hits, asked := c.Hits-was.Hits, c.Hits+c.Misses-was.Hits-was.Misses; asked > 0 {
			r.ratios[c.Name] = float64(hits) / float64(asked)
		}
	}
	return r
}

func (s *seenStats) cache(name string) api.CacheStats {
	i := slices.IndexFunc(s.Cache, func(c api.CacheStats) bool { return c.Name == name })
	if i < 0 {
		return api.CacheStats{}
	}
	return s.Cache[i]
}

func (r statsRates) ratio(cache string) string {
	if v, known := r.ratios[cache]; known {
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return "-"
}

func writeStats(w io.Writer, s *seenStats) error {
	_, err := io.WriteString(w, statsText(s, ratesSince(nil, s, 0)))
	return err
}

// statsText is the whole picture.
func statsText(s *seenStats, r statsRates) string {
	var b strings.Builder
	_ = writeFields(&b, // to memory
		"node", s.Node+", klatch "+s.Version,
		"up", fmt.Sprint(time.Duration(s.Uptime)*time.Second),
		"connections", fmt.Sprintf("%d, sessions %d", s.Connections, s.Sessions),
		"rooms with sessions", fmt.Sprint(s.RoomsLive),
		"posts", rate(s.Posts, r.posts),
		"events", rate(s.Events, r.events),
		"deliveries", rate(s.Deliveries, r.deliveries),
		"commits", rate(s.Commits, r.commits),
		"commit p50, p99", quantilesText(s.CommitTime),
		"delivery p50, p99", quantilesText(s.DeliveryTime),
		"store", byteSize(s.Store.DiskBytes)+", "+s.writes(),
		"free on its disk", s.free(),
		"compactions", fmt.Sprint(s.Store.Compactions),
	)
	s.writeCaches(&b, r)
	s.writeMembers(&b)
	return b.String()
}

func (s *seenStats) writes() string {
	if s.Store.Refusing {
		return "refuses writes: see the node's log"
	}
	return "takes writes"
}

func (s *seenStats) free() string {
	if s.Store.FreeBytes == 0 {
		return "-"
	}
	return byteSize(s.Store.FreeBytes)
}

func (s *seenStats) writeCaches(w io.Writer, r statsRates) {
	if len(s.Cache) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w, []column[api.CacheStats]{
		{"CACHE", func(c *api.CacheStats) string { return c.Name }},
		{"HIT RATIO", func(c *api.CacheStats) string { return r.ratio(c.Name) }},
		{"HITS", func(c *api.CacheStats) string { return fmt.Sprint(c.Hits) }},
		{"MISSES", func(c *api.CacheStats) string { return fmt.Sprint(c.Misses) }},
		{"SIZE", func(c *api.CacheStats) string { return byteSize(c.Bytes) }},
	})
	for i := range s.Cache {
		_ = t.add(&s.Cache[i])
	}
	_ = t.end()
}

func (s *seenStats) writeMembers(w io.Writer) {
	if len(s.Cluster) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w, []column[api.PeerStats]{
		{"MEMBER", func(m *api.PeerStats) string { return m.Node }},
		{"STATE", func(m *api.PeerStats) string { return m.State }},
		{"BEHIND", func(m *api.PeerStats) string { return fmt.Sprint(m.Behind) }},
		{"AHEAD", func(m *api.PeerStats) string { return fmt.Sprint(m.Ahead) }},
	})
	members := slices.SortedFunc(slices.Values(s.Cluster), func(a, b api.PeerStats) int { return cmp.Compare(a.Node, b.Node) })
	for i := range members {
		_ = t.add(&members[i])
	}
	_ = t.end()
}

// lag is the most that any member lacks of what this node has.
func (s *seenStats) lag() (most uint64) {
	for _, m := range s.Cluster {
		most = max(most, m.Behind)
	}
	return most
}

func quantilesText(q *api.Quantiles) string {
	if q == nil {
		return "-"
	}
	return latency(q.P50) + ", " + latency(q.P99)
}

// p99 is zero where nothing was measured.
func p99(q *api.Quantiles) float64 {
	if q == nil {
		return 0
	}
	return q.P99
}

func latency(s float64) string {
	switch {
	case s <= 0:
		return "-"
	case s < 1e-3:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.1f ms", s*1e3)
	}
	return fmt.Sprintf("%.2f s", s)
}

func rate(total uint64, perSecond float64) string {
	return fmt.Sprintf("%d, %.1f/s", total, perSecond)
}

func byteSize(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
