package bench

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sources is where a server's use of the machine is read: /proc for processes
// here, /metrics for nodes anywhere. What cannot be read counts as nothing.
type sources struct {
	pids    []int
	metrics []string
}

func (r *run) sources() sources { return sources{r.cfg.PIDs, r.cfg.Metrics} }

// read sums over the server's processes. CPU and memory come from /proc where
// there are processes.
func (s sources) read() reading {
	sum := s.processes()
	for _, address := range s.metrics {
		r, err := readMetrics(address)
		if err != nil {
			continue
		}
		if len(s.pids) > 0 {
			r = reading{goroutines: r.goroutines}
		}
		sum.add(r)
	}
	return sum
}

func (s sources) processes() (sum reading) {
	for _, pid := range s.pids {
		if r, err := readProcess(pid); err == nil {
			sum.add(r)
		}
	}
	return sum
}

// Metrics are asked for uncompressed: to compress them is work and memory of the server.
var metricsClient = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableCompression: true}}

// readMetrics reads the standard figures that a Go server shows in Prometheus's
// text format.
func readMetrics(address string) (r reading, err error) {
	answer, err := metricsClient.Get(strings.TrimRight(address, "/") + "/metrics")
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return r, fmt.Errorf("%s/metrics: %s", address, answer.Status)
	}
	return parseMetrics(answer.Body)
}

func parseMetrics(body io.Reader) (r reading, err error) {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch name {
		case "process_cpu_seconds_total":
			r.cpu = v
		case "process_resident_memory_bytes":
			r.resident = v / (1 << 20)
		case "go_goroutines":
			r.goroutines = v
		}
	}
	return r, lines.Err()
}
