package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
)

// rebuilt is what a rebuild answers: how the store was, what was done, and how it is.
type rebuilt struct {
	Before  storage.CheckReport   `json:"before"`
	Rebuild storage.RebuildReport `json:"rebuild"`
	After   *storage.CheckReport  `json:"after,omitempty"` // nil: nothing was changed
}

func rebuild(ctx context.Context, c *cli.Context) error {
	runs, err := newOperator(c.String("data"), answerPatience).runs(ctx)
	if err != nil {
		return err
	}
	if runs {
		return fmt.Errorf("a node runs in %s: stop it first, a rebuild replaces what it works on", c.String("data"))
	}
	var done rebuilt
	if done.Before, err = checked(ctx, c); err != nil {
		return err
	}
	done.Rebuild, err = rebuildStore(ctx, c, c.Bool("yes"))
	if errors.Is(err, storage.ErrLoss) && !c.Bool("dry-run") {
		if err = sureToLose(c, done.Rebuild); err == nil {
			done.Rebuild, err = rebuildStore(ctx, c, true)
		}
	}
	if c.Bool("dry-run") && errors.Is(err, storage.ErrLoss) {
		err = nil
	}
	if err != nil {
		return err
	}
	if !c.Bool("dry-run") {
		after, err := checked(ctx, c)
		if err != nil {
			return err
		}
		done.After = &after
	}
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(done)
	} else {
		err = writeRebuilt(c.App.Writer, done)
	}
	if done.After != nil {
		err = errors.Join(err, verdict(*done.After))
	}
	return err
}

func rebuildStore(ctx context.Context, c *cli.Context, lose bool) (storage.RebuildReport, error) {
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	return storage.Rebuild(ctx, c.String("data"), toolOptions(),
		storage.RebuildOptions{Lose: lose, Dry: c.Bool("dry-run"), Progress: progress.phases("rebuild")})
}

// sureToLose asks whether to go on without what is lost; where nobody can answer, that is wrong usage.
func sureToLose(c *cli.Context, r storage.RebuildReport) error {
	if err := writeLosses(c.App.ErrWriter, r.Lost); err != nil {
		return err
	}
	if terminalOf(c.App.Reader) == nil {
		return usageErrorf(c, "%w: nothing was changed; --yes rebuilds without them", storage.ErrLoss)
	}
	return confirm(c, "Rebuild without these events?")
}

func writeRebuilt(w io.Writer, r rebuilt) error {
	if err := writeCheck(w, r.Before); err != nil {
		return err
	}
	if err := writeLosses(w, r.Rebuild.Lost); err != nil {
		return err
	}
	if r.Rebuild.Recovered > 0 {
		fmt.Fprintf(w, "%d entries of the log made again from their messages\n", r.Rebuild.Recovered)
	}
	if r.After == nil {
		_, err := fmt.Fprintf(w, "would rebuild from %d events; nothing was changed\n", r.Rebuild.Events)
		return err
	}
	if r.Rebuild.NewNode != "" {
		fmt.Fprintf(w, "the node is %s from now on, for others may have events of it that it has lost\n", r.Rebuild.NewNode)
	}
	fmt.Fprintf(w, "rebuilt from %d events in %.1f s\n", r.Rebuild.Events, r.Rebuild.Seconds)
	return writeCheck(w, *r.After)
}

func writeLosses(w io.Writer, losses []storage.Loss) error {
	if len(losses) == 0 {
		return nil
	}
	table := newTabwriter(w)
	fmt.Fprintln(table, "LEFT OUT: NODE\tEVENTS\tCODE\tWHY")
	for _, l := range losses {
		fmt.Fprintf(table, "%s\t%d to %d\t%s\t%s\n", l.Origin, l.First, l.Last, l.Code, singleLine(l.What))
	}
	return table.Flush()
}

// singleLine keeps a text in its row of a table.
func singleLine(text string) string { return strings.Join(strings.Fields(text), " ") }
