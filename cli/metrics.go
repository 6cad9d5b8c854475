package cli

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

// sources are what a node's metrics are read from, once a scrape.
type sources struct {
	version  version
	ready    func() bool
	engine   func() engine.Stats
	sockets  func() socket.Stats
	realtime func() realtime.Stats
	socketIO func() realtime.SocketIOStats
	storage  func() storage.Metrics
	refused  func() refusedConnections
	cluster  func() clusterView // nil where there is none
}

// newMetrics returns the registry of a node: its parts' figures, the Go
// runtime's and the process's own. members is nil where there is no cluster.
func newMetrics(st *storage.Store, e *engine.Engine, l *live, refused func() refusedConnections, members *membership) *prometheus.Registry {
	s := sources{
		version: currentVersion(), ready: e.Ready, engine: e.Stats, sockets: l.stats, realtime: l.native.Stats,
		socketIO: l.socketIO.Stats, storage: st.Metrics, refused: refused,
	}
	if members != nil {
		s.cluster = members.view
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.register(r)
	return r
}

func (s sources) register(r prometheus.Registerer) {
	r.MustRegister(
		buildInfo(s.version),
		readiness(s.ready),
		&collector[engine.Stats]{s.engine, engineFigures},
		&collector[socket.Stats]{s.sockets, socketFigures},
		&collector[realtime.Stats]{s.realtime, realtimeFigures},
		&collector[realtime.SocketIOStats]{s.socketIO, socketIOFigures},
		&collector[refusedConnections]{s.refused, admissionFigures},
		&collector[storage.Metrics]{s.storage, storageFigures},
	)
	if s.cluster != nil {
		r.MustRegister(&collector[clusterView]{s.cluster, clusterFigures})
	}
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
	desc    *prometheus.Desc
	collect func(S, *prometheus.Desc, chan<- prometheus.Metric)
}

// series is told the value of one time series after the other, with its labels' values.
type series func(value float64, labels ...string)

func gauge[S any](name, help string, read func(S) float64) figure[S] {
	return gauges(name, help, nil, func(s S, each series) { each(read(s)) })
}

func counter[S any](name, help string, read func(S) float64) figure[S] {
	return counters(name, help, nil, func(s S, each series) { each(read(s)) })
}

func gauges[S any](name, help string, labels []string, read func(S, series)) figure[S] {
	return newFigure(name, help, labels, prometheus.GaugeValue, read)
}

func counters[S any](name, help string, labels []string, read func(S, series)) figure[S] {
	return newFigure(name+"_total", help, labels, prometheus.CounterValue, read)
}

func newFigure[S any](name, help string, labels []string, kind prometheus.ValueType, read func(S, series)) figure[S] {
	return figure[S]{prometheus.NewDesc("klatch_"+name, help, labels, nil),
		func(s S, desc *prometheus.Desc, out chan<- prometheus.Metric) {
			read(s, func(v float64, labels ...string) { out <- prometheus.MustNewConstMetric(desc, kind, v, labels...) })
		}}
}

// histogram is a figure with buckets.
func histogram[S any](name, help string, read func(S) engine.Distribution) figure[S] {
	return figure[S]{prometheus.NewDesc("klatch_"+name, help, nil, nil),
		func(s S, desc *prometheus.Desc, out chan<- prometheus.Metric) {
			d := read(s)
			buckets, upTo := map[float64]uint64{}, uint64(0)
			for i, bound := range d.Bounds {
				upTo += d.Counts[i]
				buckets[bound] = upTo
			}
			out <- prometheus.MustNewConstHistogram(desc, d.Count, d.Sum, buckets)
		}}
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
		f.collect(stats, f.desc, out)
	}
}
