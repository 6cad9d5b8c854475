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
	return storeCommand(&cli.Command{
		Name:  "compact",
		Usage: "rewrite the store without what was overwritten or deleted",
		Description: "A running node serves meanwhile. It needs as much free space as the store takes. The store does this by itself too, bit by bit: after a purge this is for who wants the space at once.\n\n" +
			"Example:\n   klatch admin compact --data /var/lib/klatch",
	}, compact)
}

func compact(ctx context.Context, c *cli.Context) error {
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

func compacted(ctx context.Context, c *cli.Context) (storage.Compacted, error) {
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	data, tell := c.String("data"), progress.tables("compact")
	return nodeOrDirectory(ctx, data, func(o *operator) (done storage.Compacted, err error) {
		return done, o.stream(ctx, "/store/compact", nil, &done, tell)
	}, func() (done storage.Compacted, err error) {
		store, err := openStopped(data)
		if err != nil {
			return done, err
		}
		done, err = store.Compact(ctx, tell)
		return done, errors.Join(err, store.Close())
	})
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
