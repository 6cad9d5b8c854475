package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage/backup"
)

func verifyCommand() *cli.Command {
	return longCommand(&cli.Command{
		Name: "verify", Usage: "check that a backup is whole, and name what is not", ArgsUsage: "BACKUP",
		Description: "Reads all of BACKUP: a directory, a tar stream in a file, or one on standard input (-).\n\n" +
			"Examples:\n   klatch admin backup verify /var/backups/klatch/monday\n   zstd -dc monday.tar.zst | klatch admin backup verify -",
	}, runVerify)
}

func runVerify(ctx context.Context, c *cli.Context) error {
	sum, err := verify(ctx, c, c.Args().First())
	var damage *backup.DamageError
	if errors.As(err, &damage) && c.Bool("json") {
		err = errors.Join(err, json.NewEncoder(c.App.Writer).Encode(map[string]any{"intact": false, "problems": damage.Problems, "more": damage.More}))
	}
	if err != nil {
		return err
	}
	return writeSummary(c, c.Args().First(), sum)
}

// verify reads all of a backup.
func verify(ctx context.Context, c *cli.Context, from string) (backup.Summary, error) {
	a, shut, err := openArchive(c, from)
	if err != nil {
		return backup.Summary{}, err
	}
	defer shut()
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	return backup.Verify(ctx, a, progress.bytes("verify"))
}

// openArchive opens what is named to be read as a backup.
func openArchive(c *cli.Context, from string) (a backup.Archive, shut func(), err error) {
	if from == standardStream {
		return backup.OpenTar(c.App.Reader), func() {}, nil
	}
	info, err := os.Stat(from)
	if err != nil {
		return nil, nil, fmt.Errorf("open the backup: %w", err)
	}
	if info.IsDir() {
		a, err = backup.OpenDirectory(Disk, from)
		return a, func() {}, err
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, nil, fmt.Errorf("open the backup: %w", err)
	}
	return backup.OpenTar(f), func() { _ = f.Close() }, nil
}
