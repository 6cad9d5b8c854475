package cli

import "github.com/urfave/cli/v2"

func roomRoleCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "role", Usage: "set a user's role in a room, also of one who is not in it yet; none takes him out",
		ArgsUsage:   "ROOM USER owner|moderator|member|none",
		Description: "Examples:\n   klatch admin room role lobby ada owner\n   klatch admin room role lobby mallory none",
	}, func(e *errand) error {
		room, user, role := e.Args().Get(0), e.Args().Get(1), e.Args().Get(2)
		member := the("room", room).part("members").item("user", user)
		if role == "none" {
			return e.change("DELETE", member, nil, "%s is not in %s", user, room)
		}
		return e.change("PUT", member, map[string]string{"role": role}, "%s is %s of %s", user, role, room)
	})
}

func roomDeleteCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "delete", Usage: "delete a room with all its messages", ArgsUsage: "ROOM",
		Description: "archive keeps what was written.\n\nExample:\n   klatch admin room delete lobby --dry-run",
		Flags:       destroyFlags(),
	}, func(e *errand) error {
		r, err := fetch[adminRoom](e, the("room", e.Args().First()))
		if err != nil {
			return err
		}
		yes, err := e.sure("delete the room %s (%s, %s, %d members) with all its messages", r.title(), r.ID, r.kind(), r.Members)
		if err != nil || !yes {
			return err
		}
		return e.change("DELETE", the("room", r.ID.String()), nil, "%s is deleted", r.title())
	})
}
