// Command peers puts klatch and other servers under the same load, by turns on
// the same machine, and prints how they compare.
//
//	go run ./bench/peers [flags] [SCENARIO ...]
//
// It starts every server itself, as processes of their own on loopback, with
// data in a temporary directory, and ends them however it ends (guard). klatch
// has two names: its clients speak its own protocol, or Socket.IO. The others are
// what somebody would build a chat from: Socket.IO (server.mjs) alone, with its
// Redis adapter, and with a row in PostgreSQL before each broadcast; and NATS,
// which relays what clients write. The bare server is no peer but the floor: what
// the kernel takes for the same deliveries.
//
// Pages of messages over HTTP are compared with what many put in front of their
// database: Express with answers kept in Redis (express/server.mjs). Both are
// asked by wrk, as fast as they answer, for the newest page of one room: as it
// is, in gzip, and with the ETag of who has it and is told so (304).
//
// All run with their defaults and what their documentation advises for
// production, deliver messages of one size and shape (message.go), and are
// measured by package bench: same clients, same schedule, same checks. Only
// klatch stores what it delivers and can fill a gap afterwards, socketio-pg
// stores without the latter, and the rest keep nothing; and only where ids tell
// a room's order is that checked.
//
// What it does not even out: klatch acknowledges each post, the others none, and
// klatch-socketio sends a cursor with each message, for what they cannot fill. wrk
// shares the machine with the servers. Socket.IO runs on one core a process, as Node.js
// does, and klatch, NATS and PostgreSQL on all; and the memory of PostgreSQL is
// the sum of its processes', which counts what they share once for each.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

// roles are what this program runs of itself as further processes.
var roles = map[string]func() error{
	"guard":      func() error { return serveGuard(os.Stdin) },
	"serve-nats": func() error { return serveNATS(os.Stdout) },
	"serve-bare": func() error { return serveBare(os.Stdout) },
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

type options struct {
	files    files
	servers  string
	rounds   int
	duration time.Duration
	json     bool
	check    bool
	names    []string // of scenarios
}

func run(args []string, out, progress io.Writer) error {
	if len(args) == 1 && roles[args[0]] != nil {
		return roles[args[0]]()
	}
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return compare(ctx, o, out, progress)
}

func parse(args []string, messages io.Writer) (o options, err error) {
	var all []string
	for _, c := range contenders {
		all = append(all, c.name)
	}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(messages)
	f.StringVar(&o.servers, "servers", strings.Join(all, ","), "`NAMES` of servers, with commas between")
	f.IntVar(&o.rounds, "rounds", 2, "how often everything is measured")
	f.DurationVar(&o.duration, "duration", 0, "how long each load at a fixed rate is measured (default: the scenario's)")
	f.BoolVar(&o.json, "json", false, "print all results as JSON")
	f.BoolVar(&o.check, "check", false, "only see whether every server works")
	f.StringVar(&o.files.klatch, "klatch", "", "`BINARY` of klatch (default: built now)")
	f.StringVar(&o.files.socketIO, "socketio", "bench/peers/socketio", "`DIRECTORY` of the Socket.IO server")
	f.StringVar(&o.files.express, "express", "bench/peers/express", "`DIRECTORY` of the Express server")
	f.Usage = func() {
		fmt.Fprintf(messages, "usage: peers [flags] [SCENARIO ...]\n\nscenarios: %s\nservers:\n", namesOf(scenarios(0)))
		for _, c := range contenders {
			fmt.Fprintf(messages, "  %-15s  %s\n", c.name, c.about)
		}
		fmt.Fprintln(messages, "flags:")
		f.PrintDefaults()
	}
	err = f.Parse(args)
	o.names = f.Args()
	if err == nil && o.rounds < 1 {
		err = errors.New("--rounds must be at least 1")
	}
	return o, err
}

func compare(ctx context.Context, o options, out, progress io.Writer) (err error) {
	c := &comparison{rounds: o.rounds, progress: progress}
	if c.contenders, err = chosen(strings.Split(o.servers, ",")); err != nil {
		return err
	}
	if c.scenarios, err = choose(scenarios(o.duration), o.names); err != nil {
		return err
	}
	if c.house, err = openHouse(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.house.close()) }()
	if c.files, err = prepared(ctx, c, o.files); err != nil {
		return err
	}
	if o.check {
		return c.check(ctx, out)
	}
	had := versions(ctx, c.contenders, c.files)
	if !o.json {
		writeVersions(out, had)
	}
	err = c.run(ctx)
	return errors.Join(err, c.report(out, o.json, had), errors.Join(c.errs...))
}

// prepared builds klatch where it is needed and not given.
func prepared(ctx context.Context, c *comparison, f files) (_ files, err error) {
	for _, dir := range []*string{&f.socketIO, &f.express} {
		if *dir, err = filepath.Abs(*dir); err != nil {
			return f, err
		}
	}
	isKlatch := func(one contender) bool { return slices.Contains(one.tools, "klatch") }
	if f.klatch != "" || !slices.ContainsFunc(c.contenders, isKlatch) {
		return f, nil
	}
	f.klatch = filepath.Join(c.house.dir, "klatch")
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", f.klatch, "./cli/klatch").CombinedOutput(); err != nil {
		return f, fmt.Errorf("build klatch: %w\n%s", err, said)
	}
	return f, nil
}

func (c *comparison) report(out io.Writer, asJSON bool, had map[string]string) error {
	if !asJSON {
		return c.write(out)
	}
	var all []bench.Result
	for _, s := range c.scenarios {
		for _, name := range c.rows(s) {
			all = append(all, c.results[cell{s.Name, name}]...)
		}
	}
	return json.NewEncoder(out).Encode(struct {
		Machine  string            `json:"machine"`
		Versions map[string]string `json:"versions"`
		Results  []bench.Result    `json:"results"`
	}{machine(), had, all})
}

func writeVersions(out io.Writer, had map[string]string) {
	fmt.Fprintln(out, machine())
	for _, tool := range slices.Sorted(maps.Keys(had)) {
		fmt.Fprintf(out, "%s %s\n", tool, had[tool])
	}
}
