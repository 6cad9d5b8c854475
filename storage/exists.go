package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrNoStore is of a directory that holds none.
var ErrNoStore = errors.New("there is no store")

// Exists tells whether there is a store in a directory. Open would make one.
func Exists(dir string, disk vfs.FS) (bool, error) {
	found, err := pebble.Peek(dir, disk)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, openError(dir, err)
	}
	return found.Exists, nil
}

// MustExist returns an error that matches ErrNoStore for a directory that holds none.
func MustExist(dir string, disk vfs.FS) error {
	there, err := Exists(dir, disk)
	if err == nil && !there {
		err = fmt.Errorf("%w in %s", ErrNoStore, dir)
	}
	return err
}
