package cli

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/cluster"
	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/api"
	"github.com/klatch-chat/klatch/engine/realtime"
	"github.com/klatch-chat/klatch/engine/socket"
	"github.com/klatch-chat/klatch/storage"
)

var updateDocs = flag.Bool("docs.update", false, "write the generated pages of docs (make docs)")

// The pages are made of the code: of the settings, the commands and the figures.
func TestDocsAreGenerated(t *testing.T) {
	keepPage(t, "../docs/metrics.md", metricsPage(t))
	keepPage(t, "../docs/flags.md", flagsPage())
}

// keepPage compares a page with what it should be, or writes it.
func keepPage(t *testing.T, path, want string) {
	t.Helper()
	if *updateDocs {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: make docs", path)
	}
}

const metricsHead = `# Metrics

<!-- Generated from the code by make docs. -->

What ` + "`/metrics`" + ` on ` + "`--ops-addr`" + ` says, in the text format of Prometheus: counters end in ` + "`_total`" + ` and run since the start, times are in seconds, sizes in bytes.
Beside these stand the Go runtime's (` + "`go_`" + `) and the process's own (` + "`process_`" + `). Every label has a bounded number of values: routes, methods and codes are the
server's own words, and of peers and origins at most 64 are told. A node counts for itself: sum over all nodes for the cluster. Those of a cluster are there
when the node is in one.

[grafana.json](grafana.json) shows them, [alerts.yml](alerts.yml) watches them, and [troubleshooting.md](troubleshooting.md) says what to do.

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
`

// openLabels have values that no table could list.
var openLabels = []string{"peer", "origin", "route", "method", "status", "version", "revision", "go"}

func metricsPage(t *testing.T) string {
	t.Helper()
	families, err := sampleRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	page := metricsHead
	for _, f := range families {
		values := map[string][]string{}
		var names []string
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(names, l.GetName()) {
					names = append(names, l.GetName())
				}
				if !slices.Contains(values[l.GetName()], l.GetValue()) {
					values[l.GetName()] = append(values[l.GetName()], l.GetValue())
				}
			}
		}
		var labels []string
		for _, name := range names {
			label := "`" + name + "`"
			if !slices.Contains(openLabels, name) {
				slices.Sort(values[name])
				label += ": " + strings.Join(values[name], ", ")
			}
			labels = append(labels, label)
		}
		page += fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, "; "), f.GetHelp())
	}
	return page
}

// sampleRegistry has every figure of a node in a cluster, each label with a value.
func sampleRegistry() *prometheus.Registry {
	failed := map[engine.Code]uint64{}
	for code := range realtime.New(realtime.Config{}).Stats().Failed {
		failed[code] = 0
	}
	r := prometheus.NewRegistry()
	sources{
		version:  version{Version: "v", Revision: "r", Go: "go"},
		ready:    func() bool { return true },
		engine:   func() engine.Stats { return engine.Stats{} },
		sockets:  func() socket.Stats { return socket.Stats{} },
		realtime: func() realtime.Stats { return realtime.Stats{Failed: failed} },
		socketIO: func() realtime.SocketIOStats { return realtime.SocketIOStats{} },
		storage:  func() storage.Metrics { return storage.Metrics{Levels: make([]storage.Level, 7)} },
		refused:  func() refusedConnections { return refusedConnections{} },
		cluster: func() clusterView {
			return clusterView{
				stats: cluster.Stats{Links: []cluster.LinkStats{{Peer: "p"}}, Origins: []cluster.OriginStats{{Origin: "o"}}},
				peers: []cluster.Member{{Node: "p"}},
			}
		},
	}.register(r)
	newRequestMetrics(r).observe(api.Observation{Route: "r", Method: "GET", Status: 200})
	r.MustRegister(
		&collector[api.Stats]{func() api.Stats { return api.Stats{} }, answerFigures},
		&collector[limitStats]{func() limitStats { return limitStats{} }, limitFigures},
		&collector[lobbyStats]{func() lobbyStats { return lobbyStats{} }, lobbyFigures},
	)
	return r
}

const flagsHead = `# Flags, environment and file

<!-- Generated from the code by make docs. -->

Everything that ` + "`klatch serve`" + ` can be told is a flag, an environment variable and a key of the YAML file that ` + "`--config`" + ` (` + "`KLATCH_CONFIG`" + `) names: the key is the flag
without its dashes. A flag beats the environment, that beats the file, that beats the default. An empty variable counts as unset.

    addr: ":8080"
    registration: invite
    trusted-proxies: [10.0.0.0/8, loopback]
    max-message: 16KiB

| flag | environment | value in the file | default | meaning |
| --- | --- | --- | --- | --- |
`

func flagsPage() string {
	page := flagsHead
	for i := range settings {
		s := &settings[i]
		fallback := s.derived
		if s.fallback != "" {
			fallback = "`" + s.fallback + "`"
		}
		usage := s.usage
		if s.shape == listShape {
			usage += "; the flag may repeat"
		}
		value, _, _ := strings.Cut(s.shape.String(), " (")
		page += fmt.Sprintf("| `--%s %s` | `%s` | %s | %s | %s |\n", s.name, s.value, s.env(), value, cell(fallback), cell(usage))
	}
	page += "\n# Commands\n\nEach prints results on stdout, progress and errors on stderr, and ends with 0 when done, 1 when something failed, 2 for wrong usage.\n"
	for _, c := range newApp(nil, nil).Commands {
		page += commandPage("klatch", c)
	}
	return page
}

// commandPage tells of a command and those below it. The flags of serve are above.
func commandPage(parent string, c *cli.Command) string {
	if c.Hidden {
		return ""
	}
	path := parent + " " + c.Name
	page := fmt.Sprintf("\n## %s\n%s:", path, strings.TrimSuffix(c.Usage, "."))
	if c.UsageText != "" {
		page += fmt.Sprintf(" `%s`", strings.ReplaceAll(c.UsageText, "\n", "`, `"))
	}
	page += "\n"
	if c.Name != "serve" && len(c.Flags) > 0 {
		page += "\n| flag | default | meaning |\n| --- | --- | --- |\n"
		for _, f := range c.Flags {
			page += flagRow(f)
		}
	}
	for _, sub := range c.Subcommands {
		page += commandPage(path, sub)
	}
	return page
}

func flagRow(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return fmt.Sprintf("| `--%s` | | |\n", f.Names()[0])
	}
	name, usage := "--"+f.Names()[0], d.GetUsage()
	if before, rest, ok := strings.Cut(usage, "`"); ok { // the library's way to name the value
		value, after, _ := strings.Cut(rest, "`")
		name, usage = name+" "+value, before+value+after
	}
	fallback := d.GetDefaultText()
	if _, isSwitch := f.(*cli.BoolFlag); fallback == "" && !isSwitch {
		fallback = strings.Trim(d.GetValue(), `"`)
	}
	if len(d.GetEnvVars()) > 0 {
		usage += " (`" + strings.Join(d.GetEnvVars(), "`, `") + "`)"
	}
	return fmt.Sprintf("| `%s` | %s | %s |\n", name, cell(fallback), cell(usage))
}

// cell keeps a text within its cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "\n", " ")
}
