package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

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
