package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine/api"
)

// seenStats are what a node tells of itself at one look.
type seenStats struct{ api.NodeStats }

func statsCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "stats", Usage: "show what a node does, or watch it",
		Description: "Rates and hit ratios are those between two looks with --watch, and since the node's start without. BEHIND counts the events that a member lacks of what this node has, AHEAD the reverse. " +
			"Ctrl-C ends --watch. Where the output is no terminal, --watch prints a line for each look.\n\n" +
			"Examples:\n   klatch admin stats\n   klatch admin stats --watch --interval 1s\n   klatch admin stats --watch --count 10 --json",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "watch", Usage: "look again and again"},
			&cli.DurationFlag{Name: "interval", Usage: "between two looks", Value: 2 * time.Second},
			&cli.IntFlag{Name: "count", Usage: "end after `N` looks; 0 is never"},
		},
	}, func(e *errand) error {
		if !e.Bool("watch") {
			return e.statsOnce()
		}
		return e.watchStats()
	})
}

// minInterval keeps a watcher from being a load of its own.
const minInterval = 100 * time.Millisecond

func (e *errand) statsOnce() error {
	if e.IsSet("interval") || e.IsSet("count") {
		return usageErrorf(e.Context, "--interval and --count are for --watch")
	}
	answer, err := e.node.call(e.Context.Context, "GET", all("stats"), nil)
	if err != nil {
		return err
	}
	return tell(e, answer, writeStats)
}

func (e *errand) watchStats() error {
	switch {
	case e.Duration("interval") < minInterval:
		return usageErrorf(e.Context, "--interval: %s is too short: at least %s", e.Duration("interval"), minInterval)
	case e.Int("count") < 0:
		return usageErrorf(e.Context, "--count: %d is less than none", e.Int("count"))
	}
	ctx, stop := interruptible(e.Context)
	defer stop()
	view := e.statsView()
	defer view.end()
	ticks := time.NewTicker(e.Duration("interval"))
	defer ticks.Stop()
	for looks := 1; ; looks++ {
		if err := e.look(ctx, view); err != nil {
			return err
		}
		if looks == e.Int("count") {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// look asks once and shows the answer; that somebody has seen enough is no error.
func (e *errand) look(ctx context.Context, view statsView) error {
	answer, err := e.node.call(ctx, "GET", all("stats"), nil)
	switch {
	case errors.Is(err, context.Canceled):
		return nil
	case err != nil:
		return err
	}
	var now seenStats
	if err := json.Unmarshal(answer, &now); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return view.show(answer, &now, time.Now())
}

// statsView shows looks one after the other.
type statsView interface {
	show(answer []byte, now *seenStats, at time.Time) error
	end()
}

func (e *errand) statsView() statsView {
	if e.Bool("json") {
		return jsonView{e.App.Writer}
	}
	if screen := terminalOf(e.App.Writer); screen != nil {
		return &screenView{w: screen, size: sizeOf(screen)}
	}
	return &lineView{w: e.App.Writer}
}
