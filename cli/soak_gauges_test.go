package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// gauges is what a server holds at a moment.
type gauges struct {
	sockets int // descriptors of sockets
	files   int // ... of files
	others  int // ... of what else the kernel has: epoll sets and the like

	goroutines, sessions, connections, rooms int
	queued                                   int // bytes in outboxes and for the committer

	heap, live, resident float64 // MiB: spans in use, allocated, and of the process
}

// Bounds of what may be more after an attack than before.
const (
	// A goroutine of Pebble's may still be compacting what the attack wrote.
	soakGoroutines = 2
	// Pebble keeps its tables open, and a flush or a compaction makes others.
	soakFiles = 24
	// What is allocated: a factor, and for a short soak so many MiB, as memtables
	// and caches are not yet as full as they get.
	soakHeapFactor, soakHeapMiB = 1.3, 8
	// What spans are in use: after the most they are sparsely filled, which Go never mends.
	soakSpanFactor = 2

	restPatience = 2 * time.Minute
	restPoll     = 250 * time.Millisecond
	watchPoll    = 500 * time.Millisecond
)

// occupied says what is still held where only the neighbours should be, or nothing.
func (g gauges) occupied() string {
	switch {
	case g.sessions != soakNeighbours || g.connections != soakNeighbours:
		return fmt.Sprintf("%d sessions and %d connections of %d neighbours", g.sessions, g.connections, soakNeighbours)
	case g.sockets != soakNeighbours+4: // and three listeners and their operator
		return fmt.Sprintf("%d sockets", g.sockets)
	case g.rooms != 1 || g.queued != 0:
		return fmt.Sprintf("%d rooms, %d bytes queued", g.rooms, g.queued)
	}
	return ""
}

// beyond says what is held that was not before, or nothing.
func (g gauges) beyond(before gauges) string {
	if held := g.occupied(); held != "" {
		return held
	}
	switch {
	case g.others != before.others:
		return fmt.Sprintf("%d descriptors that are neither sockets nor files", g.others)
	case g.files > before.files+soakFiles:
		return fmt.Sprintf("%d files", g.files)
	case g.goroutines > before.goroutines+soakGoroutines:
		return fmt.Sprintf("%d goroutines", g.goroutines)
	case g.live > max(before.live*soakHeapFactor, before.live+soakHeapMiB):
		return fmt.Sprintf("%.1f MiB allocated", g.live)
	case g.heap > before.heap*soakSpanFactor:
		return fmt.Sprintf("%.1f MiB of heap in use", g.heap)
	}
	return ""
}

// rest waits until the server is at rest: nothing is held that should not be,
// and goroutines have stopped ending. It returns what is held then.
func (s *soak) rest(when string, held func(gauges) string) gauges {
	s.t.Helper()
	deadline := time.Now().Add(restPatience)
	last, steady := gauges{}, 0
	for {
		s.collect()
		g, err := s.read()
		if err != nil {
			s.t.Fatalf("%s: the server does not answer: %v\n%s", when, err, s.output)
		}
		steady++
		if g.goroutines != last.goroutines || g.others != last.others {
			steady = 0
		}
		reason := held(g)
		if reason == "" && steady >= 3 {
			return g
		}
		if time.Now().After(deadline) {
			s.t.Errorf("%s the server does not come to rest: %s\n%s", when, reason, s.fetch("/debug/pprof/goroutine?debug=1"))
			return g
		}
		last = g
		time.Sleep(restPoll)
	}
}

// watch reads the gauges until ctx ends and returns the most of each.
func (s *soak) watch(ctx context.Context) (most gauges) {
	t := time.NewTicker(watchPoll)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-t.C:
			if g, err := s.read(); err == nil {
				most = most.most(g)
			} else if ctx.Err() == nil {
				s.t.Errorf("the server does not answer its operator: %v", err)
			}
		}
	}
}

func (g gauges) most(o gauges) gauges {
	return gauges{
		max(g.sockets, o.sockets), max(g.files, o.files), max(g.others, o.others),
		max(g.goroutines, o.goroutines), max(g.sessions, o.sessions), max(g.connections, o.connections), max(g.rooms, o.rooms),
		max(g.queued, o.queued), max(g.heap, o.heap), max(g.live, o.live), max(g.resident, o.resident),
	}
}

