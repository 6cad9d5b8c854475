package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/klatch-chat/klatch/engine"
)

// Why a store does not open. Match them with errors.Is; the *OpenError around
// them has the sentence for the person at the keyboard.
var (
	ErrNotWritable = errors.New("data directory cannot be written")
	ErrLocked      = errors.New("data directory is in use")
	ErrNewer       = errors.New("data directory has a newer format")
	ErrDamaged     = errors.New("data directory is damaged")
	ErrDisk        = errors.New("disk failed")
	ErrUnfinished  = errors.New("data directory holds an unfinished restore")
)

// OpenError says why a data directory does not open.
type OpenError struct {
	Dir    string
	Reason error // one of the errors above
	Err    error // the cause
}

// Error is one sentence that says what is wrong, and one that says what helps.
func (e *OpenError) Error() string {
	switch e.Reason {
	case ErrNotWritable:
		return fmt.Sprintf("cannot write in the data directory %s: %v. Give this user the right to write there, or choose another with --data.", e.Dir, e.Err)
	case ErrLocked:
		return fmt.Sprintf("the data directory %s is in use by another klatch process: %v. Stop that one first, or choose another directory with --data.", e.Dir, e.Err)
	case ErrNewer:
		return fmt.Sprintf("the data directory %s was written by another or a newer version of klatch: %v. Start that version, or choose another directory with --data.", e.Dir, e.Err)
	case ErrDamaged:
		return fmt.Sprintf("the data directory %s is damaged: %v. See what klatch admin check --rebuild --dry-run says, restore a backup, or start with an empty directory and let the other nodes fill it.", e.Dir, e.Err)
	case ErrUnfinished:
		return fmt.Sprintf("the data directory %s holds a restore that has not been finished. If none is running, empty the directory and run klatch admin restore again.", e.Dir)
	}
	return fmt.Sprintf("the disk under the data directory %s fails: %v.", e.Dir, e.Err)
}

// Unwrap matches the reason and the cause.
func (e *OpenError) Unwrap() []error { return []error{e.Reason, e.Err} }

func openError(dir string, err error) error {
	return &OpenError{Dir: dir, Reason: openReason(err), Err: err}
}

func openReason(err error) error {
	for _, reason := range []error{ErrNotWritable, ErrLocked, ErrNewer, ErrDamaged, ErrDisk, ErrUnfinished} {
		if errors.Is(err, reason) {
			return reason
		}
	}
	switch {
	case pebble.IsCorruptionError(err):
		return ErrDamaged
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return ErrNotWritable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EMFILE):
		return ErrDisk
	}
	// What remains is Pebble not making sense of its own files.
	return ErrDamaged
}

func unavailable(message string, cause error) error {
	return &engine.Error{Code: engine.CodeUnavailable, Message: message, RetryAfter: time.Second, Err: cause}
}

// absent turns a missing value into the engine's error.
func absent(value []byte, err error) ([]byte, error) {
	if err == nil && value == nil {
		err = engine.ErrNotFound
	}
	return value, err
}

func errClosed() error { return unavailable("the node's store is closed", nil) }
