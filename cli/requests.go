package cli

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/engine/api"
)

// requestMetrics counts HTTP requests. Routes, methods and statuses are the
// server's own words, so no client can make the metrics grow.
type requestMetrics struct {
	seconds *prometheus.HistogramVec
	bytes   prometheus.Counter
	kinds   sync.Map // requestKind -> prometheus.Observer
}

func newRequestMetrics(r prometheus.Registerer) *requestMetrics {
	m := &requestMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "klatch_http_request_seconds",
			Help:    "Time to answer HTTP requests, real-time ones excepted.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "method", "status"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "klatch_http_answer_bytes_total",
			Help: "Bytes of HTTP answers' bodies.",
		}),
	}
	r.MustRegister(m.seconds, m.bytes)
	return m
}

// observe is for api.Config.Observe.
func (m *requestMetrics) observe(o api.Observation) {
	m.of(kindOf(o)).Observe(o.Duration.Seconds())
	m.bytes.Add(float64(o.Bytes))
}

// requestKind is what requests are told apart by.
type requestKind struct {
	route, method string
	status        int
}

func kindOf(o api.Observation) requestKind { return requestKind{o.Route, o.Method, o.Status} }

// of finds a kind's histogram; by labels it takes as long as a small request.
func (m *requestMetrics) of(k requestKind) prometheus.Observer {
	if known, ok := m.kinds.Load(k); ok {
		return known.(prometheus.Observer)
	}
	h := m.seconds.WithLabelValues(k.route, k.method, strconv.Itoa(k.status))
	m.kinds.Store(k, h)
	return h
}
