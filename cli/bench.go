package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/bench"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:        "bench",
		Usage:       "put a node under load and report",
		UsageText:   "klatch bench [flags] [SCENARIO]\nklatch bench [flags] find-max [rooms|hall]",
		Description: benchDescription(),
		Flags:       benchFlags(),
		Action:      runBench,
	}
}

var errInterrupted = errors.New("interrupted")

func runBench(c *cli.Context) error {
	plan, err := benchPlanOf(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := openReport(c.String("report"))
	if err != nil {
		return err
	}
	defer report.discard()
	r, err := plan.run(ctx, c)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil && len(r.Trials) == 0 {
		return err
	}
	broken := plan.bounds.broken(r) // looked at after the result has been shown
	if err := errors.Join(showResult(c, r), err); err != nil {
		return err
	}
	if err := report.write(plan.report(r, broken)); err != nil {
		return err
	}
	return broken
}

// run drives the nodes of --url, or a server of its own.
func (p *benchPlan) run(ctx context.Context, c *cli.Context) (r bench.Result, err error) {
	p.server = runningServer(p.config.URLs)
	if len(p.config.URLs) == 0 {
		own, err := startOwnServer(ctx, c.App.ErrWriter, p.config)
		if err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, own.stop(ctx, err)) }()
		p.server = currentVersion().String()
		p.config.URLs, p.config.Secret = []string{own.URL}, own.Secret
		p.config.PIDs, p.config.Metrics = []int{own.PID()}, []string{own.Metrics}
	}
	p.config.Protocol = p.protocol(p.config.Secret)
	bar := newProgressBar(c.App.ErrWriter)
	p.config.Progress = bar.show()
	r, err = bench.Run(ctx, p.config)
	bar.clear()
	r.Scenario, r.Server = p.scenario, p.server
	return r, err
}

func showResult(c *cli.Context, r bench.Result) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(r)
	}
	return r.WriteTable(c.App.Writer)
}
