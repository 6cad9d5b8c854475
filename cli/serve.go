package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "run a node",
		UsageText: "klatch serve [flags]",
		Description: "Every flag is also an environment variable and a key of the file given by --config.\n" +
			"A flag beats the environment, that beats the file, that beats the default.\n" +
			"SIGHUP has the file read again; without a restart change " + liveSettings() + ".\n\n" +
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
	config, written, err := contextConfig(c)
	if err != nil {
		return err
	}
	log, logs := newLogger(c.App.ErrWriter, config)
	manager, err := openManager(&config)
	if err != nil {
		return err
	}
	// A signal from here on, also while the store opens, means an orderly end.
	signals, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(signals)
	defer signal.Stop(hangups)
	opening, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	n, err := openNode(opening, config, log)
	if err != nil {
		return errors.Join(err, manager.close())
	}
	n.manager, n.hangups = manager, hangups
	n.reload.read = func() (Config, texts, error) { return contextConfig(c) }
	n.reload.texts, n.reload.logs = written, logs
	if opening.Err() == nil {
		fmt.Fprint(c.App.Writer, n.greeting()) // in one write: scripts that wait for the first line get all
	}
	return errors.Join(n.run(signals), manager.close())
}

func liveSettings() string {
	var names []string
	for i := range settings {
		if settings[i].live {
			names = append(names, settings[i].name)
		}
	}
	return strings.Join(names, ", ")
}
