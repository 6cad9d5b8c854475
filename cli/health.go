package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"
)

// healthPatience bounds the question and the node's own look at itself.
const healthPatience = 4 * time.Second

func healthCommand() *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "say whether the node on this machine is ready for traffic",
		UsageText: "klatch health [--data DIR]\n\n" +
			"For containers and scripts: the exit code is 0 when it is, 1 when it is not.",
		Description: "Example:\n   klatch health --data /var/lib/klatch",
		Flags:       []cli.Flag{dataFlag()},
		Action:      health,
	}
}

func health(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if err := newOperator(c.String("data"), healthPatience).get("/health", nil); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, "ready")
	return nil
}

// health answers klatch health.
func (d *desk) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthPatience/2)
	defer cancel()
	switch {
	case d.engine.Alive(ctx) != nil:
		refuse(w, http.StatusServiceUnavailable, errors.New("this node hangs: its writer does not come round"))
	case !d.engine.Ready():
		refuse(w, http.StatusServiceUnavailable, errors.New("this node is not ready: it catches up, or is ending"))
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
