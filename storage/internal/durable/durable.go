// Package durable makes files and directories that a crash leaves where they
// are, and that only their owner may read. Each function returns when what it made, and
// its name, are on stable storage.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MakeDir makes a directory, and those above it that are missing.
func MakeDir(disk vfs.FS, dir string) error {
	if _, err := disk.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := disk.PathDir(dir)
	if parent != dir {
		if err := MakeDir(disk, parent); err != nil {
			return err
		}
	}
	if err := disk.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return SyncDir(disk, parent)
}

// SyncDir makes the names in a directory durable.
func SyncDir(disk vfs.FS, dir string) error {
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// step is after how many bytes a disk begins to write: a file that comes all at
// once would keep others' syncs waiting.
const step = 512 << 10

// WriteFile makes a file in a directory that is there.
func WriteFile(disk vfs.FS, dir, name string, content []byte) error {
	path := disk.PathJoin(dir, name)
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	f = vfs.NewSyncingFile(f, vfs.SyncingFileOptions{BytesPerSync: step})
	if f.Fd() != vfs.InvalidFd {
		err = os.Chmod(path, 0o600) // before it has any content
	}
	for part := range slices.Chunk(content, step) {
		if err == nil {
			_, err = f.Write(part)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return SyncDir(disk, dir)
}
