package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// Store is what is backed up.
type Store interface {
	Origin() engine.Origin
	Position() engine.Position
	Snapshot() (engine.Snapshot, error)
}

// Source is what a backup is made of.
type Source struct {
	Store   Store
	Version string            // of klatch
	Config  map[string][]byte // small files, by their name
	Now     func() time.Time
}

// Summary is a backup in short.
type Summary struct {
	Manifest
	SHA256 string // the manifest's own: of all there is
}

// ErrStore is matched where the store itself is damaged, so that its backup would be refused.
var ErrStore = errors.New("the store is damaged: klatch admin check says where")

// Make makes a backup. After an error nothing of it is left, as far as the target
// can do that. Meanwhile progress, if there is one, is told how many bytes are written.
func Make(ctx context.Context, src Source, to Target, progress func(bytes int64)) (Summary, error) {
	return newMaking(ctx, src, to, progress).make(src)
}

func newMaking(ctx context.Context, src Source, to Target, progress func(int64)) *making {
	return &making{ctx: ctx, to: to, progress: progress, pace: newPace(src.Store.Position), fileSize: fileSize, reads: storage.NewInspection()}
}

// making is one run of Make.
type making struct {
	ctx      context.Context
	to       Target
	progress func(int64)
	pace     *pace
	fileSize int
	manifest Manifest
	bytes    int64
	reads    *storage.Inspection // as Verify will
}

func (m *making) make(src Source) (Summary, error) {
	sum, err := m.run(src)
	if err != nil {
		m.to.Discard()
		return Summary{}, fmt.Errorf("make the backup: %w", err)
	}
	return sum, nil
}

func (m *making) run(src Source) (Summary, error) {
	m.manifest = Manifest{Format: manifestFormat, Klatch: src.Version, Node: src.Store.Origin().String(), At: src.Now().UTC()}
	snap, err := src.Store.Snapshot()
	if err != nil {
		return Summary{}, err
	}
	defer snap.Close()
	m.manifest.Position = snap.Position()
	m.manifest.Events = snap.Position().Behind(engine.Position{})
	for _, name := range sortedNames(src.Config) {
		if err := m.file(configDir+"/"+name, src.Config[name]); err != nil {
			return Summary{}, err
		}
	}
	if err := m.pieces(snap); err != nil {
		return Summary{}, err
	}
	b, sum, err := m.manifest.encode()
	if err != nil {
		return Summary{}, err
	}
	return Summary{m.manifest, sum}, m.to.File(manifestName, b)
}

// pieces writes all of a snapshot, a file's worth at a time.
func (m *making) pieces(snap engine.Snapshot) error {
	var buf []byte
	for n := 1; ; n++ {
		var end bool
		for buf = buf[:0]; len(buf) < m.fileSize && !end; {
			start := time.Now()
			piece, err := snap.Next()
			if end = errors.Is(err, io.EOF); err != nil && !end {
				return err
			}
			if !end {
				buf = appendPiece(buf, piece)
				err = m.reads.Write(piece)
			} else {
				err = m.reads.Close()
			}
			if err != nil {
				return fmt.Errorf("%w: %w", ErrStore, err)
			}
			if err := m.pace.after(m.ctx, time.Since(start)); err != nil {
				return err
			}
		}
		if len(buf) > 0 {
			if err := m.file(piecesName(n), buf); err != nil {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

func (m *making) file(name string, content []byte) error {
	start := time.Now()
	f := File{name, int64(len(content)), sumOf(content)}
	if err := m.to.File(name, content); err != nil {
		return err
	}
	m.manifest.Files = append(m.manifest.Files, f)
	if m.bytes += f.Size; m.progress != nil {
		m.progress(m.bytes)
	}
	return m.pace.after(m.ctx, time.Since(start))
}
