package cli

import "github.com/urfave/cli/v2"

// newAccount is what an account is made of.
type newAccount struct {
	Username    string `json:"username"`
	Password    string `json:"password,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	Role        string `json:"role,omitempty"`
	Bot         bool   `json:"bot,omitempty"`
}

func userAddCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "add", Usage: "make an account", ArgsUsage: "NAME",
		Description: "Asks for the password on the terminal, unless told otherwise. A bot has none: klatch admin token add makes its token.\n\n" +
			"Examples:\n   klatch admin user add ada --role admin\n   klatch admin user add reporter --bot",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "display-name", Usage: "`TEXT` that is shown for the name"},
			&cli.StringFlag{Name: "role", Usage: "`user|admin`", Value: "user"},
			&cli.BoolFlag{Name: "bot", Usage: "a program's account, which signs in with tokens only"},
		}, passwordFlags()...),
	}, addUser)
}

func addUser(e *errand) (err error) {
	n := newAccount{Username: e.Args().First(), DisplayName: e.String("display-name"), Role: e.String("role"), Bot: e.Bool("bot")}
	if n.Role != "user" && n.Role != "admin" {
		return usageErrorf(e.Context, "--role: %q is not user or admin", n.Role)
	}
	switch {
	case !n.Bot:
		n.Password, err = e.password()
	case e.Bool("password-stdin"):
		err = usageErrorf(e.Context, "a bot has no password: klatch admin token add makes its token")
	}
	if err != nil {
		return err
	}
	answer, err := e.node.call(e.Context.Context, "POST", all("users"), n)
	if err != nil {
		return err
	}
	return tell(e, answer, writeAccount)
}
