package cli

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func userCommand() *cli.Command {
	return group("user", "accounts: make, look at, change, take away", "user show ada",
		userAddCommand(), userListCommand(), userShowCommand(), userRenameCommand(), userPasswordCommand(), userRoleCommand(),
		userDisableCommand(), userEnableCommand(), userSessionsCommand(), userRevokeCommand(), userDeleteCommand())
}

// adminAccount is a user as administrators see it.
type adminAccount struct{ engine.Account }

// state is the one word for what an account may do.
func (a *adminAccount) state() string {
	switch {
	case a.Deleted:
		return "deleted"
	case a.Disabled:
		return "disabled"
	}
	return "active"
}

func (a *adminAccount) kind() string {
	if a.Bot {
		return a.Role + ", bot"
	}
	return a.Role
}

var accountColumns = []column[adminAccount]{
	{"ID", func(a *adminAccount) string { return a.ID.String() }},
	{"USERNAME", func(a *adminAccount) string { return a.Username }},
	{"ROLE", (*adminAccount).kind},
	{"STATE", (*adminAccount).state},
	{"CREATED", func(a *adminAccount) string { return moment(a.CreatedAt) }},
	{"LAST SIGN-IN", func(a *adminAccount) string { return moment(a.LastSignIn) }},
	{"DISPLAY NAME", func(a *adminAccount) string { return a.DisplayName }},
}

func writeAccount(w io.Writer, a *adminAccount) error {
	return writeFields(w,
		"id", a.ID.String(), "username", a.Username, "display name", a.DisplayName, "role", a.kind(), "state", a.state(),
		"password", yesNo(a.Password), "created", moment(a.CreatedAt), "last sign-in", moment(a.LastSignIn))
}

func userListCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "list", Usage: "list all accounts, those of bots too",
		Description: "Example:\n   klatch admin user list --limit 20",
		Flags:       listFlags(),
	}, func(e *errand) error { return writeList(e, all("users"), accountColumns) })
}

func userShowCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "show", Usage: "show an account", ArgsUsage: "USER",
		Description: "Example:\n   klatch admin user show ada --json",
	}, func(e *errand) error {
		answer, err := e.node.call(e.Context.Context, "GET", the("user", e.Args().First()), nil)
		if err != nil {
			return err
		}
		return tell(e, answer, writeAccount)
	})
}
