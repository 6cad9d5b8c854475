package cli

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// TestMonitoring: dashboard and alerts name only what the metrics of a node that
// has served hold, the metrics hold only what docs/metrics.md tells of, and
// nothing of it is on the public address.
func TestMonitoring(t *testing.T) {
	all := servedSeries(t)
	for _, e := range dashboardQueries(t) {
		for _, wrong := range all.wrongs(e.expr) {
			t.Errorf("grafana.json, %s: %s", e.where, wrong)
		}
		for _, m := range legendLabel.FindAllStringSubmatch(e.legend, -1) {
			if !all.hasLabel(m[1]) {
				t.Errorf("grafana.json, %s: the legend names %s, which no series has", e.where, m[1])
			}
		}
	}
	for _, rule := range alertRules(t) {
		for _, wrong := range all.wrongs(rule.Expr) {
			t.Errorf("alerts.yml, %s: %s", rule.Alert, wrong)
		}
	}
	reference := string(mustRead(t, "../docs/metrics.md"))
	for _, name := range all.families {
		if strings.HasPrefix(name, "klatch_") && !strings.Contains(reference, "| `"+name+"` |") {
			t.Errorf("docs/metrics.md does not tell of %s", name)
		}
	}
	families, err := sampleRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); !strings.HasPrefix(name, "klatch_cluster_lag_") && !slices.Contains(all.families, name) { // which nodes without lag lack
			t.Errorf("docs/metrics.md tells of %s, which no node has", name)
		}
	}
}

// TestMonitoringComplains: what TestMonitoring relies on does find what is wrong.
func TestMonitoringComplains(t *testing.T) {
	all := parseSeries("# TYPE klatch_a_total counter\nklatch_a_total{reason=\"full\"} 1\n# TYPE klatch_h histogram\nklatch_h_bucket{le=\"1\"} 1\nklatch_h_count 1\nklatch_h_sum 1\n")
	for expr, want := range map[string]string{
		`sum(rate(klatch_a_total[5m]))`:                                        "",
		`klatch_a_total{instance=~"$instance", reason=~"full|half"}`:           "",
		`histogram_quantile(0.9, sum by (le) (rate(klatch_h_bucket[5m]))) > 1`: "",
		`up{job="klatch"} == 0`:                                                "",
		`klatch_b_total`:                                                       "no series",
		`klatch_a_total{reason="bored"}`:                                       "no series",
		`klatch_a_total{cause="full"}`:                                         "no series",
		`sum by (cause) (rate(klatch_a_total[5m]))`:                            "no series has the label cause",
		`rate(klatch_a_total)`:                                                 "without a range",
		`sum(rate(klatch_a_total[5m])`:                                         "parse",
		`median_over_time(klatch_a_total[5m])`:                                 "not PromQL",
		`histogram_quantile(0.9, rate(klatch_h[5m]))`:                          "no series",
	} {
		wrongs := all.wrongs(expr)
		if want == "" && len(wrongs) > 0 || want != "" && (len(wrongs) == 0 || !strings.Contains(wrongs[0], want)) {
			t.Errorf("%s: %q, want %q", expr, wrongs, want)
		}
	}
}

// servedSeries are those of two nodes that have had users, errors and messages.
func servedSeries(t *testing.T) *seriesSet {
	t.Helper()
	a, _ := startNode(t, t.TempDir(), values{"cluster-addr": "127.0.0.1:0"})
	b, _ := startNode(t, t.TempDir(), values{"cluster-addr": "127.0.0.1:0", "join": a.members.Addr()})
	base := a.public.url() + "/api/v1"
	ada, status := register(t, a, "ada", a.setup)
	if status != http.StatusCreated {
		t.Fatalf("registering answers %d", status)
	}
	call(t, "POST", base+"/rooms", ada.Token, map[string]string{"name": "tea"}, nil)
	session := dialRaw(t, a, ada.Token)
	defer session.conn.Close()
	session.read()
	if status := call(t, "POST", base+"/rooms/tea/messages", ada.Token, map[string]string{"body": "hello"}, nil); status != http.StatusCreated {
		t.Fatalf("posting answers %d", status)
	}
	call(t, "POST", base+"/login", "", map[string]string{"username": "ada", "password": "not correct"}, nil)
	if status := askAfter(t, base+"/me", ada.Token, engine.Position{}.With(engine.Origin(1), 1).String()); status != http.StatusServiceUnavailable {
		t.Fatalf("a position that never comes answers %d", status)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
		if status := call(t, "GET", a.public.url()+path, ada.Token, nil, nil); status != http.StatusNotFound {
			t.Errorf("%s on the public address answers %d", path, status)
		}
	}
	text := scrape(t, a)
	deadline := time.Now().Add(time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for ; !linkIsUp.MatchString(text) || !wasTimed.MatchString(text); text = scrape(t, a) {
		if time.Now().After(deadline) {
			t.Fatalf("no link, or no delivery was timed:\n%s", text)
		}
		<-look.C
	}
	if !strings.Contains(text, "\nklatch_posts_total 1\n") || !strings.Contains(text, "\nklatch_sign_ins_total{outcome=\"wrong\"} 1\n") {
		t.Errorf("what has been done is not counted:\n%s", text)
	}
	return parseSeries(text + scrape(t, b))
}

var (
	linkIsUp = regexp.MustCompile(`(?m)^klatch_link_up\{.*\} 1$`)
	wasTimed = regexp.MustCompile(`(?m)^klatch_delivery_seconds_count [1-9]`)
)

func askAfter(t *testing.T, url, token, position string) int {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Klatch-After", position)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func scrape(t *testing.T, n *node) (text string) {
	t.Helper()
	if status := call(t, "GET", n.ops.url()+"/metrics", "", nil, &text); status != http.StatusOK {
		t.Fatalf("metrics answer %d", status)
	}
	return text
}
