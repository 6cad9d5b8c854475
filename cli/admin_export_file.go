package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klatch-chat/klatch/storage/portable"
)

// exportTo writes an export, and sees at its end that it came whole.
func exportTo(ctx context.Context, source exportSource, o exportRequest, w io.Writer, progress *progress) (exportResult, error) {
	relay := portable.NewRelay()
	err := source.export(ctx, o, io.MultiWriter(w, relay, progress.of("export", relay)))
	return exportedBy(relay, err)
}

func exportedBy(relay *portable.Relay, err error) (exportResult, error) {
	if err != nil {
		return exportResult{}, err
	}
	t, err := relay.Close()
	return exportResult{Events: t.Events, SHA256: t.SHA256, Position: relay.Header().Position.String()}, err
}

// exportToFile writes an export to a new file, which its owner alone may read.
func exportToFile(ctx context.Context, source exportSource, o exportRequest, path string, progress *progress) (r exportResult, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return r, fmt.Errorf("%s is there already: make it whole with --resume, or name another file", path)
	}
	if err != nil {
		return r, err
	}
	if r, err = exportTo(ctx, source, o, f, progress); err == nil {
		err = f.Sync()
	} else {
		err = fmt.Errorf("%w (what came is in %s: go on with --resume)", err, path)
	}
	r.File = path
	return r, errors.Join(err, f.Close())
}

// resumeExport makes a cut file whole, to the position that its header names.
func resumeExport(ctx context.Context, source exportSource, path string, progress *progress) (r exportResult, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return r, err
	}
	r, err = resumeFile(ctx, source, f, progress)
	r.File = path
	return r, errors.Join(err, f.Close())
}

func resumeFile(ctx context.Context, source exportSource, f *os.File, progress *progress) (r exportResult, err error) {
	in, t, err := readToCut(f)
	if err != nil {
		return r, err
	}
	h := in.Header()
	r.Position = h.Position.String()
	if t.SHA256 != "" {
		r.Events, r.SHA256 = t.Events, t.SHA256
		return r, nil
	}
	if err := f.Truncate(in.Size()); err != nil {
		return r, err
	}
	if _, err := f.Seek(in.Size(), io.SeekStart); err != nil {
		return r, err
	}
	out, relay := in.Continue(f), portable.NewRelay()
	relay.Event = out.Line
	o := exportRequest{After: in.Reached(), Through: h.Position, Everything: h.Bodies == portable.BodiesAll, Secrets: h.Secrets}
	if _, err = exportedBy(relay, source.export(ctx, o, io.MultiWriter(relay, progress.of("export", relay)))); err != nil {
		return r, errors.Join(err, out.Flush())
	}
	t, err = out.Close()
	r.Events, r.SHA256 = t.Events, t.SHA256
	return r, errors.Join(err, f.Sync())
}

// readToCut reads a file to where it was cut. The trailer is that of a file which was not.
func readToCut(f io.Reader) (in *portable.Reader, t portable.Trailer, err error) {
	if in, err = portable.NewReader(f); err != nil {
		if errors.Is(err, portable.ErrCut) {
			err = errors.New("the file has no header: begin a new one")
		}
		return nil, t, err
	}
	for err == nil {
		_, err = in.Next()
	}
	switch {
	case err == io.EOF:
		return in, in.Trailer(), nil
	case errors.Is(err, portable.ErrCut):
		return in, t, nil
	}
	return nil, t, err
}
