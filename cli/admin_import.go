package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/portable"
)

func importCommand() *cli.Command {
	return storeCommand(&cli.Command{
		Name: "import", Usage: "make a store from an export", ArgsUsage: "FILE",
		Description: "Reads an export from FILE, or with - in its place from standard input, into --data: a new directory, or one where an import of the same export was cut; what is there is skipped. No node may run there. The node that is started there afterwards is a new one.\n" +
			"A FILE is read to its end before anything is stored; one that is cut or changed is refused, and the line named.\n\n" +
			"Examples:\n   klatch admin import --data ./new chat.jsonl\n   zstd -dc chat.jsonl.zst | klatch admin import --data ./new -",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "read and check the export, and store nothing"},
		},
	}, importStore)
}

// importResult is what an import did.
type importResult struct {
	Events   uint64 `json:"events"`  // that were new
	Skipped  uint64 `json:"skipped"` // that were there
	Position string `json:"position"`
	DryRun   bool   `json:"dry_run,omitempty"`
}

func importStore(ctx context.Context, c *cli.Context) (err error) {
	name := c.Args().First()
	in := &importFile{name: "standard input", stream: os.Stdin}
	if name != standardStream {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		in = &importFile{name: name, stream: f, file: f}
	}
	var done importResult
	if c.Bool("dry-run") {
		done, err = in.check(ctx, c)
	} else {
		done, err = in.store(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", in.name, err)
	}
	return done.tell(c)
}

func (r importResult) tell(c *cli.Context) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(r)
	}
	text := fmt.Sprintf("imported %d events into %s", r.Events, c.String("data"))
	if r.DryRun {
		text = fmt.Sprintf("an import would read %d events", r.Events)
	}
	if r.Skipped > 0 {
		text += fmt.Sprintf(", besides %d that were there", r.Skipped)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s, up to position %s\n", text, r.Position)
	return err
}

// importFile is what is imported.
type importFile struct {
	name   string
	stream io.Reader
	file   *os.File // nil: it can be read once
}

// check reads all of it, as an import does.
func (f *importFile) check(ctx context.Context, c *cli.Context) (importResult, error) {
	in, err := portable.NewReader(f.stream)
	if err != nil {
		return importResult{}, err
	}
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	total := eventsOf(in.Header())
	for err == nil && ctx.Err() == nil {
		_, err = in.Next()
		progress.events("import, dry", in.Events(), total)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != io.EOF {
		return importResult{}, err
	}
	return importResult{Events: in.Events(), Position: in.Header().Position.String(), DryRun: true}, nil
}

func eventsOf(h portable.Header) uint64 { return h.Position.Behind(h.After) }

func (f *importFile) store(ctx context.Context, c *cli.Context) (r importResult, err error) {
	header, err := f.whole(ctx, c)
	if err != nil {
		return r, err
	}
	store, err := storage.Open(c.String("data"), toolOptions())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	done, err := store.Import(ctx, f.stream, func(n uint64) { progress.events("import", n, eventsOf(header)) })
	if err != nil && done.Events+done.Skipped > 0 {
		err = fmt.Errorf("%w (the events before that are stored: an import of the whole export goes on behind them)", sentence(err))
	}
	return importResult{Events: done.Events, Skipped: done.Skipped, Position: store.Position().String()}, err
}

// whole reads a file to its end, to see that it is whole. A stream is believed until its end.
func (f *importFile) whole(ctx context.Context, c *cli.Context) (h portable.Header, err error) {
	if f.file == nil || !isRegular(f.file) {
		return h, nil
	}
	progress := newProgress(c.App.ErrWriter)
	defer progress.end()
	relay := portable.NewRelay()
	if _, err := io.Copy(io.MultiWriter(relay, progress.of("import, first reading", relay), untilEnd{ctx}), f.file); err != nil {
		return h, err
	}
	if _, err := relay.Close(); err != nil {
		if errors.Is(err, portable.ErrCut) {
			err = fmt.Errorf("%w; klatch admin export --resume makes it whole", err)
		}
		return h, err
	}
	_, err = f.file.Seek(0, io.SeekStart)
	return relay.Header(), err
}

func isRegular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// untilEnd is a writer that takes everything until a context ends.
type untilEnd struct{ ctx context.Context }

func (w untilEnd) Write(b []byte) (int, error) { return len(b), w.ctx.Err() }
