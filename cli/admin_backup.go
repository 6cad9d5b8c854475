package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/backup"
)

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "back a node up, while it serves or when it is stopped",
		UsageText: "klatch admin backup DIR|- [--data DIR] [--json]\n   klatch admin backup verify DIR|FILE|- [--json]",
		Description: "Writes the store as it is at one moment, and the configuration, to a directory that is missing or empty, or to standard output (-) as a tar stream. " +
			"A node that runs goes on serving. What is there when the command ends with 0 is whole, and on disk.\n\n" +
			"A backup holds secrets: password hashes, the cluster key and the secret for another backend's tokens. It is readable for its owner alone; keep it so.\n\n" +
			"Examples:\n   klatch admin backup /var/backups/klatch/monday --data /var/lib/klatch\n" +
			"   klatch admin backup - --data /var/lib/klatch | zstd > monday.tar.zst\n" +
			"   klatch admin backup verify /var/backups/klatch/monday",
		Flags: []cli.Flag{
			dataFlag(), jsonFlag(),
			&cli.StringFlag{Name: "config", Usage: "`FILE` of a stopped node's settings, to keep with its data; one that runs tells its own", EnvVars: []string{envName("config")}},
		},
		Subcommands: []*cli.Command{verifyCommand()},
		Action:      runBackup,
	}
}

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:        "verify",
		Usage:       "check that a backup is whole, and name what is not",
		UsageText:   "klatch admin backup verify DIR|FILE|- [--json]",
		Description: "Reads all of a backup: a directory, or a tar stream in a file or on standard input (-).\n\nExamples:\n   klatch admin backup verify /var/backups/klatch/monday\n   zstd -dc monday.tar.zst | klatch admin backup verify -",
		Flags:       []cli.Flag{jsonFlag()},
		Action:      runVerify,
	}
}

const toStdout = "-"

func runBackup(c *cli.Context) error {
	where, err := oneArgument(c, "the directory to write to, or - for a tar stream")
	if err != nil {
		return err
	}
	if where == toStdout && terminalOf(c.App.Writer) != nil {
		return usageErrorf(c, "a backup is not for a terminal: redirect it to a file, or name a directory")
	}
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	sum, err := backUp(ctx, c, where)
	switch {
	case err != nil:
		return err
	case where == toStdout:
		_, err = fmt.Fprintf(c.App.ErrWriter, "klatch: backed up %d events of node %s; the manifest's SHA-256 is %s\n", sum.Events, sum.Node, sum.SHA256)
		return err
	}
	return writeSummary(c, where, sum)
}

// backUp has the running node make a backup; where none runs, it makes one of the directory.
func backUp(ctx context.Context, c *cli.Context, where string) (backup.Summary, error) {
	data, progress := c.String("data"), newTransfer(c.App.ErrWriter, "backup")
	defer progress.end()
	stream, err := newOperator(data, 0).backup(ctx)
	if err == nil {
		defer stream.Body.Close()
		to, err := backupTarget(c, where)
		if err != nil {
			return backup.Summary{}, err
		}
		sum, err := backup.Copy(ctx, backup.OpenTar(stream.Body), to, progress.show)
		return sum, unfinished(stream, data, err)
	}
	if !errors.Is(err, errNoNode) {
		return backup.Summary{}, err
	}
	return backUpStopped(ctx, c, data, where, progress)
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

func backUpStopped(ctx context.Context, c *cli.Context, data, where string, progress *transfer) (sum backup.Summary, err error) {
	var settings recipe
	if file := c.String("config"); file != "" {
		flags := func(name string) (string, bool) { return file, name == "config" }
		config, err := loadConfig(flags, os.LookupEnv)
		if err != nil {
			return sum, usageErrorf(c, "%w", err)
		}
		settings = config.recipe
	}
	store, err := openStopped(data)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	to, err := backupTarget(c, where)
	if err != nil {
		return sum, err
	}
	return backup.Make(ctx, backupSource(store, settings), to, progress.show)
}

// offlineMemory is for the caches of a store that is read once.
const offlineMemory = 64 << 20

func openStopped(data string) (*storage.Store, error) {
	there, err := storage.Exists(data, Disk)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("there is no node's data in %s: name its directory with --data", data)
	}
	return storage.Open(data, storage.Options{Memory: offlineMemory, FS: Disk, Now: Clock})
}

func backupTarget(c *cli.Context, where string) (backup.Target, error) {
	if where == toStdout {
		return backup.NewTar(c.App.Writer), nil
	}
	return backup.NewDirectory(Disk, where)
}

func backupSource(store backup.Store, settings recipe) backup.Source {
	return backup.Source{Store: store, Version: currentVersion().Version, Config: settings.files(), Now: Clock}
}

var errNoNode = errors.New("no node runs there")

// backup asks a running node for a backup. Its body is the tar stream.
func (o *operator) backup(ctx context.Context) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/backup", nil)
	if err != nil {
		return nil, err
	}
	resp, err := o.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, errNoNode
	case err != nil:
		return nil, o.unreached(err)
	case resp.StatusCode == http.StatusOK:
		return resp, nil
	}
	defer resp.Body.Close()
	var no refusal
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&no); err != nil || no.Detail == "" {
		return nil, fmt.Errorf("the node in %s answers %s: is it of another version?", o.data, resp.Status)
	}
	return nil, errors.New(no.Detail)
}

func runVerify(c *cli.Context) error {
	from, err := oneArgument(c, "a backup: a directory, a file or - for standard input")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.Context, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	a, shut, err := openArchive(c, from)
	if err != nil {
		return err
	}
	defer shut()
	progress := newTransfer(c.App.ErrWriter, "verify")
	sum, err := backup.Verify(ctx, a, progress.show)
	progress.end()
	var damage *backup.DamageError
	if errors.As(err, &damage) && c.Bool("json") {
		err = errors.Join(err, json.NewEncoder(c.App.Writer).Encode(map[string]any{"intact": false, "problems": damage.Problems, "more": damage.More}))
	}
	if err != nil {
		return err
	}
	return writeSummary(c, from, sum)
}

// openArchive opens what is named to be read as a backup.
func openArchive(c *cli.Context, from string) (a backup.Archive, shut func(), err error) {
	if from == toStdout {
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

func writeSummary(c *cli.Context, where string, s backup.Summary) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(backupFacts{where, true, s.Klatch, s.Node, s.Position.String(), s.Events, s.At, len(s.Files), s.Bytes(), s.SHA256})
	}
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BACKUP\tNODE\tKLATCH\tMADE\tEVENTS\tFILES\tBYTES\tSHA-256")
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", where, s.Node, told(s.Klatch), s.At.Format(time.RFC3339), s.Events, len(s.Files), s.Bytes(), s.SHA256)
	return table.Flush()
}
