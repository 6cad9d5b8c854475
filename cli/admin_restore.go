package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
)

func restoreCommand() *cli.Command {
	return storeCommand(&cli.Command{
		Name: "restore", Usage: "make a new node's data directory out of a backup", ArgsUsage: "BACKUP",
		Description: "BACKUP is a directory, a tar stream in a file, or one on standard input (-). Verifies it first, and writes only to a directory that is missing or empty. The node that starts there is a new one with all that the old one had at the time of the backup: " +
			"people stay signed in, and a cluster sends it what has happened since.\n\n" +
			"The backup's configuration is put into restored/ in the data directory, and not used before somebody names it with --config: with it the node joins the cluster that the old one was in.\n\n" +
			"Examples:\n   klatch admin restore /var/backups/klatch/monday --data /var/lib/klatch\n" +
			"   zstd -dc monday.tar.zst | klatch admin restore - --data /var/lib/klatch",
	}, runRestore)
}

// restored is what a restore has made, in JSON.
type restored struct {
	Data   string `json:"data"`
	Node   string `json:"node"`
	From   string `json:"from"` // the node that the backup is of
	Events uint64 `json:"events"`
	SHA256 string `json:"sha256"`
}

func runRestore(ctx context.Context, c *cli.Context) error {
	data := c.String("data")
	sum, origin, err := restore(ctx, c, c.Args().First(), data)
	if err != nil {
		if errors.Is(err, storage.ErrNotEmpty) {
			err = fmt.Errorf("%w: restore into a new one, or empty it first", err)
		}
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(restored{data, origin.String(), sum.Node, sum.Events, sum.SHA256})
	}
	fmt.Fprintf(c.App.Writer, "%s has %d events of node %s, and is node %s\n", data, sum.Events, sum.Node, origin)
	fmt.Fprintf(c.App.ErrWriter, "Start it by klatch serve --data %s, with --config %s if it is to run as the old node did.\n"+
		"In a cluster, have the others forget the old node, once it will not come back: klatch cluster leave --node %s\n",
		data, filepath.Join(data, "restored", "settings.yaml"), sum.Node)
	return nil
}

func restore(ctx context.Context, c *cli.Context, from, data string) (backup.Summary, engine.Origin, error) {
	if from != standardStream { // what can be read twice is, before anything is written
		if _, err := verify(ctx, c, from); err != nil {
			return backup.Summary{}, 0, err
		}
	}
	a, shut, err := openArchive(c, from)
	if err != nil {
		return backup.Summary{}, 0, err
	}
	defer shut()
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	return backup.Restore(ctx, a, data, toolOptions(), progress.bytes("restore"))
}
