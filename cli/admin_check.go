package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
)

func checkCommand() *cli.Command {
	return storeCommand(&cli.Command{
		Name:  "check",
		Usage: "read the whole store and compare everything in it with the log",
		Description: "A running node checks its own store, as it is at that moment, and serves meanwhile. Otherwise the directory is read, and not changed.\n\n" +
			"--rebuild makes everything that is derived from the log again, in one step, and checks before and after; the node may not run. What the log itself " +
			"has lost it cannot bring back: it says what that is, and leaves it out, with all later events of the same node, only with --yes. Other nodes of a cluster send those again. " +
			"If the directory is the only one, restore a backup instead.\n\n" +
			"Ends with 1 if anything is damaged.\n\n" +
			"Examples:\n   klatch admin check --data /var/lib/klatch\n   klatch admin check --rebuild --data /var/lib/klatch",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "findings", Usage: "tell of at most `N` findings one by one, beside their counts", Value: 100},
			&cli.BoolFlag{Name: "rebuild", Usage: "make the views again from the log"},
			&cli.BoolFlag{Name: "dry-run", Usage: "with --rebuild: change nothing, and tell what would be lost"},
			&cli.BoolFlag{Name: "yes", Usage: "with --rebuild: leave out what the log has lost, without asking"},
		},
	}, check)
}

// maxFindings bounds what one answer lists.
const maxFindings = 100_000

func check(ctx context.Context, c *cli.Context) error {
	if n := c.Int("findings"); n < 1 || n > maxFindings {
		return usageErrorf(c, "--findings: from 1 to %d, not %d", maxFindings, n)
	}
	if !c.Bool("rebuild") && (c.Bool("yes") || c.Bool("dry-run")) {
		return usageErrorf(c, "--yes and --dry-run are for --rebuild")
	}
	if c.Bool("rebuild") {
		return rebuild(ctx, c)
	}
	report, err := checked(ctx, c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = json.NewEncoder(c.App.Writer).Encode(report)
	} else {
		err = writeCheck(c.App.Writer, report)
	}
	return errors.Join(err, verdict(report))
}

// checked has the running node check its store, or reads the directory of one that does not run.
func checked(ctx context.Context, c *cli.Context) (storage.CheckReport, error) {
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	data, findings, tell := c.String("data"), c.Int("findings"), progress.phases("check")
	return nodeOrDirectory(ctx, data, func(o *operator) (report storage.CheckReport, err error) {
		return report, o.stream(ctx, "/store/check", checkRequest{findings}, &report, tell)
	}, func() (storage.CheckReport, error) {
		return storage.Check(ctx, data, toolOptions(), storage.CheckOptions{Findings: findings, Progress: tell})
	})
}

// verdict is the error of a store that is not whole.
func verdict(r storage.CheckReport) error {
	if r.OK() {
		return nil
	}
	total := uint64(0)
	for _, n := range r.Counts {
		total += n
	}
	text := fmt.Sprintf("the store is damaged: %d findings", total)
	if r.Unmendable > 0 {
		text += fmt.Sprintf(", of which %d are more than a rebuild is sure to mend", r.Unmendable)
	}
	return errors.New(text)
}

func writeCheck(w io.Writer, r storage.CheckReport) error {
	fmt.Fprintf(w, "read %d events, %d messages, %d keys in %d tables, %.1f MiB, in %.1f s\n",
		r.Events, r.Messages, r.Keys, r.Tables, float64(r.Bytes)/(1<<20), r.Seconds)
	if r.OK() {
		_, err := fmt.Fprintln(w, "no damage found")
		return err
	}
	table := newTabwriter(w)
	fmt.Fprintln(table, "\nCODE\tCOUNT")
	for _, code := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(table, "%s\t%d\n", code, r.Counts[code])
	}
	fmt.Fprintln(table, "\nCODE\tREBUILD MENDS\tKEY\tWHAT")
	for _, f := range r.Findings {
		mends := "yes"
		if !f.Mendable {
			mends = "not surely"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Code, mends, f.Key, singleLine(f.What))
	}
	if !r.Complete {
		fmt.Fprintln(table, "\nNot all could be read: there may be more.")
	}
	return table.Flush()
}