// collect has the server collect its garbage. Pools are empty after the second time.
func (s *soak) collect() {
	s.fetch("/debug/pprof/heap?gc=1")
	s.fetch("/debug/pprof/heap?gc=1")
}

// read asks the server and the kernel.
func (s *soak) read() (g gauges, err error) {
	m, err := s.metrics()
	if err != nil {
		return g, err
	}
	g = gauges{
		goroutines: int(m["go_goroutines"]), sessions: int(m["klatch_sessions"]),
		connections: int(m["klatch_socket_connections"]), rooms: int(m["klatch_rooms_live"]),
		queued: int(m["klatch_socket_queue_bytes"] + m["klatch_commit_queue_bytes"]),
		heap:   m["go_memstats_heap_inuse_bytes"] / (1 << 20), live: m["go_memstats_heap_alloc_bytes"] / (1 << 20),
	}
	if g.resident, err = s.resident(); err != nil {
		return g, err
	}
	return g, s.descriptors(&g)
}

// metrics are those without labels.
func (s *soak) metrics() (map[string]float64, error) {
	resp, err := soakOperator.Get(s.ops + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	m := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] = v
		}
	}
	if m["go_goroutines"] == 0 {
		return nil, fmt.Errorf("no metrics: %s, %v", resp.Status, lines.Err())
	}
	return m, nil
}

// soakOperator keeps one connection, so that asking always holds the same.
var soakOperator = &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 30 * time.Second}

func (s *soak) fetch(path string) string {
	resp, err := soakOperator.Get(s.ops + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func (s *soak) resident() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.server.PID()))
	if err != nil {
		return 0, err
	}
	var size, pages float64
	_, err = fmt.Sscan(string(b), &size, &pages)
	return pages * float64(os.Getpagesize()) / (1 << 20), err
}

func (s *soak) descriptors(g *gauges) error {
	dir := fmt.Sprintf("/proc/%d/fd", s.server.PID())
	all, err := os.ReadDir(dir)
	for _, fd := range all {
		target, err := os.Readlink(filepath.Join(dir, fd.Name()))
		switch {
		case err != nil: // closed since
		case strings.HasPrefix(target, "socket:"):
			g.sockets++
		case strings.HasPrefix(target, "/"):
			g.files++
		default:
			g.others++
		}
	}
	return err
}

// soakEvictions are the server's own ways to be rid of a client.
var soakEvictions = []string{`klatch_socket_evictions_total{reason="full"}`, `klatch_socket_evictions_total{reason="stalled"}`, `klatch_socket_evictions_total{reason="silent"}`}

// checkEvictions tells what the server has counted since, and wants each of its
// ways to have been gone, where there was time for it.
func (s *soak) checkEvictions(before map[string]float64) {
	after, err := s.metrics()
	if err != nil {
		s.t.Error(err)
	}
	var b strings.Builder
	for _, name := range append([]string{"klatch_socket_accepted_total", "klatch_socket_refused_total", "klatch_resumed_sessions_total", "klatch_reset_sessions_total"}, soakEvictions...) {
		n := after[name] - before[name]
		fmt.Fprintf(&b, "%s %.0f\n", name, n)
		if s.long && *soakOnly == "" && n == 0 {
			s.t.Errorf("%s has not moved", name)
		}
	}
	s.t.Logf("what the server counted:\n%s", b.String())
}

func gaugeTable(before, most, after gauges) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tbefore\tmost\tafter\t")
	row := func(name string, of func(gauges) any) {
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t\n", name, of(before), of(most), of(after))
	}
	mib := func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
	row("sockets", func(g gauges) any { return g.sockets })
	row("files", func(g gauges) any { return g.files })
	row("other descriptors", func(g gauges) any { return g.others })
	row("goroutines", func(g gauges) any { return g.goroutines })
	row("connections", func(g gauges) any { return g.connections })
	row("sessions", func(g gauges) any { return g.sessions })
	row("live rooms", func(g gauges) any { return g.rooms })
	row("bytes queued", func(g gauges) any { return g.queued })
	row("heap in use, MiB", func(g gauges) any { return mib(g.heap) })
	row("heap allocated, MiB", func(g gauges) any { return mib(g.live) })
	row("resident, MiB", func(g gauges) any { return mib(g.resident) })
	_ = w.Flush()
	return b.String()
}
