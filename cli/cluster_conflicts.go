package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func conflictsCommand() *cli.Command {
	return &cli.Command{
		Name:      "conflicts",
		Usage:     "list names that were claimed on two nodes before they met",
		UsageText: "klatch cluster conflicts [--data DIR] [--json]",
		Description: "The earliest claim has the name, the others are shown with a suffix. Renaming any of them ends it.\n\n" +
			"Example:\n   klatch cluster conflicts --data /var/lib/klatch",
		Flags: []cli.Flag{dataFlag(), jsonFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			var found list[engine.Conflict]
			if err := newOperator(c.String("data"), answerPatience).get("/cluster/conflicts", &found); err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(found)
			}
			return writeConflicts(c.App.Writer, found.Items)
		},
	}
}

func writeConflicts(w io.Writer, conflicts []engine.Conflict) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OF\tNAME\tFIRST\tLATER")
	for _, c := range conflicts {
		var later []string
		for _, id := range c.Later {
			later = append(later, id.String())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Space, c.Name, c.First, strings.Join(later, " "))
	}
	return table.Flush()
}
