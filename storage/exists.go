package storage

import (
	"errors"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Exists tells whether there is a store in a directory. Open would make one.
func Exists(dir string, disk vfs.FS) (bool, error) {
	found, err := pebble.Peek(dir, disk)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return found.Exists, nil
}
