package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// lockDirectory takes the directory for this process, and tells a directory in
// use from one that cannot be written.
func lockDirectory(dir string, disk vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, disk)
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("%w: %w", ErrNotWritable, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO):
		return nil, fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrLocked, err)
}
