package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

func adminCommand() *cli.Command {
	return withUsage("klatch", &cli.Command{
		Name:      "admin",
		Usage:     "look after a node: users, rooms, messages, the store",
		UsageText: "klatch admin COMMAND [flags]",
		Description: "Speaks with the node that runs in --data over a socket there, which only the user that the node runs as and root may open: that needs no token and may do everything.\n" +
			"Commands that have --url also reach a node from elsewhere, with the token of an administrator in KLATCH_TOKEN. An administrator reads no private or direct room that he is not in.\n" +
			"Those that work on the whole store, from check on, also do so in the directory of a node that is stopped.\n" +
			"A user or room is named by its name or its id. Flags may stand before and after what a command works on.\n\n" +
			"Examples:\n   klatch admin user list --data /var/lib/klatch\n" +
			"   KLATCH_TOKEN=... klatch admin user list --url https://chat.example.org\n" +
			"   klatch admin check --data /var/lib/klatch\n" +
			"   klatch admin compact --data /var/lib/klatch\n" +
			"   klatch admin backup /var/backups/klatch/monday --data /var/lib/klatch\n" +
			"   klatch admin restore /var/backups/klatch/monday --data ./new\n" +
			"   klatch admin export chat.jsonl --data /var/lib/klatch\n" +
			"   klatch admin import chat.jsonl --data ./new",
		Subcommands: []*cli.Command{
			userCommand(), roomCommand(), messageCommand(), inviteCommand(), tokenCommand(), banCommand(), statsCommand(),
			checkCommand(), compactCommand(), backupCommand(), restoreCommand(), exportCommand(), importCommand(),
		},
		Action: noSuchSubcommand,
	})
}

// withUsage gives a command and those below it the first line of their help.
func withUsage(path string, c *cli.Command) *cli.Command {
	path += " " + c.Name
	if c.UsageText == "" {
		c.UsageText = strings.TrimRight(path+" [flags] "+c.ArgsUsage, " ")
	}
	for _, sub := range c.Subcommands {
		withUsage(path, sub)
	}
	return c
}

// group is a command that has others and does nothing itself.
func group(name, usage, example string, commands ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name:        name,
		Usage:       usage,
		UsageText:   "klatch admin " + name + " COMMAND [flags]",
		Description: "Example:\n   klatch admin " + example,
		Subcommands: commands,
		Action:      noSuchSubcommand,
	}
}
