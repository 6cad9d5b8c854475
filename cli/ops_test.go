package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

func TestOps(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(buildInfo(version{Version: "v1"}), readiness(func() bool { return true }),
		&collector[engine.Stats]{func() engine.Stats {
			commits := engine.NewHistogram(1, 2)
			commits.Observe(0.25)
			commits.Observe(1.25)
			return engine.Stats{Sessions: 3, Events: 5, Commits: commits.Read()}
		}, engineFigures},
		&collector[socket.Stats]{func() socket.Stats { return socket.Stats{BytesOut: 7, EvictedFull: 2} }, socketFigures},
	)
	ops := opsHandler(r)
	text := get(t, ops, "/metrics", http.StatusOK)
	for _, line := range []string{
		"# TYPE klatch_commit_events_total counter", "klatch_commit_events_total 5",
		"# TYPE klatch_commit_seconds histogram", `klatch_commit_seconds_bucket{le="1"} 1`, `klatch_commit_seconds_bucket{le="2"} 2`, "klatch_commit_seconds_sum 1.5",
		`klatch_socket_evictions_total{reason="full"} 2`, `klatch_socket_evictions_total{reason="silent"} 0`,
		"klatch_ready 1", "# TYPE klatch_sessions gauge", "klatch_sessions 3", "klatch_socket_bytes_out_total 7",
		`klatch_build_info{go="",revision="",version="v1"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("metrics lack %q:\n%s", line, text)
		}
	}
	if page := get(t, ops, "/debug/pprof/", http.StatusOK); !strings.Contains(page, "goroutine") {
		t.Errorf("profiles: %s", page)
	}
	get(t, ops, "/", http.StatusNotFound)
}

func get(t *testing.T, h http.Handler, path string, want int) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if w.Code != want {
		t.Errorf("GET %s answers %d, want %d", path, w.Code, want)
	}
	return w.Body.String()
}
