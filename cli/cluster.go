package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func clusterCommand() *cli.Command {
	return &cli.Command{
		Name:        "cluster",
		Usage:       "look at a cluster and change who is in it",
		UsageText:   "klatch cluster COMMAND [flags]",
		Description: "Speaks with the node that runs in --data, over a socket there.\n\nExample:\n   klatch cluster members --data /var/lib/klatch",
		Subcommands: []*cli.Command{membersCommand(), leaveCommand(), keyCommand(), conflictsCommand(), lbCommand()},
		Action:      noSuchSubcommand,
	}
}

// noSuchSubcommand runs when the word after a command names none of its own.
func noSuchSubcommand(c *cli.Context) error {
	return noSuch(c, c.Command.Subcommands)
}

// noSuch says what there is instead.
func noSuch(c *cli.Context, commands []*cli.Command) error {
	var names []string
	for _, command := range commands {
		if !command.Hidden && command.Name != "help" {
			names = append(names, command.Name)
		}
	}
	word := c.Args().First()
	if word == "" {
		return usageErrorf(c, "name a command: %s", strings.Join(names, ", "))
	}
	return usageErrorf(c, "there is no command %q%s", word, didYouMean(word, names))
}

// theOnly is the one argument that a command takes.
func theOnly(c *cli.Context, what string) (string, error) {
	switch c.Args().Len() {
	case 0:
		return "", usageErrorf(c, "name %s", what)
	case 1:
		return c.Args().First(), nil
	}
	return "", usageErrorf(c, "%s takes one argument, after the flags, not also %q", c.Command.Name, c.Args().Get(1))
}

// nodeIDLength is that of a node's id: 64 bits in hexadecimal.
const nodeIDLength = 16

func checkNodeID(text string) error {
	if len(text) != nodeIDLength || strings.Trim(text, "0123456789abcdef") != "" {
		return fmt.Errorf("%q is not the id of a node: see the column NODE of klatch cluster members", text)
	}
	return nil
}

var errNoMembers = errors.New("the node knows no members that a load balancer could use")
