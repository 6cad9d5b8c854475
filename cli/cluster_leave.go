package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
)

// leavePatienceOfOperator is how long a node may take to hand over and end.
const leavePatienceOfOperator = time.Minute

func leaveCommand() *cli.Command {
	return &cli.Command{
		Name:      "leave",
		Usage:     "have a node leave the cluster for good",
		UsageText: "klatch cluster leave [--data DIR] [--node ID]",
		Description: "Without --node the node that runs in --data hands over what only it has, drains, is forgotten by the others and ends. It stays if no peer can take what it has.\n" +
			"With --node a dead member is forgotten: it no longer counts for --write-concern majority.\n" +
			"To stop a node for a while, send it SIGTERM instead.\n\n" +
			"Examples:\n   klatch cluster leave --data /var/lib/klatch\n   klatch cluster leave --node 7f97c18515774584",
		Flags:  []cli.Flag{dataFlag(), &cli.StringFlag{Name: "node", Usage: "the `ID` of a dead member"}},
		Action: leaveCluster,
	}
}

func leaveCluster(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	o := newOperator(c.String("data"), leavePatienceOfOperator)
	if !c.IsSet("node") {
		var gone left
		if err := o.post("/cluster/leave", nil, &gone); err != nil {
			return fmt.Errorf("leave the cluster: %w", err)
		}
		_, err := fmt.Fprintf(c.App.Writer, "%s has left the cluster and ended\n", gone.Node)
		return err
	}
	node := c.String("node")
	if err := checkNodeID(node); err != nil {
		return usageErrorf(c, "--node: %w", err)
	}
	if err := o.post("/cluster/forget", forgetRequest{node}, nil); err != nil {
		return fmt.Errorf("forget %s: %w", node, err)
	}
	_, err := fmt.Fprintf(c.App.Writer, "%s is forgotten\n", node)
	return err
}
