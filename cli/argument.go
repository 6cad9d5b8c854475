package cli

import (
	"flag"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// oneArgument is the argument that a command takes, before or after its flags.
func oneArgument(c *cli.Context, what string) (string, error) {
	words, err := laterFlags(c)
	switch {
	case err != nil:
		return "", err
	case len(words) == 0 || words[0] == "":
		return "", usageErrorf(c, "name %s", what)
	case len(words) > 1:
		return "", usageErrorf(c, "%s takes one argument, not also %q", c.Command.Name, words[1])
	}
	return words[0], nil
}

// laterFlags sets the flags that stand behind arguments, where the library does
// not look for them, and returns the arguments.
func laterFlags(c *cli.Context) (words []string, err error) {
	for rest := c.Args().Slice(); len(rest) > 0; {
		word := rest[0]
		if rest = rest[1:]; word == "--" {
			return append(words, rest...), nil
		}
		if !strings.HasPrefix(word, "-") || word == "-" {
			words = append(words, word)
			continue
		}
		set := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
		set.SetOutput(io.Discard)
		for _, f := range c.Command.Flags {
			if err := f.Apply(set); err != nil {
				return nil, err
			}
		}
		if err := set.Parse(append([]string{word}, rest...)); err != nil {
			return nil, wrongFlag(c, err, true)
		}
		rest = set.Args()
		set.Visit(func(f *flag.Flag) { err = c.Set(f.Name, f.Value.String()) })
		if err != nil {
			return nil, err
		}
	}
	return words, nil
}
