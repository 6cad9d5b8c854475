package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "run a node",
		UsageText: "klatch serve [flags]",
		Description: "Every flag is also an environment variable and a key of the file given by --config.\n" +
			"A flag beats the environment, that beats the file, that beats the default.\n\n" +
			"Examples:\n   klatch serve --addr :8080 --data /var/lib/klatch --registration invite\n" +
			"   KLATCH_CLUSTER_KEY=... klatch serve --addr :8080 --data /var/lib/klatch --join node-b,node-c",
		Flags:  serveFlags(),
		Action: serve,
	}
}

// serve runs a node until a signal, or until it cannot go on.
func serve(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	config, err := contextConfig(c)
	if err != nil {
		return err
	}
	log := newLogger(c.App.ErrWriter, config)
	// A signal from here on, also while the store opens, means an orderly end.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	opening, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	n, err := openNode(opening, config, log)
	if err != nil {
		return err
	}
	if opening.Err() == nil {
		fmt.Fprint(c.App.Writer, n.greeting()) // in one write: scripts that wait for the first line get all
	}
	return n.run(signals)
}
