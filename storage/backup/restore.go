package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/storage"
)

// restoredDir is where the configuration of a backup goes in the new node's data directory.
const restoredDir = "restored"

// Restore makes a new node's store out of a backup, in a directory that is missing
// or empty, and puts the backup's configuration beside it, in restored/. Nothing of
// the backup is installed before all of it has been verified. After an error the
// directory is empty; after a crash storage.Open refuses it.
func Restore(ctx context.Context, a Archive, dir string, opts storage.Options, progress func(bytes int64)) (Summary, engine.Origin, error) {
	to, err := storage.Restore(dir, opts)
	if err != nil {
		return Summary{}, 0, err
	}
	r := &reading{piece: to.Write, progress: progress, file: func(name string, content []byte) error {
		base, ok := strings.CutPrefix(name, configDir+"/")
		if !ok {
			return nil
		}
		return to.File(restoredDir, base, content)
	}}
	sum, err := r.run(ctx, a)
	origin := to.Origin()
	if err == nil {
		err = to.Finish()
	}
	if err != nil {
		if derr := to.Discard(); derr != nil {
			err = errors.Join(err, fmt.Errorf("empty %s again: %w", dir, derr))
		}
		return Summary{}, 0, err
	}
	return sum, origin, nil
}
