package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
)

// ofScenario is the default of most flags, for --help.
const ofScenario = "the scenario's"

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "put a node under load and report",
		UsageText: "klatch bench [flags] [SCENARIO]",
		Description: "Scenarios: rooms (1,000 users in 50 rooms of 20), hall (1,000 users in one room).\n" +
			"Without --url it starts a server of its own on a new data directory, and removes both.\n\n" +
			"Example:\n   klatch bench --rate 400 --duration 30s rooms",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "url", Usage: "base `ADDRESS` of a running node; may repeat"},
			&cli.StringFlag{Name: "auth-jwt-secret", Usage: "the `SECRET` that the nodes of --url were given", EnvVars: []string{envName("auth-jwt-secret")}},
			&cli.IntFlag{Name: "users", Usage: "connections", DefaultText: ofScenario},
			&cli.IntFlag{Name: "rooms", Usage: "rooms that the users are spread over", DefaultText: ofScenario},
			&cli.Float64Flag{Name: "rate", Usage: "posts a second, in all", DefaultText: ofScenario},
			&cli.IntFlag{Name: "body", Usage: "`BYTES` of a message", DefaultText: ofScenario},
			&cli.IntFlag{Name: "stalled", Usage: "users who stop reading when the load starts"},
			&cli.DurationFlag{Name: "duration", Usage: "how long to measure, such as 30s", DefaultText: ofScenario},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		},
		Action: runBench,
	}
}

// benchConfig is the scenario with what the flags change of it.
func benchConfig(c *cli.Context) (cfg bench.Config, err error) {
	name := "rooms"
	if c.Args().Present() {
		name = c.Args().First()
	}
	if name == "find-max" {
		name = "rooms"
		if c.NArg() > 1 {
			name = c.Args().Get(1)
		}
		defer func() { cfg = cfg.ToFindMax() }()
	}
	var ok bool
	cfg, ok = bench.Scenarios[name]
	if !ok {
		var names []string
		for n := range bench.Scenarios {
			names = append(names, n)
		}
		slices.Sort(names)
		return cfg, usageErrorf(c, "there is no scenario %q; the scenarios are %s", name, strings.Join(names, ", "))
	}
	for flag, field := range map[string]*int{"users": &cfg.Users, "rooms": &cfg.Rooms, "body": &cfg.Body, "stalled": &cfg.Stalled} {
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
	cfg.URLs, cfg.Secret = c.StringSlice("url"), []byte(c.String("auth-jwt-secret"))
	if len(cfg.URLs) > 0 && len(cfg.Secret) == 0 {
		return cfg, usageErrorf(c, "--url needs --auth-jwt-secret: the load's users sign in with tokens made from it")
	}
	check := cfg
	if len(check.URLs) == 0 {
		check.URLs = []string{"http://127.0.0.1:1"}
	}
	if err := check.Validate(); err != nil {
		return cfg, usageErrorf(c, "%w", err)
	}
	return cfg, nil
}

func runBench(c *cli.Context) (err error) {
	cfg, err := benchConfig(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(cfg.URLs) == 0 {
		server, clean, err := ownServer(ctx, c.App.ErrWriter)
		if err != nil {
			return err
		}
		defer clean()
		cfg.URLs, cfg.Secret = []string{server.URL}, server.Secret
		cfg.PIDs, cfg.Metrics = []int{server.PID()}, []string{server.Metrics}
	}
	cfg.Progress = progress(c.App.ErrWriter)
	r, err := bench.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(r)
	}
	return r.WriteTable(c.App.Writer)
}

// ownServer starts this binary as a server on a new data directory.
func ownServer(ctx context.Context, stderr io.Writer) (s *bench.Server, clean func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	data, err := os.MkdirTemp("", "klatch-bench-")
	if err != nil {
		return nil, nil, err
	}
	remove := func() { os.RemoveAll(data) }
	if s, err = bench.StartServer(ctx, bench.ServerConfig{Binary: self, Data: data, Stderr: stderr}); err != nil {
		remove()
		return nil, nil, err
	}
	return s, func() {
		if err := s.Stop(); err != nil {
			fmt.Fprintf(stderr, "klatch: the bench's server: %v\n", err)
		}
		remove()
	}, nil
}

// progress prints a line that rewrites itself, where stderr is a terminal.
func progress(w io.Writer) func(bench.Progress) {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(p bench.Progress) {
		fmt.Fprintf(f, "\r%-40s %3.0f %%", p.Phase, 100*p.Done)
	}
}
