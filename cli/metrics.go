package cli

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

// newMetrics returns the registry of a node: its parts' figures, the Go
// runtime's and the process's own. members is nil where there is no cluster.
func newMetrics(st *storage.Store, e *engine.Engine, l *live, members *membership) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(currentVersion()),
		readiness(e.Ready),
		&collector[engine.Stats]{e.Stats, engineFigures},
		&collector[socket.Stats]{l.stats, socketFigures},
		socketIOSessions{l.socketIO},
		&collector[storage.Metrics]{st.Metrics, storageFigures},
		syncLatency{st},
	)
	if members != nil {
		r.MustRegister(&collector[cluster.Stats]{members.stats, clusterFigures}, clusterLinks{members.view})
	}
	return r
}

func buildInfo(v version) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "klatch_build_info",
		Help:        "Always 1; the labels say which klatch this is.",
		ConstLabels: prometheus.Labels{"version": v.Version, "revision": v.Revision, "go": v.Go},
	})
	g.Set(1)
	return g
}

func readiness(ready func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "klatch_ready",
		Help: "1 while the node wants traffic, 0 while it drains or catches up.",
	}, func() float64 { return boolean(ready()) })
}

// collector reads a part's own counters when it is asked, once a scrape, so
// that counting costs the part nothing more and it need not know Prometheus.
type collector[S any] struct {
	stats   func() S
	figures []figure[S]
}

// figure is one metric of a part.
type figure[S any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(S) float64
}

func gauge[S any](name, help string, read func(S) float64) figure[S] {
	return figure[S]{prometheus.NewDesc("klatch_"+name, help, nil, nil), prometheus.GaugeValue, read}
}

func counter[S any](name, help string, read func(S) float64) figure[S] {
	return figure[S]{prometheus.NewDesc("klatch_"+name+"_total", help, nil, nil), prometheus.CounterValue, read}
}

// Describe is prometheus.Collector's.
func (c *collector[S]) Describe(out chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		out <- f.desc
	}
}

// Collect is prometheus.Collector's.
func (c *collector[S]) Collect(out chan<- prometheus.Metric) {
	stats := c.stats()
	for _, f := range c.figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.read(stats))
	}
}

// socketIOSessions counts the clients of Socket.IO by transport.
type socketIOSessions struct{ of *realtime.SocketIO }

var socketIODesc = prometheus.NewDesc("klatch_socketio_sessions",
	"Socket.IO sessions now, by transport; one that changes it may count for both.", []string{"transport"}, nil)

// Describe is prometheus.Collector's.
func (s socketIOSessions) Describe(out chan<- *prometheus.Desc) { out <- socketIODesc }

// Collect is prometheus.Collector's.
func (s socketIOSessions) Collect(out chan<- prometheus.Metric) {
	stats := s.of.Stats()
	out <- prometheus.MustNewConstMetric(socketIODesc, prometheus.GaugeValue, float64(stats.Polling), "polling")
	out <- prometheus.MustNewConstMetric(socketIODesc, prometheus.GaugeValue, float64(stats.WebSocket), "websocket")
}

// syncLatency is the histogram of the syncs that durability waits for.
type syncLatency struct{ store *storage.Store }

var syncDesc = prometheus.NewDesc("klatch_storage_sync_seconds", "Syncs of the write-ahead log.", nil, nil)

// Describe is prometheus.Collector's.
func (l syncLatency) Describe(out chan<- *prometheus.Desc) { out <- syncDesc }

// Collect is prometheus.Collector's.
func (l syncLatency) Collect(out chan<- prometheus.Metric) {
	syncs := l.store.Metrics().Syncs
	buckets := map[float64]uint64{}
	for i, bound := range storage.LatencyBounds[:len(storage.LatencyBounds)-1] { // the last is +Inf
		buckets[bound.Seconds()] = syncs.Counts[i]
	}
	out <- prometheus.MustNewConstHistogram(syncDesc, syncs.Count, syncs.Sum.Seconds(), buckets)
}
