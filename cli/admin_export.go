package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

func exportCommand() *cli.Command {
	return storeCommand(&cli.Command{
		Name: "export", Usage: "write everything as JSON Lines", ArgsUsage: "[FILE]",
		Description: "Writes every event of the log, in order of time, to FILE or, without one or with - in its place, to standard output: docs/export.md describes the form. Asks the node that runs in --data, or reads the directory of a stopped one.\n" +
			"Bodies of deleted messages, and bodies before an edit, stay behind without --everything; password hashes and sign-ins without --secrets. With both an import makes the same store to the byte.\n" +
			"An export that was cut goes on with --resume FILE. The position that an export ends with is where the next may begin, with --after.\n\n" +
			"Examples:\n   klatch admin export --data /var/lib/klatch chat.jsonl\n   klatch admin export | zstd >chat.jsonl.zst\n   klatch admin export --resume chat.jsonl",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "after", Usage: "only what came after this `POSITION`"},
			&cli.StringFlag{Name: "resume", Usage: "make a cut `FILE` whole"},
			&cli.BoolFlag{Name: "everything", Usage: "also bodies of deleted messages and before edits"},
			&cli.BoolFlag{Name: "secrets", Usage: "also password hashes and sign-ins"},
		},
	}, export)
}

// exportRequest is what an export is to hold.
type exportRequest = storage.ExportOptions

func export(ctx context.Context, c *cli.Context) error {
	o, err := exportOptions(c)
	if err != nil {
		return err
	}
	file := c.Args().First()
	resume := c.String("resume")
	switch {
	case resume != "" && (file != "" || c.IsSet("after") || o.Everything || o.Secrets):
		return usageErrorf(c, "--resume goes on as the file began: it takes no FILE, --after, --everything or --secrets")
	case c.Bool("json") && resume == "" && (file == "" || file == standardStream):
		return usageErrorf(c, "--json tells of a FILE: without one the export itself is the result")
	}
	source, err := openExportSource(ctx, c.String("data"))
	if err != nil {
		return err
	}
	defer source.close()
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	var done exportResult
	switch {
	case resume != "":
		done, err = resumeExport(ctx, source, resume, progress)
	case file == "" || file == standardStream:
		done, err = exportTo(ctx, source, o, c.App.Writer, progress)
	default:
		done, err = exportToFile(ctx, source, o, file, progress)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	progress.end()
	return done.tell(c)
}

func exportOptions(c *cli.Context) (o exportRequest, err error) {
	o.Everything, o.Secrets = c.Bool("everything"), c.Bool("secrets")
	if c.IsSet("after") {
		if o.After, err = engine.ParsePosition(c.String("after")); err != nil {
			return o, usageErrorf(c, "--after: %w: it is what an export ends with", err)
		}
	}
	return o, nil
}

// exportResult is what an export did.
type exportResult struct {
	File     string `json:"file"`
	Events   uint64 `json:"events"`
	SHA256   string `json:"sha256"` // as in the file's last line
	Position string `json:"position"`
}

func (r exportResult) tell(c *cli.Context) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(r)
	}
	out, where := c.App.Writer, r.File
	if r.File == "" {
		out, where = c.App.ErrWriter, "standard output"
	}
	_, err := fmt.Fprintf(out, "exported %d events to %s, up to position %s\n", r.Events, where, r.Position)
	return err
}

// exportSource is a running node or a stopped one's directory.
type exportSource interface {
	// export writes a whole file; what it wrote before an error is the beginning of one.
	export(ctx context.Context, o exportRequest, w io.Writer) error
	close()
}
