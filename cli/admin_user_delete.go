package cli

import "github.com/urfave/cli/v2"

func userDeleteCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "delete", Usage: "delete an account, with what it wrote or without", ArgsUsage: "USER",
		Description: "The name becomes free, memberships and sign-ins end. Messages stay, as those of a deleted user, unless --content is given: then all of them are deleted first, also from private rooms. " +
			"The same command goes on where an interrupted one stopped.\n\n" +
			"Examples:\n   klatch admin user delete mallory --dry-run\n   klatch admin user delete mallory --content --yes",
		Flags: append([]cli.Flag{&cli.BoolFlag{Name: "content", Usage: "delete every message of the user first"}}, destroyFlags()...),
	}, deleteUser)
}

// deleteUser keeps the user out first when there is content to delete: else he
// could write on, and the purge would not see the end of it.
func deleteUser(e *errand) error {
	a, err := fetch[adminAccount](e, the("user", e.Args().First()))
	if err != nil {
		return err
	}
	content := purgeRequest{User: a.ID.String(), DryRun: e.Bool("dry-run")}
	with := "keep the messages"
	if e.Bool("content") {
		with = "all messages"
	}
	switch yes, err := e.sure("delete the user %s (%s), %s", a.Username, a.ID, with); {
	case err != nil:
		return err
	case !yes && e.Bool("content"):
		return e.countContent(content)
	case !yes:
		return nil
	}
	if e.Bool("content") {
		if err := e.emptyUser(&a, content); err != nil {
			return err
		}
	}
	return e.change("DELETE", the("user", a.ID.String()), nil, "%s is deleted", a.Username)
}

func (e *errand) countContent(content purgeRequest) error {
	done, err := e.purge(content)
	if err != nil {
		return err
	}
	return e.say("%d messages would be deleted", done.Deleted)
}

func (e *errand) emptyUser(a *adminAccount, content purgeRequest) error {
	if !a.Disabled {
		disabled := true
		if _, err := e.node.call(e.Context.Context, "PATCH", the("user", a.ID.String()), accountChange{Disabled: &disabled}); err != nil {
			return err
		}
	}
	_, err := e.purge(content)
	return err
}
