package cli

import (
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
)

// benchPlan is what one command line of bench asks for.
type benchPlan struct {
	scenario string
	config   bench.Config
	protocol func(secret []byte) bench.Protocol
	bounds   benchBounds
	server   string // what was measured, once that is known
}

var benchProtocols = map[string]func(secret []byte) bench.Protocol{
	"json": bench.Klatch, "cbor": bench.KlatchCBOR, "socketio": bench.KlatchSocketIO,
}

// benchPlanOf reads the command line and refuses what makes no sense before
// anything is started.
func benchPlanOf(c *cli.Context) (p *benchPlan, err error) {
	p = &benchPlan{}
	if p.scenario, p.config, err = benchConfig(c); err != nil {
		return nil, err
	}
	var ok bool
	if p.protocol, ok = benchProtocols[c.String("protocol")]; !ok {
		return nil, usageErrorf(c, "--protocol: %q is not json, cbor or socketio", c.String("protocol"))
	}
	if p.bounds, err = benchBoundsOf(c, p.config); err != nil {
		return nil, err
	}
	if _, ok := p.protocol(nil).(bench.Paging); p.config.Kind == bench.History && !ok {
		return nil, usageErrorf(c, "history loads its pages in json, not %s", c.String("protocol"))
	}
	own := len(p.config.URLs) == 0
	switch {
	case !own && len(p.config.Secret) == 0:
		return nil, usageErrorf(c, "--url needs --auth-jwt-secret: the load's users sign in with tokens made from it")
	case own && len(p.config.Metrics) > 0:
		return nil, usageErrorf(c, "--metrics belongs to --url: a server of its own is watched anyway")
	}
	check := p.config
	if own {
		check.URLs = []string{"http://127.0.0.1:1"}
	}
	if err := check.Validate(); err != nil {
		return nil, usageErrorf(c, "%w", err)
	}
	for i, address := range p.config.Metrics {
		if !strings.Contains(address, "://") {
			p.config.Metrics[i] = "http://" + address
		}
	}
	return p, nil
}

// runningServer names nodes whose version nobody told us.
func runningServer(urls []string) string { return "klatch at " + strings.Join(urls, ", ") }

// report is the page of a result.
func (p *benchPlan) report(r bench.Result, broken error) bench.Report {
	report := bench.Report{Result: r, Config: p.config, Command: commandLine(os.Args), Machine: bench.ThisMachine()}
	if broken != nil {
		report.Broken = broken.Error()
	}
	return report
}

// commandLine writes arguments as one would type them, without the secret.
func commandLine(args []string) string {
	words := []string{"klatch"}
	for _, arg := range maskSecrets(args[1:]) {
		if strings.ContainsAny(arg, " '\"\\$&|;<>()*?!`\t\n") || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
