// Package cli is the command line, and the only place that knows all parts of
// klatch: it reads flags, environment and file into one Config, opens the
// parts, wires them to each other, and closes them in reverse order.
//
// What scripts may rely on: results go to standard output, progress and errors
// to standard error; the exit code is 0 when done, 1 when something failed and
// 2 for wrong usage. A flag beats the environment, that beats the file, that
// beats the default.
//
// The commands are on urfave/cli, but the settings of serve are not its: the
// library merges flag and environment before we could say in an error message
// which of the two was wrong, and knows nothing of the file. So it only parses
// the arguments, and one table (settings.go) drives help, flags, environment
// and file alike.
package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs one command line, args[0] being the program, and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	err := app.Run(flagsFirst(app, args))
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(stderr, "klatch: %v\n", err)
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "See %s --help.\n", usage.command)
		return exitUsage
	}
	return exitFailed
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:            "klatch",
		Usage:           "a chat engine in one binary",
		UsageText:       "klatch COMMAND [flags]",
		Description:     "Example:\n   klatch serve --data ./klatch-data",
		Writer:          stdout,
		ErrWriter:       stderr,
		HideVersion:     true,
		HideHelpCommand: true,
		Commands: []*cli.Command{
			serveCommand(), healthCommand(), clusterCommand(), adminCommand(), benchCommand(),
			completionCommand(), completeCommand(), manCommand(), versionCommand(),
		},
		Action:         noSuchCommand,
		OnUsageError:   wrongFlag,
		ExitErrHandler: func(*cli.Context, error) {}, // Main alone decides the exit code
	}
	adopt(app.Commands)
	return app
}

// adopt has commands and theirs behave alike.
func adopt(commands []*cli.Command) {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = wrongFlag
		adopt(c.Subcommands)
	}
}

// noSuchCommand runs when the first argument names no command.
func noSuchCommand(c *cli.Context) error { return noSuch(c, c.App.Commands) }

// noArguments refuses words after a command's flags.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	return usageErrorf(c, "%s takes flags only, not %q", c.Command.Name, c.Args().First())
}
