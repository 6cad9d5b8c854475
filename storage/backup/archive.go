package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/klatch-chat/klatch/storage"
)

// Archive is a backup to be read, once, to its end. It belongs to one goroutine.
type Archive interface {
	// next returns the next file, valid until the next call; io.EOF after the
	// last. A *DamageError is about this file alone, or is followed by io.EOF.
	next() (name string, content []byte, err error)
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// reading reads an archive, checks it, and hands on what is in it.
type reading struct {
	file     func(name string, content []byte) error // nil: nobody wants files
	piece    func(piece []byte) error                // nil: nobody wants pieces
	progress func(bytes int64)

	seen     map[string]File
	bytes    int64
	damage   DamageError
	pieces   *storage.Inspection
	malform  error  // of a piece: what its file's checksum does not explain
	where    string // its file
	manifest []byte
}

// Verify reads a backup to its end. What is wrong with it is a *DamageError.
func Verify(ctx context.Context, a Archive, progress func(bytes int64)) (Summary, error) {
	return (&reading{progress: progress}).run(ctx, a)
}

// Copy writes a backup to a target, and verifies it on the way.
func Copy(ctx context.Context, a Archive, to Target, progress func(bytes int64)) (Summary, error) {
	r := &reading{file: to.File, progress: progress}
	sum, err := r.run(ctx, a)
	if err == nil {
		err = to.File(manifestName, r.manifest)
	}
	if err != nil {
		to.Discard()
		return Summary{}, err
	}
	return sum, nil
}

func (r *reading) run(ctx context.Context, a Archive) (Summary, error) {
	r.seen, r.pieces = map[string]File{}, storage.NewInspection()
	for {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		name, content, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			return r.end()
		case r.damage.addAll(err):
			r.seen[name] = File{Name: name, Size: -1} // it has been named
		case err != nil:
			return Summary{}, err
		default:
			if err := r.take(name, content); err != nil {
				return Summary{}, err
			}
		}
	}
}

func (r *reading) take(name string, content []byte) error {
	if name == manifestName {
		r.manifest = slices.Clone(content)
		return nil
	}
	switch _, twice := r.seen[name]; {
	case twice:
		r.damage.add(name, "is there twice")
		return nil
	case !proper(name):
		r.damage.add(name, "does not belong to a backup")
		return nil
	}
	r.seen[name] = File{name, int64(len(content)), sumOf(content)}
	if err := r.split(name, content); err != nil {
		return err
	}
	if r.bytes += int64(len(content)); r.progress != nil {
		r.progress(r.bytes)
	}
	if r.file == nil {
		return nil
	}
	return r.file(name, content)
}

// properName is what a file may be called: whoever made the archive up, nothing is
// written elsewhere than where backups go.
var properName = regexp.MustCompile(`^(store/[0-9]{8}\.pieces|config/[a-z][a-z.-]{0,63})$`)

func proper(name string) bool { return properName.MatchString(name) }

// split reads the pieces of a file up to the first that is malformed.
func (r *reading) split(name string, content []byte) error {
	if !strings.HasPrefix(name, storeDir+"/") {
		return nil
	}
	var sink error
	err := splitPieces(content, func(piece []byte) error {
		if r.malform != nil {
			return r.malform
		}
		if err := r.pieces.Write(piece); err != nil {
			return err
		}
		if r.piece != nil {
			sink = r.piece(piece)
		}
		return sink
	})
	switch {
	case sink != nil:
		return sink
	case errors.Is(err, ErrOther):
		return fmt.Errorf("%s: %w", name, err)
	case err != nil && r.malform == nil:
		r.malform, r.where = err, name
	}
	return nil
}

// end compares what has come with the manifest.
func (r *reading) end() (Summary, error) {
	if r.manifest == nil {
		r.damage.add(manifestName, "is missing: the backup was not finished, or is cut off")
		return Summary{}, &r.damage
	}
	m, sum, err := parseManifest(r.manifest)
	if errors.Is(err, ErrOther) {
		return Summary{}, err
	}
	if err != nil {
		r.damage.add(manifestName, "%v", err)
		return Summary{}, &r.damage
	}
	r.compare(&m)
	return Summary{m, sum}, r.damage.orNil()
}

func (r *reading) compare(m *Manifest) {
	for _, want := range m.Files {
		got, ok := r.seen[want.Name]
		switch {
		case !ok:
			r.damage.add(want.Name, "is missing")
		case got.Size < 0:
		case got.Size != want.Size:
			r.damage.add(want.Name, "has %d bytes, not %d", got.Size, want.Size)
		case got.SHA256 != want.SHA256:
			r.damage.add(want.Name, "has changed: its SHA-256 is not the manifest's")
		}
		delete(r.seen, want.Name)
	}
	for _, name := range sortedNames(r.seen) {
		if r.seen[name].Size >= 0 {
			r.damage.add(name, "is not in the manifest: it does not belong to the backup")
		}
	}
	if len(r.damage.Problems) > 0 {
		return
	}
	if r.malform != nil {
		r.damage.add(r.where, "was made wrong: %v", r.malform)
	} else if err := r.pieces.Close(); err != nil {
		r.damage.add(storeDir, "was made wrong: %v", err)
	} else if !r.pieces.Position().Equal(m.Position) {
		r.damage.add(storeDir, "is not at the manifest's position")
	}
}
