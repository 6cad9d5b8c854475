package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func roomCommand() *cli.Command {
	return group("room", "rooms, private and direct ones too", "room list",
		roomAddCommand(), roomListCommand(), roomShowCommand(), roomMembersCommand(), roomRoleCommand(), roomArchiveCommand(), roomUnarchiveCommand(), roomDeleteCommand())
}

// adminRoom is a room as administrators see it.
type adminRoom struct{ engine.AdminRoom }

func (r *adminRoom) kind() string {
	kind := "public"
	switch {
	case r.Direct:
		kind = "direct"
	case r.Private:
		kind = "private"
	}
	if r.Archived {
		kind += ", archived"
	}
	return kind
}

func (r *adminRoom) lastAt() string {
	if r.Last == nil {
		return "-"
	}
	return moment(r.Last.At)
}

// title names a room also when it has no name.
func (r *adminRoom) title() string {
	if r.Name == "" {
		return r.ID.String()
	}
	return r.Name
}

var roomColumns = []column[adminRoom]{
	{"ID", func(r *adminRoom) string { return r.ID.String() }},
	{"NAME", func(r *adminRoom) string { return r.Name }},
	{"KIND", (*adminRoom).kind},
	{"MEMBERS", func(r *adminRoom) string { return fmt.Sprint(r.Members) }},
	{"CREATED", func(r *adminRoom) string { return moment(r.CreatedAt) }},
	{"LAST MESSAGE", (*adminRoom).lastAt},
	{"TOPIC", func(r *adminRoom) string { return r.Topic }},
}

var memberColumns = []column[engine.Member]{
	{"ID", func(m *engine.Member) string { return m.ID.String() }},
	{"USERNAME", func(m *engine.Member) string { return m.Username }},
	{"ROLE", func(m *engine.Member) string { return m.RoomRole.String() }},
	{"DISPLAY NAME", func(m *engine.Member) string { return m.DisplayName }},
}

func writeRoom(w io.Writer, r *adminRoom) error {
	return writeFields(w, "id", r.ID.String(), "name", r.Name, "kind", r.kind(), "topic", r.Topic,
		"members", fmt.Sprint(r.Members), "created", moment(r.CreatedAt), "last message", r.lastAt())
}

func roomListCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "list", Usage: "list all rooms",
		Description: "Example:\n   klatch admin room list",
		Flags:       listFlags(),
	}, func(e *errand) error { return writeList(e, all("rooms"), roomColumns) })
}

func roomShowCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "show", Usage: "show a room", ArgsUsage: "ROOM",
		Description: "Example:\n   klatch admin room show lobby",
	}, func(e *errand) error {
		answer, err := e.node.call(e.Context.Context, "GET", the("room", e.Args().First()), nil)
		if err != nil {
			return err
		}
		return tell(e, answer, writeRoom)
	})
}

func roomMembersCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "members", Usage: "list who is in a room", ArgsUsage: "ROOM",
		Description: "Example:\n   klatch admin room members lobby",
		Flags:       listFlags(),
	}, func(e *errand) error {
		return writeList(e, the("room", e.Args().First()).part("members"), memberColumns)
	})
}

func roomArchiveCommand() *cli.Command {
	return archiving("archive", "make a room one that is only read", true, "is archived")
}

func roomUnarchiveCommand() *cli.Command {
	return archiving("unarchive", "make an archived room one that is written in again", false, "is no longer archived")
}

func archiving(name, usage string, archived bool, became string) *cli.Command {
	return errandCommand(&cli.Command{
		Name: name, Usage: usage, ArgsUsage: "ROOM",
		Description: "Example:\n   klatch admin room " + name + " lobby",
	}, func(e *errand) error {
		answer, err := e.node.call(e.Context.Context, "PATCH", the("room", e.Args().First()), map[string]bool{"archived": archived})
		if err != nil {
			return err
		}
		return tell(e, answer, func(w io.Writer, r *adminRoom) error {
			_, err := fmt.Fprintf(w, "%s %s\n", printable(r.title()), became)
			return err
		})
	})
}
