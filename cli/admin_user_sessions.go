package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/klatch-chat/klatch/engine"
)

var signInColumns = []column[engine.SignIn]{
	{"ID", func(s *engine.SignIn) string { return s.ID.String() }},
	{"SINCE", func(s *engine.SignIn) string { return moment(s.At) }},
	{"EXPIRES", func(s *engine.SignIn) string { return moment(s.Expires) }},
	{"PROGRAM", func(s *engine.SignIn) string { return s.Agent }},
}

func sessionsOf(user string) target { return the("user", user).part("sessions") }

func userSessionsCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "sessions", Usage: "list where a user is signed in", ArgsUsage: "USER",
		Description: "Example:\n   klatch admin user sessions ada",
	}, func(e *errand) error { return writeList(e, sessionsOf(e.Args().First()).onePage(), signInColumns) })
}

func userRevokeCommand() *cli.Command {
	return errandCommand(&cli.Command{
		Name: "revoke", Usage: "end one sign-in of a user, or all", ArgsUsage: "USER [SESSION]",
		Description: "Examples:\n   klatch admin user revoke ada 01K3ZQ3V9XPT7Q2S7ZQX5M8F4D\n   klatch admin user revoke ada --all",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "every sign-in of the user"}},
	}, func(e *errand) error {
		user, session := e.Args().First(), e.Args().Get(1)
		switch {
		case e.Bool("all") == (session != ""):
			return usageErrorf(e.Context, "name a SESSION of klatch admin user sessions, or give --all")
		case session == "":
			return e.change("DELETE", sessionsOf(user), nil, "every sign-in of %s has ended", user)
		}
		return e.change("DELETE", sessionsOf(user).item("session", session), nil, "the sign-in %s has ended", session)
	})
}
