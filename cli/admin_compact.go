package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
)

func compactCommand() *cli.Command {
	return &cli.Command{
		Name:      "compact",
		Usage:     "rewrite the store without what was overwritten or deleted",
		UsageText: "klatch admin compact [--data DIR] [--json]",
		Description: "A running node serves meanwhile. It needs as much free space as the store takes. The store does this by itself too, bit by bit: after a purge this is for who wants the space at once.\n\n" +
			"Example:\n   klatch admin compact --data /var/lib/klatch",
		Flags:  []cli.Flag{dataFlag(), jsonFlag()},
		Action: compact,
	}
}

func compact(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop()
	done, err := compacted(ctx, c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(done)
	}
	_, err = fmt.Fprintf(c.App.Writer, "tables had %s, and have %s\n", byteText(done.Before), byteText(done.After))
	return err
}

func compacted(ctx context.Context, c *cli.Context) (done storage.Compacted, err error) {
	long := newLongWork(c.App.ErrWriter)
	defer long.end()
	o := newOperator(c.String("data"), 0)
	runs, err := o.nodeRuns(ctx)
	if err != nil {
		return done, err
	}
	if runs {
		return done, o.stream(ctx, "/store/compact", nil, &done, long.tell)
	}
	if err := storage.MustExist(c.String("data"), Disk); err != nil {
		return done, err
	}
	store, err := storage.Open(c.String("data"), storage.Options{FS: Disk, Now: Clock})
	if err != nil {
		return done, err
	}
	done, err = store.Compact(ctx, long.tell)
	return done, errors.Join(err, store.Close())
}

func byteText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
