package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func inviteCommand() *cli.Command {
	return group("invite", "invitations, with which people make accounts", "invite add --note \"for ada\"",
		inviteAddCommand(), inviteListCommand(), inviteRevokeCommand())
}

// adminInvite is an invite as it is listed: without its token, which is told once.
type adminInvite struct{ engine.Invitation }

func (i *adminInvite) state() string {
	switch {
	case i.Used:
		return "used"
	case i.Revoked:
		return "revoked"
	}
	return "open"
}

var invitationColumns = []column[adminInvite]{
	{"ID", func(i *adminInvite) string { return i.ID.String() }},
	{"STATE", (*adminInvite).state},
	{"FOR", func(i *adminInvite) string { return roleFor(i.Admin) }},
	{"CREATED", func(i *adminInvite) string { return moment(i.CreatedAt) }},
	{"EXPIRES", func(i *adminInvite) string { return moment(i.ExpiresAt) }},
	{"BY", func(i *adminInvite) string { return byWhom(i.By) }},
	{"NOTE", func(i *adminInvite) string { return i.Note }},
}

func roleFor(admin bool) string {
	if admin {
		return "admin"
	}
	return "user"
}

// byWhom shows who did something: the zero id is the operator.
func byWhom(id engine.ID) string {
	if id.IsZero() {
		return "operator"
	}
	return id.String()
}

type newInvite struct {
	Admin   bool   `json:"admin,omitempty"`
	Note    string `json:"note,omitempty"`
	Expires int64  `json:"expires_in_s,omitempty"`
}

func inviteAddCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "add", Usage: "make an invitation for one account, and print it",
		Description: "What is printed is a secret: whoever has it first makes the account. It is not shown again.\n\n" +
			"Examples:\n   klatch admin invite add --note \"for ada\"\n   klatch admin invite add --admin --expires 1h",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "admin", Usage: "for an administrator"},
			&cli.StringFlag{Name: "note", Usage: "`TEXT` for the list"},
			&cli.StringFlag{Name: "expires", Usage: "in what `TIME` it ends: 90m, 12h, 30d"},
			quietFlag("invite"),
		},
	}, func(e *errand) error {
		lifetime, err := spanFlag(e.Context, "expires")
		if err != nil {
			return err
		}
		in := newInvite{Admin: e.Bool("admin"), Note: e.String("note"), Expires: seconds(lifetime)}
		answer, err := e.node.call(e.Context.Context, "POST", all("invites"), in)
		if err != nil {
			return err
		}
		return tell(e, answer, func(w io.Writer, made *struct {
			Invite     string      `json:"invite"`
			Invitation adminInvite `json:"invitation"`
		}) error {
			if e.Bool("quiet") {
				_, err := fmt.Fprintln(w, made.Invite)
				return err
			}
			return writeFields(w, "invite", made.Invite, "link", e.inviteLink(made.Invite), "id", made.Invitation.ID.String(), "for", roleFor(made.Invitation.Admin), "expires", moment(made.Invitation.ExpiresAt))
		})
	})
}

// inviteLink is where the page takes the invitation, if the command line says where that is.
func (e *errand) inviteLink(token string) string {
	if e.node.local != nil {
		return "" // the node's public address is not known on its socket
	}
	return strings.TrimSuffix(e.node.base, apiPath) + "/#invite=" + token
}

func inviteListCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "list", Usage: "list invitations, also those that were used",
		Description: "Example:\n   klatch admin invite list",
	}, func(e *errand) error { return writeList(e, all("invites").onePage(), invitationColumns) })
}

func inviteRevokeCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "revoke", Usage: "end an invitation", ArgsUsage: "INVITE",
		Description: "INVITE is an id of klatch admin invite list.\n\nExample:\n   klatch admin invite revoke 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D",
	}, func(e *errand) error {
		return e.change("DELETE", the("invite", e.Args().First()), nil, "the invitation %s is revoked", e.Args().First())
	})
}
