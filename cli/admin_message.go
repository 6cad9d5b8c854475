package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func messageCommand() *cli.Command {
	return group("message", "messages: look at one, delete one, delete many", "message show 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D",
		messageShowCommand(), messageDeleteCommand(), messagePurgeCommand())
}

func messageShowCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "show", Usage: "show a message", ArgsUsage: "MESSAGE",
		Description: "Example:\n   klatch admin message show 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D",
	}, func(e *errand) error {
		answer, err := e.node.call(e.Context.Context, "GET", the("message", e.Args().First()), nil)
		if err != nil {
			return err
		}
		return tell(e, answer, writeMessage)
	})
}

func writeMessage(w io.Writer, m *engine.Message) error {
	fields := []string{"id", m.ID.String(), "room", m.Room.String(), "user", m.User.String(), "at", moment(m.At)}
	if m.EditedAt != 0 {
		fields = append(fields, "edited", moment(m.EditedAt))
	}
	if !m.ReplyTo.IsZero() {
		fields = append(fields, "reply to", m.ReplyTo.String())
	}
	if m.Deleted {
		fields = append(fields, "deleted", "yes")
	}
	if len(m.Reactions) > 0 {
		fields = append(fields, "reactions", reactionsText(m.Reactions))
	}
	for _, f := range m.Files {
		fields = append(fields, "attachment", fmt.Sprintf("%s (%s, %d bytes)", f.Name, f.Type, f.Size))
	}
	if err := writeFields(w, fields...); err != nil || m.Body == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.TrimSuffix(paragraph(m.Body), "\n"))
	return err
}

func reactionsText(list []engine.ReactionCount) string {
	var parts []string
	for _, r := range list {
		parts = append(parts, fmt.Sprintf("%s %d", r.Emoji, r.Count))
	}
	return strings.Join(parts, ", ")
}

func messageDeleteCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "delete", Usage: "delete a message", ArgsUsage: "MESSAGE",
		Description: "Example:\n   klatch admin message delete 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D --yes",
		Flags:       destroyFlags(),
	}, func(e *errand) error {
		m, err := fetch[engine.Message](e, the("message", e.Args().First()))
		if err != nil {
			return err
		}
		yes, err := e.sure("delete the message %s of %s: %q", m.ID, moment(m.At), clipped(m.Body))
		if err != nil || !yes {
			return err
		}
		return e.change("DELETE", the("message", m.ID.String()), nil, "%s is deleted", m.ID)
	})
}
