package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Usage is what the server used during the load, and what became of the machine.
type Usage struct {
	Seconds    float64 `json:"seconds"`
	CPU        float64 `json:"cpu_seconds"`
	StartMiB   float64 `json:"start_mib"` // resident
	MaxMiB     float64 `json:"max_mib"`
	EndMiB     float64 `json:"end_mib"`
	Goroutines float64 `json:"goroutines,omitempty"` // at the end, where the server tells

	Generator float64 `json:"generator_cpu_seconds"`
	Steal     float64 `json:"steal"` // share of the machine's time that other virtual machines took
	Idle      float64 `json:"idle"`  // share that nobody used
}

// Sample is one moment of a run.
type Sample struct {
	At         float64 `json:"at"` // seconds since the load's start
	Deliveries float64 `json:"deliveries_per_second"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	CPU        float64 `json:"cpu_cores"`
	MiB        float64 `json:"resident_mib"`
	Goroutines float64 `json:"goroutines,omitempty"`
}

// sampleEvery is how often the server is looked at. /metrics of a server whose
// processes are here is asked for less often: each time is garbage of the
// server's, and would be taken for its connections'.
const (
	sampleEvery  = 500 * time.Millisecond
	metricsEvery = 10 * time.Second
)

// load is what counts what the server has done.
type load interface {
	done() uint64                      // deliveries, or answers
	interval() *hdrhistogram.Histogram // latencies since the last call
}

// watch looks at the server while a load runs.
type watch struct {
	sources sources
	load    load

	begun     time.Time
	first     reading
	last      reading
	lastAt    time.Time
	askedAt   time.Time // /metrics
	delivered uint64
	own       float64
	machine   machine
	usage     Usage
	series    []Sample

	quit, stopped chan struct{}
}

// watch begins to look.
func (r *run) watch(l load) *watch {
	w := &watch{
		sources: r.sources(), load: l,
		begun: time.Now(), own: ownCPU(), machine: machineTime(),
		quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	w.first = w.sources.read()
	w.last, w.lastAt, w.askedAt = w.first, w.begun, w.begun
	w.delivered = w.load.done()
	w.usage.StartMiB, w.usage.MaxMiB = w.first.resident, w.first.resident
	go w.run()
	return w
}

func (w *watch) run() {
	defer close(w.stopped)
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	for {
		select {
		case <-w.quit:
			return
		case now := <-t.C:
			w.sample(now)
		}
	}
}

func (w *watch) sample(now time.Time) {
	r, h, delivered := w.look(now), w.load.interval(), w.load.done()
	passed := now.Sub(w.lastAt).Seconds()
	if passed <= 0 {
		return
	}
	w.series = append(w.series, Sample{
		At:         now.Sub(w.begun).Seconds(),
		Deliveries: float64(delivered-w.delivered) / passed,
		P50:        milliseconds(h, 50), P99: milliseconds(h, 99),
		CPU: (r.cpu - w.last.cpu) / passed, MiB: r.resident, Goroutines: r.goroutines,
	})
	w.last, w.lastAt, w.delivered = r, now, delivered
	w.usage.MaxMiB = max(w.usage.MaxMiB, r.resident)
}

func (w *watch) look(now time.Time) reading {
	if len(w.sources.pids) == 0 || now.Sub(w.askedAt) >= metricsEvery {
		w.askedAt = now
		return w.sources.read()
	}
	r := w.sources.processes()
	r.goroutines = w.last.goroutines
	return r
}

func (w *watch) stop() (Usage, []Sample) {
	close(w.quit)
	<-w.stopped
	r, m := w.sources.read(), machineTime()
	u := &w.usage
	u.Seconds = time.Since(w.begun).Seconds()
	u.CPU, u.EndMiB, u.Goroutines = r.cpu-w.first.cpu, r.resident, r.goroutines
	u.MaxMiB = max(u.MaxMiB, r.resident)
	u.Generator = ownCPU() - w.own
	u.Steal = m.share(w.machine, func(m machine) float64 { return m.steal })
	u.Idle = m.share(w.machine, func(m machine) float64 { return m.idle })
	return *u, w.series
}

// interval implements load.
func (f *fleet) interval() *hdrhistogram.Histogram {
	var mu sync.Mutex
	h := newHistogram()
	f.each(func(l *loop) {
		mu.Lock()
		defer mu.Unlock()
		h.Merge(l.tally.interval)
		l.tally.interval.Reset()
	})
	return h
}

func milliseconds(h *hdrhistogram.Histogram, percentile float64) float64 {
	return float64(h.ValueAtPercentile(percentile)) / 1000
}
