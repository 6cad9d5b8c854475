package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage/backup"
)

func backupCommand() *cli.Command {
	c := storeCommand(&cli.Command{
		Name: "backup", Usage: "back a node up, while it serves or when it is stopped", ArgsUsage: "DIR",
		Description: "Writes the store as it is at one moment, and the configuration, to a directory that is missing or empty, or with - in its place to standard output as a tar stream. " +
			"A node that runs goes on serving. What is there when the command ends with 0 is whole, and on disk.\n\n" +
			"A backup holds secrets: password hashes, the cluster key and the secret for another backend's tokens. It is readable for its owner alone; keep it so.\n\n" +
			"Examples:\n   klatch admin backup /var/backups/klatch/monday --data /var/lib/klatch\n" +
			"   klatch admin backup - --data /var/lib/klatch | zstd >monday.tar.zst\n" +
			"   klatch admin backup verify /var/backups/klatch/monday",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "`FILE` of a stopped node's settings, to keep with its data; one that runs tells its own", EnvVars: []string{envName("config")}},
		},
	}, runBackup)
	c.Subcommands = []*cli.Command{verifyCommand()}
	return c
}

func runBackup(ctx context.Context, c *cli.Context) error {
	where := c.Args().First()
	switch {
	case where != standardStream:
	case c.Bool("json"):
		return usageErrorf(c, "--json tells of a DIR: with - the backup itself is the result")
	case terminalOf(c.App.Writer) != nil:
		return usageErrorf(c, "a backup is not for a terminal: redirect it to a file, or name a directory")
	}
	sum, err := backUp(ctx, c, where)
	switch {
	case err != nil:
		return err
	case where == standardStream:
		_, err = fmt.Fprintf(c.App.ErrWriter, "klatch: backed up %d events of node %s; the manifest's SHA-256 is %s\n", sum.Events, sum.Node, sum.SHA256)
		return err
	}
	return writeSummary(c, where, sum)
}

// backUp has the running node make a backup; where none runs, it makes one of the directory.
func backUp(ctx context.Context, c *cli.Context, where string) (backup.Summary, error) {
	data, progress := c.String("data"), newProgress(c.App.ErrWriter)
	defer progress.end()
	tell := progress.bytes("backup")
	return nodeOrDirectory(ctx, data, func(o *operator) (sum backup.Summary, err error) {
		stream, err := o.backup(ctx)
		if err != nil {
			return sum, err
		}
		defer stream.Body.Close()
		to, err := backupTarget(c, where)
		if err != nil {
			return sum, err
		}
		sum, err = backup.Copy(ctx, backup.OpenTar(stream.Body), to, tell)
		if err != nil && ctx.Err() != nil {
			return sum, ctx.Err()
		}
		return sum, unfinished(stream, data, err)
	}, func() (backup.Summary, error) { return backUpStopped(ctx, c, where, tell) })
}

// unfinished adds why the node broke a stream off, if it did.
func unfinished(stream *http.Response, data string, err error) error {
	var cut *backup.DamageError
	if why := stream.Trailer.Get(backupError); err != nil && why != "" {
		return fmt.Errorf("the node in %s gave up: %s", data, why)
	}
	if errors.As(err, &cut) {
		return fmt.Errorf("the node in %s broke off: %w", data, err)
	}
	return err
}

func backUpStopped(ctx context.Context, c *cli.Context, where string, tell func(int64)) (sum backup.Summary, err error) {
	var settings recipe
	if file := c.String("config"); file != "" {
		flags := func(name string) (string, bool) { return file, name == "config" }
		config, err := loadConfig(flags, os.LookupEnv)
		if err != nil {
			return sum, usageErrorf(c, "%w", err)
		}
		settings = config.recipe
	}
	store, err := openStopped(c.String("data"))
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	to, err := backupTarget(c, where)
	if err != nil {
		return sum, err
	}
	return backup.Make(ctx, backupSource(store, settings), to, tell)
}

func backupTarget(c *cli.Context, where string) (backup.Target, error) {
	if where == standardStream {
		return backup.NewTar(c.App.Writer), nil
	}
	return backup.NewDirectory(Disk, where)
}

func backupSource(store backup.Store, settings recipe) backup.Source {
	return backup.Source{Store: store, Version: currentVersion().Version, Config: settings.files(), Now: Clock}
}

// backup asks a running node for a backup. Its body is the tar stream.
func (o *operator) backup(ctx context.Context) (*http.Response, error) {
	return o.open(ctx, http.MethodPost, "/backup", nil)
}

// backupFacts is a backup in JSON.
type backupFacts struct {
	Backup   string    `json:"backup"`
	Intact   bool      `json:"intact"`
	Klatch   string    `json:"klatch"`
	Node     string    `json:"node"`
	Position string    `json:"position"`
	Events   uint64    `json:"events"`
	At       time.Time `json:"at"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`
	SHA256   string    `json:"sha256"`
}

func factsOf(where string, s backup.Summary) backupFacts {
	return backupFacts{where, true, s.Klatch, s.Node, s.Position.String(), s.Events, s.At, len(s.Files), s.Bytes(), s.SHA256}
}

func writeSummary(c *cli.Context, where string, s backup.Summary) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(factsOf(where, s))
	}
	table := newTabwriter(c.App.Writer)
	fmt.Fprintln(table, "BACKUP\tNODE\tKLATCH\tMADE\tEVENTS\tFILES\tBYTES\tSHA-256")
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", where, s.Node, told(s.Klatch), s.At.Format(time.RFC3339), s.Events, len(s.Files), s.Bytes(), s.SHA256)
	return table.Flush()
}
