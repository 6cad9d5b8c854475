package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metricsql"
)

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
