package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

func tokenCommand() *cli.Command {
	return group("token", "tokens of bots", "token add reporter --label nightly",
		tokenAddCommand(), tokenListCommand(), tokenRevokeCommand())
}

type newToken struct {
	Label   string `json:"label,omitempty"`
	Expires int64  `json:"expires_in_s,omitempty"`
}

func tokenAddCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "add", Usage: "make a token with which a bot signs in, and print it", ArgsUsage: "USER",
		Description: "What is printed is a secret, and is not shown again. klatch admin user add --bot makes the account.\n\n" +
			"Examples:\n   klatch admin token add reporter --label nightly --expires 90d\n   TOKEN=$(klatch admin token add --quiet reporter)",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "label", Usage: "`TEXT` for the list"},
			&cli.StringFlag{Name: "expires", Usage: "in what `TIME` it ends: 12h, 90d; a year if not given"},
			quietFlag("token"),
		},
	}, func(e *errand) error {
		lifetime, err := spanFlag(e.Context, "expires")
		if err != nil {
			return err
		}
		in := newToken{Label: e.String("label"), Expires: seconds(lifetime)}
		answer, err := e.node.call(e.Context.Context, "POST", the("user", e.Args().First()).part("tokens"), in)
		if err != nil {
			return err
		}
		return tell(e, answer, func(w io.Writer, made *struct {
			Token   string        `json:"token"`
			Session engine.SignIn `json:"session"`
		}) error {
			if e.Bool("quiet") {
				_, err := fmt.Fprintln(w, made.Token)
				return err
			}
			return writeFields(w, "token", made.Token, "id", made.Session.ID.String(), "label", made.Session.Agent, "expires", moment(made.Session.Expires))
		})
	})
}

var tokenColumns = append(signInColumns[:len(signInColumns)-1:len(signInColumns)-1],
	column[engine.SignIn]{"LABEL", func(s *engine.SignIn) string { return s.Agent }})

func tokenListCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "list", Usage: "list a bot's tokens, without the tokens themselves", ArgsUsage: "USER",
		Description: "Example:\n   klatch admin token list reporter",
	}, func(e *errand) error { return writeList(e, sessionsOf(e.Args().First()).onePage(), tokenColumns) })
}

func tokenRevokeCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "revoke", Usage: "end a bot's token", ArgsUsage: "USER TOKEN",
		Description: "TOKEN is an id of klatch admin token list.\n\nExample:\n   klatch admin token revoke reporter 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D",
	}, func(e *errand) error {
		user, token := e.Args().Get(0), e.Args().Get(1)
		return e.change("DELETE", sessionsOf(user).item("token", token), nil, "the token %s is revoked", token)
	})
}
