package cli

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/storage"
)

// What was refused for being too much is counted by whose bound it was.
func TestRefusalsAreCounted(t *testing.T) {
	n, _ := startNode(t, t.TempDir(), values{"max-connections": "3", "max-user-connections": "1", "rate-limit": "1/h,burst=2"})
	ada, _ := register(t, n, "ada", "")
	first := dialRaw(t, n, ada.Token)
	defer first.conn.Close()
	first.read()
	second := dialRaw(t, n, ada.Token) // one too many of hers
	defer second.conn.Close()
	if code := second.readClose(); code != 4029 {
		t.Errorf("a user's second connection is closed with %d", code)
	}
	third := dialRaw(t, n, "nonsense")
	defer third.conn.Close()
	for range 3 {
		call(t, "PATCH", n.public.url()+"/api/v1/me", ada.Token, map[string]string{"display_name": "Ada"}, nil)
	}
	if code := third.readClose(); code != 4001 {
		t.Errorf("a stranger's connection is closed with %d", code)
	}
	for open, answered := 0, http.StatusSwitchingProtocols; answered != http.StatusServiceUnavailable; open++ {
		if open > 3 {
			t.Fatal("there is no end of connections")
		}
		conn, resp := upgrade(t, n)
		defer conn.Close()
		answered = resp.StatusCode
	}
	for _, line := range []string{
		`klatch_connections_refused_total{bound="node"} 1`, `klatch_connections_refused_total{bound="user"} 1`, `klatch_connections_refused_total{bound="address"} 0`,
		`klatch_rate_limited_total{limit="writes"} 3`, `klatch_rate_limited_total{limit="reads"} 0`,
		`klatch_frame_errors_total{code="rate_limited"} 1`,
	} {
		awaitMetric(t, n, line)
	}
}

// awaitMetric asks until the metrics have a line.
func awaitMetric(t *testing.T, n *node, line string) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for begun := time.Now(); ; <-look.C {
		text := scrape(t, n)
		if strings.Contains(text, "\n"+line+"\n") {
			return
		}
		if time.Since(begun) > 30*time.Second {
			name, _, _ := strings.Cut(line, "{")
			t.Fatalf("no %s in the metrics, but:\n%s", line, grepLines(text, name))
		}
	}
}

func grepLines(text, name string) (found string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name) {
			found += line
		}
	}
	return found
}

// The store's cumulative counts come out as they went in.
func TestSyncHistogram(t *testing.T) {
	l := storage.Latency{Count: 6, Sum: 3 * time.Second}
	for i := range l.Counts {
		l.Counts[i] = min(uint64(i), 5) // one more at each bound, and one that is beyond all but the last
	}
	l.Counts[len(l.Counts)-1] = 6
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(&collector[storage.Metrics]{func() storage.Metrics { return storage.Metrics{Syncs: l, Levels: make([]storage.Level, 7)} }, storageFigures})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "klatch_storage_sync_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 6 || h.GetSampleSum() != 3 || len(h.GetBucket()) != len(storage.LatencyBounds)-1 {
			t.Errorf("%v", h)
		}
		for i, b := range h.GetBucket() {
			if b.GetCumulativeCount() != l.Counts[i] || b.GetUpperBound() != storage.LatencyBounds[i].Seconds() {
				t.Errorf("bucket %d is %v, want %d at most %s", i, b, l.Counts[i], storage.LatencyBounds[i])
			}
		}
		return
	}
	t.Error("there is no such histogram")
}
