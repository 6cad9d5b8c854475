package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
)

// ofScenario is the default of most flags, for --help.
const ofScenario = "the scenario's"

// findMax is a scenario made of another.
const findMax = "find-max"

func benchDescription() string {
	var b strings.Builder
	b.WriteString("Scenarios:\n")
	for _, name := range bench.ScenarioNames() {
		fmt.Fprintf(&b, "   %-10s %s\n", name, bench.Scenarios[name].Summary)
	}
	fmt.Fprintf(&b, "   %-10s the highest rate of rooms (or hall) that keeps p99 within --max-p99\n\n", findMax)
	b.WriteString("Without --url it starts a server of its own on a new data directory, and removes both.\n" +
		"The exit code is 1 when the run failed or a bound was not kept.\n\n" +
		"Examples:\n   klatch bench --rate 400 --duration 30s rooms\n" +
		"   klatch bench --max-p99 5ms --max-lost 0 --report rooms.html rooms\n" +
		"   klatch bench --report hall.html find-max hall\n   klatch bench --protocol socketio storm\n" +
		"   klatch bench --url http://127.0.0.1:8080,http://127.0.0.1:8090 --metrics 127.0.0.1:8081,127.0.0.1:8091 rooms")
	return b.String()
}

func benchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "url", Usage: "base `ADDRESS` of a running node, http://IP:PORT; may repeat: the users of each room are spread over all"},
		&cli.StringSliceFlag{Name: "metrics", Usage: "ops `ADDRESS` of a node of --url, to tell its CPU and memory; may repeat: the sum is told"},
		&cli.StringFlag{Name: "auth-jwt-secret", Usage: "the `SECRET` that the nodes of --url were given", EnvVars: []string{envName("auth-jwt-secret")}},
		&cli.StringFlag{Name: "protocol", Usage: "`FORMAT` of the users' frames: json, cbor or socketio (klatch's protocol over Socket.IO)", Value: "json"},
		&cli.IntFlag{Name: "users", Usage: "connections", DefaultText: ofScenario},
		&cli.IntFlag{Name: "rooms", Usage: "rooms that the users are spread over", DefaultText: ofScenario},
		&cli.Float64Flag{Name: "rate", Usage: "posts (history, pages: pages) a second, in all; where find-max begins", DefaultText: ofScenario},
		&cli.IntFlag{Name: "body", Usage: "`BYTES` of a message", DefaultText: ofScenario},
		&cli.IntFlag{Name: "stalled", Usage: "users who stop reading when the load starts"},
		&cli.IntFlag{Name: "messages", Usage: "storm: posts in each room meanwhile; history, pages: messages in each room", DefaultText: ofScenario},
		&cli.BoolFlag{Name: "no-cache", Usage: "pages: ask with Cache-Control: no-cache, which a node answers without its caches"},
		&cli.DurationFlag{Name: "warmup", Usage: "load before the measuring, such as 2s", DefaultText: ofScenario},
		&cli.DurationFlag{Name: "duration", Usage: "how long to measure, such as 30s", DefaultText: ofScenario},
		&cli.DurationFlag{Name: "max-p99", Usage: "fail when p99 is above this, such as 5ms (storm: of one client's way in); find-max: the bound to keep", DefaultText: "100ms for find-max, else not checked"},
		&cli.IntFlag{Name: "max-lost", Usage: "fail when more than `N` messages are lost, doubled or out of order, or pages lost or stale", DefaultText: "not checked"},
		&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		&cli.StringFlag{Name: "report", Usage: "write a page with figures and plots to `FILE`, such as rooms.html"},
	}
}

// unused are the flags that mean nothing to a kind of scenario.
var unused = map[bench.Kind][]string{
	bench.Fanout:  {"messages", "no-cache"},
	bench.FindMax: {"messages", "no-cache", "stalled", "max-lost"}, // a rate with losses does not hold
	bench.Idle:    {"rate", "body", "stalled", "messages", "no-cache", "warmup", "max-p99", "max-lost"},
	bench.Storm:   {"rate", "stalled", "no-cache", "warmup"},
	bench.History: {"stalled", "no-cache"},
	bench.Pages:   {"stalled", "protocol"}, // it is HTTP
}

// benchConfig is the scenario that the arguments name, with what the flags change of it.
func benchConfig(c *cli.Context) (name string, cfg bench.Config, err error) {
	if name, cfg, err = benchScenario(c); err != nil {
		return name, cfg, err
	}
	for _, flag := range unused[cfg.Kind] {
		if c.IsSet(flag) {
			return name, cfg, usageErrorf(c, "--%s means nothing to %s", flag, name)
		}
	}
	for flag, field := range map[string]*int{
		"users": &cfg.Users, "rooms": &cfg.Rooms, "body": &cfg.Body, "stalled": &cfg.Stalled, "messages": &cfg.Messages,
	} {
		if c.IsSet(flag) {
			*field = c.Int(flag)
		}
	}
	if c.IsSet("rate") {
		cfg.Rate = c.Float64("rate")
	}
	if c.IsSet("duration") {
		cfg.Duration = c.Duration("duration")
	}
	if c.IsSet("warmup") {
		cfg.Warmup = c.Duration("warmup")
	}
	if c.IsSet("max-p99") {
		cfg.MaxP99 = c.Duration("max-p99")
	}
	cfg.NoCache = c.Bool("no-cache")
	cfg.URLs, cfg.Metrics = c.StringSlice("url"), c.StringSlice("metrics")
	cfg.Secret = []byte(c.String("auth-jwt-secret"))
	return name, cfg, nil
}

// benchScenario reads the arguments.
func benchScenario(c *cli.Context) (name string, cfg bench.Config, err error) {
	args := slices.Clone(c.Args().Slice())
	searching := len(args) > 0 && args[0] == findMax
	if searching {
		args = args[1:]
	}
	name = "rooms"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	cfg, ok := bench.Scenarios[name]
	switch {
	case strings.HasPrefix(name, "-"):
		return name, cfg, usageErrorf(c, "bench takes one scenario, after the flags, not also %q", name)
	case !ok:
		names := append(bench.ScenarioNames(), findMax)
		return name, cfg, usageErrorf(c, "there is no scenario %q%s; the scenarios are %s", name, didYouMean(name, names), strings.Join(names, ", "))
	case len(args) > 0:
		return name, cfg, usageErrorf(c, "bench takes one scenario, after the flags, not also %q", args[0])
	case searching && cfg.Kind != bench.Fanout:
		return name, cfg, usageErrorf(c, "%s searches with rooms or hall, not %s", findMax, name)
	case searching:
		return findMax + " " + name, cfg.ToFindMax(), nil
	}
	return name, cfg, nil
}
