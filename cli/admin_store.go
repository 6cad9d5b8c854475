package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/storage"
)

// standardStream is how a command line names standard input or output in the place of a file.
const standardStream = "-"

// storeCommand gives a command what those have in common that work on a whole store:
// the node that runs in --data does it or, where none runs, the command itself.
func storeCommand(c *cli.Command, do func(context.Context, *cli.Context) error) *cli.Command {
	c.Flags = append(c.Flags, dataFlag())
	return longCommand(c, do)
}

// longCommand is for what takes long and can be interrupted.
func longCommand(c *cli.Command, do func(context.Context, *cli.Context) error) *cli.Command {
	c.Flags = append(c.Flags, jsonFlag())
	c.Action = func(at *cli.Context) error {
		if err := checkArguments(at); err != nil {
			return err
		}
		ctx, stop := interruptible(at)
		defer stop()
		return interrupted(do(ctx, at))
	}
	return c
}

// interruptible is a context that Ctrl-C ends, for what takes long and has something to say at its end.
// A second Ctrl-C ends the process: the first does not reach who reads from a terminal.
func interruptible(c *cli.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// interrupted says so of work that was.
func interrupted(err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("interrupted: %w", err)
}

// nodeOrDirectory has work done by the node that runs in a data directory or, where
// none does, on the directory itself, if it holds a store.
func nodeOrDirectory[T any](ctx context.Context, data string, byNode func(*operator) (T, error), onDirectory func() (T, error)) (nothing T, err error) {
	o := newOperator(data, 0)
	runs, err := o.runs(ctx)
	if err != nil {
		return nothing, err
	}
	if runs {
		return byNode(o)
	}
	if err := storage.MustExist(data, Disk); errors.Is(err, storage.ErrNoStore) {
		return nothing, fmt.Errorf("no node runs in %s, and no store is there: name a node's directory with --data", data)
	} else if err != nil {
		return nothing, err
	}
	return onDirectory()
}

// toolMemory is for the caches of a store that a command opens: what a node has that is told nothing else, for it runs in the place of one.
const toolMemory = 256 << 20

// toolOptions are those of a store that a command opens.
func toolOptions() storage.Options {
	return storage.Options{Memory: toolMemory, FS: Disk, Now: Clock}
}

// openStopped opens the store of a node that does not run.
func openStopped(data string) (*storage.Store, error) { return storage.Open(data, toolOptions()) }
