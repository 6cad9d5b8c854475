package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// operand is what a command works on, as its ArgsUsage names it: USER, [SESSION]
// where it may be missing, user|admin where it is one of some words.
type operand struct {
	name     string
	optional bool
}

func operandsOf(c *cli.Command) (list []operand) {
	for word := range strings.FieldsSeq(c.ArgsUsage) {
		name := strings.Trim(word, "[]")
		list = append(list, operand{name, name != word})
	}
	return list
}

// choices are the words that an operand may be; none if it may be any.
func (o operand) choices() []string {
	if words := strings.Split(o.name, "|"); len(words) > 1 {
		return words
	}
	return nil
}

// checkArguments holds a command's arguments against its operands.
func checkArguments(c *cli.Context) error {
	operands := operandsOf(c.Command)
	for i, o := range operands {
		switch word := c.Args().Get(i); {
		case i >= c.Args().Len() && !o.optional:
			return usageErrorf(c, "name %s: %s [flags] %s", o.name, commandPath(c), c.Command.ArgsUsage)
		case i < c.Args().Len() && (word == "" || word == "." || word == ".."): // no path of a URL can hold these
			return usageErrorf(c, "%q cannot stand for %s: write the id", word, o.name)
		case i < c.Args().Len() && o.choices() != nil && !slices.Contains(o.choices(), word):
			return usageErrorf(c, "%q is not one of %s%s", word, strings.Join(o.choices(), ", "), didYouMean(word, o.choices()))
		}
	}
	if c.Args().Len() > len(operands) {
		return usageErrorf(c, "%s does not take %q: %s [flags] %s", c.Command.Name, c.Args().Get(len(operands)), commandPath(c), c.Command.ArgsUsage)
	}
	return nil
}
