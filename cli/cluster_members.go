package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/cluster"
)

func membersCommand() *cli.Command {
	return &cli.Command{
		Name:      "members",
		Usage:     "list the nodes of the cluster, as one of them sees them",
		UsageText: "klatch cluster members [--data DIR] [--json]",
		Description: "BEHIND counts the events that a member lacks of what this node has, AHEAD those that this node lacks of what it has.\n\n" +
			"States: self; alive (linked); joining (not linked yet); suspect (does not answer); leaving (drains); left (stopped in order); dead. The last two still count for --write-concern majority, until klatch cluster leave --node.\n\n" +
			"Example:\n   klatch cluster members --data /var/lib/klatch",
		Flags: []cli.Flag{dataFlag(), jsonFlag()},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			members, err := newOperator(c.String("data"), answerPatience).members()
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return json.NewEncoder(c.App.Writer).Encode(list[cluster.Member]{members})
			}
			return writeMembers(c.App.Writer, members)
		},
	}
}

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "print JSON"} }

// members asks for them, in order of their ids.
func (o *operator) members() ([]cluster.Member, error) {
	var answer list[cluster.Member]
	if err := o.get("/cluster/members", &answer); err != nil {
		return nil, err
	}
	slices.SortFunc(answer.Items, func(a, b cluster.Member) int { return cmp.Compare(a.Node, b.Node) })
	return answer.Items, nil
}

func writeMembers(w io.Writer, members []cluster.Member) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tSTATE\tADDRESS\tPUBLIC\tVERSION\tCONNECTIONS\tBEHIND\tAHEAD\tSINCE")
	for _, m := range members {
		connections, behind, ahead := "-", "-", "-"
		if !slices.Contains([]cluster.State{cluster.StateDead, cluster.StateLeft, cluster.StateJoining}, m.State) { // of whom nothing is known
			connections, behind, ahead = fmt.Sprint(m.Connections), fmt.Sprint(m.Behind), fmt.Sprint(m.Ahead)
		}
		since := "-"
		if !m.Since.IsZero() {
			since = m.Since.UTC().Format(time.RFC3339)
		}
		fmt.Fprintln(table, strings.Join([]string{m.Node, string(m.State), told(m.Address), told(m.Public), told(m.Version),
			connections, behind, ahead, since}, "\t"))
	}
	return table.Flush()
}

// told shows what is not known as a column of its own.
func told(text string) string { return cmp.Or(text, "-") }
