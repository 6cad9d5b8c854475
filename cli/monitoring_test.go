package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"go.yaml.in/yaml/v3"

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

// oneSeries is a time series without its values.
type oneSeries map[string]string // its labels; the name is __name__

// seriesSet is what a scrape holds.
type seriesSet struct {
	families []string
	series   []oneSeries
}

var (
	sampleLine  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$`)
	labelPair   = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

func parseSeries(text string) *seriesSet {
	all := &seriesSet{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); len(words) == 4 && words[1] == "TYPE" {
			all.families = append(all.families, words[2])
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		s := oneSeries{"__name__": m[1]}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			s[pair[1]] = pair[2]
		}
		all.series = append(all.series, s)
	}
	return all
}

// givenLabels are Prometheus's own, of the target.
var givenLabels = []string{"instance", "job"}

func (all *seriesSet) hasLabel(name string) bool {
	return slices.Contains(givenLabels, name) || slices.ContainsFunc(all.series, func(s oneSeries) bool { _, ok := s[name]; return ok })
}

func (all *seriesSet) has(selector []metricsql.LabelFilter) bool {
	return slices.ContainsFunc(all.series, func(s oneSeries) bool { return s.matches(selector) })
}

// matches reports whether a series is selected. A label that it lacks it should have.
func (s oneSeries) matches(selector []metricsql.LabelFilter) bool {
	for _, f := range selector {
		if slices.Contains(givenLabels, f.Label) {
			continue
		}
		value, ok := s[f.Label]
		is := value == f.Value
		if f.IsRegexp {
			is = regexp.MustCompile(`^(?:` + f.Value + `)$`).MatchString(value)
		}
		if !ok || is == f.IsNegative {
			return false
		}
	}
	return true
}

// promQL are the functions that are used. The parser knows MetricsQL, which is more than PromQL.
var promQL = []string{"rate", "increase", "changes", "predict_linear", "histogram_quantile", "sum", "count", "max", "min", "avg"}

// ranged are those of them that need a range.
var ranged = []string{"rate", "increase", "changes", "predict_linear"}

// wrongs says what an expression names that is not there, or that Prometheus would not take.
func (all *seriesSet) wrongs(expr string) (wrongs []string) {
	parsed, err := metricsql.Parse(strings.ReplaceAll(expr, "$__rate_interval", "5m"))
	if err != nil {
		return []string{fmt.Sprintf("cannot parse %s: %v", expr, err)}
	}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			for _, selector := range e.LabelFilterss {
				if !isUp(selector) && !all.has(selector) {
					wrongs = append(wrongs, fmt.Sprintf("there is no series %s", e.AppendString(nil)))
				}
			}
		case *metricsql.FuncExpr:
			wrongs = append(wrongs, wrongCall(e.Name, e.Args)...)
		case *metricsql.AggrFuncExpr:
			wrongs = append(wrongs, wrongCall(e.Name, e.Args)...)
			for _, label := range e.Modifier.Args {
				if !all.hasLabel(label) {
					wrongs = append(wrongs, "no series has the label "+label)
				}
			}
		}
	})
	return wrongs
}

// isUp: that one is made by Prometheus itself.
func isUp(selector []metricsql.LabelFilter) bool {
	return len(selector) > 0 && selector[0].Label == "__name__" && selector[0].Value == "up"
}

func wrongCall(name string, args []metricsql.Expr) (wrongs []string) {
	if !slices.Contains(promQL, name) {
		return []string{name + " is not PromQL, or not among what is used"}
	}
	if !slices.Contains(ranged, name) {
		return nil
	}
	if r, ok := args[0].(*metricsql.RollupExpr); !ok || r.Window == nil {
		return []string{name + " without a range"}
	}
	return nil
}

type dashboardQuery struct{ where, expr, legend string }

// dashboardQueries reads the dashboard, and holds its layout to what a person can look at.
func dashboardQueries(t *testing.T) (queries []dashboardQuery) {
	t.Helper()
	type place struct{ X, Y, W, H int }
	var board struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     place
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(mustRead(t, "../docs/grafana.json"), &board); err != nil {
		t.Fatal(err)
	}
	var rows []string
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s has another panel's id", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
		} else if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			queries = append(queries, dashboardQuery{p.Title, q.Expr, q.LegendFormat})
		}
	}
	if want := []string{"At a glance", "Traffic", "Latency", "Storage", "Cluster", "Process"}; !slices.Equal(rows, want) {
		t.Errorf("rows are %q", rows)
	}
	return queries
}

type alertRule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// alertRules reads the rules as strictly as Prometheus does.
func alertRules(t *testing.T) (rules []alertRule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alertRule
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(mustRead(t, "../docs/alerts.yml"))))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) == 0 {
		t.Fatal("there are no alerts")
	}
	return rules
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	alertFor  = regexp.MustCompile(`^\d+[smh]$`)
	alertName = regexp.MustCompile(`^Klatch[A-Z]\w+$`)
)

// TestAlerts: each rule says how bad it is, in a sentence, and where help stands; and there it does.
func TestAlerts(t *testing.T) {
	help := readHelp(t)
	seen := map[string]bool{}
	for _, r := range alertRules(t) {
		if !alertName.MatchString(r.Alert) || seen[r.Alert] {
			t.Errorf("%q is no name, or stands twice", r.Alert)
		}
		seen[r.Alert] = true
		if !alertFor.MatchString(r.For) {
			t.Errorf("%s: for is %q", r.Alert, r.For)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity is %q", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s has no summary", r.Alert)
		}
		anchor, ok := strings.CutPrefix(r.Annotations["runbook_url"], "troubleshooting.md#")
		if !ok || help.sections[anchor] == "" {
			t.Errorf("%s: there is no section %s", r.Alert, strconv.Quote(r.Annotations["runbook_url"]))
		} else if !strings.Contains(help.sections[anchor], "`"+r.Alert+"`") {
			t.Errorf("%s: its section #%s does not name it", r.Alert, anchor)
		}
	}
	for name := range help.alerts {
		if !seen[name] {
			t.Errorf("troubleshooting.md tells of %s, which is no alert", name)
		}
	}
}
