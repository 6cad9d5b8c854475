package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

// errand is one command of klatch admin at work: what it was told, and the node
// that it asks.
type errand struct {
	*cli.Context
	node *adminNode
}

// errandCommand gives a command what those have in common that ask a node. Its
// ArgsUsage is the one place that says what it works on: --help, the check of
// the arguments, completion and the man page all read it.
func errandCommand(c *cli.Command, do func(*errand) error) *cli.Command {
	c.Flags = append(c.Flags, nodeFlags()...)
	c.Action = func(at *cli.Context) error {
		if err := checkArguments(at); err != nil {
			return err
		}
		node, err := nodeOf(at)
		if err != nil {
			return err
		}
		return do(&errand{at, node})
	}
	return c
}

func nodeFlags() []cli.Flag {
	return []cli.Flag{
		dataFlag(),
		&cli.StringFlag{Name: "url", Usage: "`URL` of a node to ask instead, such as https://chat.example.org"},
		&cli.StringFlag{Name: "token", Usage: "`TOKEN` of an administrator, for --url; better not as a flag, which others on the machine can see", EnvVars: []string{envName("token")}},
		jsonFlag(),
	}
}

// say tells people what was done. Scripts have the exit code.
func (e *errand) say(format string, args ...any) error {
	if e.Bool("json") {
		return nil
	}
	_, err := fmt.Fprintln(e.App.Writer, printable(fmt.Sprintf(format, args...)))
	return err
}

// tell prints an answer: with --json as it came, else as text says.
func tell[T any](e *errand, answer []byte, text func(io.Writer, *T) error) error {
	if e.Bool("json") {
		_, err := fmt.Fprintf(e.App.Writer, "%s\n", answer)
		return err
	}
	var v T
	if err := json.Unmarshal(answer, &v); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return text(e.App.Writer, &v)
}

// quietFlag is of what makes a secret, for scripts that want nothing else.
func quietFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the " + what + " and nothing else"}
}

// fetch reads one thing.
func fetch[T any](e *errand, t target) (v T, err error) {
	answer, err := e.node.call(e.Context.Context, "GET", t, nil)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return v, fmt.Errorf("read the node's answer: %w", err)
	}
	return v, nil
}

// change has something done that answers nothing, and says so.
func (e *errand) change(method string, t target, in any, format string, args ...any) error {
	if _, err := e.node.call(e.Context.Context, method, t, in); err != nil {
		return err
	}
	return e.say(format, args...)
}
