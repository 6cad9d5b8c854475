package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/storage"
	"github.com/klatch-chat/klatch/storage/internal/durable"
)

// Directory is a Target: a directory that was missing or empty.
type Directory struct {
	fs    vfs.FS
	dir   string
	made  bool     // the directory itself
	parts []string // directories in it
}

// NewDirectory takes a directory, which is made if it is missing.
func NewDirectory(disk vfs.FS, dir string) (*Directory, error) {
	d := &Directory{fs: disk, dir: dir}
	names, err := disk.List(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.made = true
		if err := durable.MakeDir(disk, dir); err != nil {
			d.Discard()
			return nil, fmt.Errorf("make the directory %s: %w", dir, err)
		}
	case err != nil:
		return nil, fmt.Errorf("look into the directory %s: %w", dir, err)
	case len(names) > 0:
		return nil, fmt.Errorf("%w: %s has %s", storage.ErrNotEmpty, dir, slices.Min(names))
	}
	return d, nil
}

// File implements Target.
func (d *Directory) File(name string, content []byte) error {
	part, _, nested := strings.Cut(name, "/")
	if nested && !slices.Contains(d.parts, part) {
		d.parts = append(d.parts, part)
		if err := durable.MakeDir(d.fs, d.fs.PathJoin(d.dir, part)); err != nil {
			return fmt.Errorf("make %s: %w", part, err)
		}
	}
	path := d.fs.PathJoin(d.dir, name)
	return durable.WriteFile(d.fs, d.fs.PathDir(path), d.fs.PathBase(path), content)
}

// Discard implements Target. The manifest goes first, so that the rest is no backup.
func (d *Directory) Discard() {
	_ = d.fs.Remove(d.fs.PathJoin(d.dir, manifestName))
	for _, part := range d.parts {
		_ = d.fs.RemoveAll(d.fs.PathJoin(d.dir, part))
	}
	if d.made {
		_ = d.fs.Remove(d.dir)
	}
}

// directory is an archive: what NewDirectory and File have made.
type directory struct {
	fs    vfs.FS
	dir   string
	names []string // that have not been read
	buf   []byte
}

// OpenDirectory opens a backup in a directory.
func OpenDirectory(disk vfs.FS, dir string) (Archive, error) {
	d := &directory{fs: disk, dir: dir}
	names, err := disk.List(dir)
	if err != nil {
		return nil, fmt.Errorf("open the backup: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != storeDir && name != configDir {
			d.names = append(d.names, name)
			continue
		}
		inside, err := disk.List(disk.PathJoin(dir, name))
		if err != nil {
			d.names = append(d.names, name) // a file, or it says what is wrong when it is read
			continue
		}
		slices.Sort(inside)
		for _, file := range inside {
			d.names = append(d.names, name+"/"+file)
		}
	}
	// As in a stream, the manifest is last.
	if i := slices.Index(d.names, manifestName); i >= 0 {
		d.names = append(slices.Delete(d.names, i, i+1), manifestName)
	}
	return d, nil
}

func (d *directory) next() (name string, content []byte, err error) {
	if len(d.names) == 0 {
		return "", nil, io.EOF
	}
	name, d.names = d.names[0], d.names[1:]
	path := d.fs.PathJoin(d.dir, name)
	info, err := d.fs.Stat(path)
	switch {
	case err != nil:
		return name, nil, damaged(name, "cannot be read: %v", err)
	case !info.Mode().IsRegular():
		return name, nil, damaged(name, "is not a file of the backup")
	case info.Size() > limitOf(name):
		return name, nil, damaged(name, "has %d bytes: more than any file of a backup", info.Size())
	}
	content, err = d.read(path, info.Size())
	if err != nil {
		return name, nil, damaged(name, "cannot be read: %v", err)
	}
	return name, content, nil
}

func (d *directory) read(path string, size int64) (content []byte, err error) {
	f, err := d.fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if int64(cap(d.buf)) < size {
		d.buf = make([]byte, size)
	}
	content = d.buf[:size]
	_, err = io.ReadFull(f, content)
	return content, err
}

func limitOf(name string) int64 {
	if name == manifestName {
		return maxManifest
	}
	return maxFile
}
