package cli

import "github.com/urfave/cli/v2"

// newRoom is what a room is made of.
type newRoom struct {
	Name    string `json:"name"`
	Topic   string `json:"topic,omitempty"`
	Private bool   `json:"private,omitempty"`
	Owner   string `json:"owner"`
}

func roomAddCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "add", Usage: "make a room for a user, who becomes its owner", ArgsUsage: "NAME",
		Description: "Examples:\n   klatch admin room add lobby --owner ada --topic \"all and sundry\"\n   klatch admin room add den --owner ada --private",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "owner", Usage: "the `USER` who becomes its owner and first member"},
			&cli.StringFlag{Name: "topic", Usage: "`TEXT` that says what it is about"},
			&cli.BoolFlag{Name: "private", Usage: "only for those who are invited"},
		},
	}, addRoom)
}

func addRoom(e *errand) error {
	n := newRoom{Name: e.Args().First(), Topic: e.String("topic"), Private: e.Bool("private"), Owner: e.String("owner")}
	if n.Owner == "" {
		return usageErrorf(e.Context, "name the room's --owner")
	}
	answer, err := e.node.call(e.Context.Context, "POST", all("rooms").naming("owner", n.Owner), n)
	if err != nil {
		return err
	}
	return tell(e, answer, writeRoom)
}
