package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// accountChange is what to change of an account; nil leaves a field as it is.
type accountChange struct {
	Username    *string `json:"username,omitempty"`
	DisplayName *string `json:"display_name,omitempty"`
	Password    *string `json:"password,omitempty"`
	Role        *string `json:"role,omitempty"`
	Disabled    *bool   `json:"disabled,omitempty"`
}

// changeUser changes the account that the command names first, and says what became of it.
func (e *errand) changeUser(change accountChange, became string) error {
	user := e.Args().First()
	answer, err := e.node.call(e.Context.Context, "PATCH", the("user", user), change)
	if err != nil {
		return err
	}
	if e.Bool("json") {
		_, err := fmt.Fprintf(e.App.Writer, "%s\n", answer)
		return err
	}
	return e.say("%s %s", user, became)
}

func userRenameCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "rename", Usage: "give an account another name, or what is shown for it", ArgsUsage: "USER [NAME]",
		Description: "What the user wrote stays his: messages hold his id.\n\n" +
			"Examples:\n   klatch admin user rename ada countess\n   klatch admin user rename ada --display-name \"Ada Lovelace\"",
		Flags: []cli.Flag{&cli.StringFlag{Name: "display-name", Usage: "`TEXT` that is shown for the name; empty: the name"}},
	}, func(e *errand) error {
		var change accountChange
		var became string
		if e.IsSet("display-name") {
			text := e.String("display-name")
			change.DisplayName, became = &text, "is now shown as "+told(text)
		}
		if name := e.Args().Get(1); name != "" {
			change.Username, became = &name, "is now "+name
		}
		if change == (accountChange{}) {
			return usageErrorf(e.Context, "name what to change: a NAME, --display-name, or both")
		}
		return e.changeUser(change, became)
	})
}

func userPasswordCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "password", Usage: "set a password, and end all sign-ins of the account", ArgsUsage: "USER",
		Description: "Asks for it on the terminal, unless told otherwise.\n\n" +
			"Examples:\n   klatch admin user password ada\n   klatch admin user password ada --password-stdin <password.txt",
		Flags: passwordFlags(),
	}, func(e *errand) error {
		// Nobody should type a password for a user who is not there, or for no node.
		if _, err := fetch[adminAccount](e, the("user", e.Args().First())); err != nil {
			return err
		}
		password, err := e.password()
		if err != nil {
			return err
		}
		became := "has a new password, and every sign-in has ended"
		if password == "" {
			became = "has no password, and every sign-in has ended"
		}
		return e.changeUser(accountChange{Password: &password}, became)
	})
}

func userRoleCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "role", Usage: "make an account an administrator's, or a user's", ArgsUsage: "USER user|admin",
		Description: "Example:\n   klatch admin user role ada admin",
	}, func(e *errand) error {
		role := e.Args().Get(1)
		return e.changeUser(accountChange{Role: &role}, "has the role "+role)
	})
}

func userDisableCommand() *cli.Command {
	return disabling("disable", "keep a user out: end the sessions, refuse tokens and sign-ins", true, "is disabled")
}

func userEnableCommand() *cli.Command {
	return disabling("enable", "let a disabled user in again", false, "is enabled")
}

func disabling(name, usage string, disabled bool, became string) *cli.Command {
	return errandCommand(&cli.Command{
		Name: name, Usage: usage, ArgsUsage: "USER",
		Description: "Example:\n   klatch admin user " + name + " mallory",
	}, func(e *errand) error { return e.changeUser(accountChange{Disabled: &disabled}, became) })
}
