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

// file reports whether it is a path of this machine, not a name that a node knows.
func (o operand) file() bool { return o.name == "DIR" || o.name == "FILE" || o.name == "BACKUP" }

// choices are the words that an operand may be; none if it may be any.
func (o operand) choices() []string {
	if words := strings.Split(o.name, "|"); len(words) > 1 {
		return words
	}
	return nil
}

// named reports whether a word names something: of what a node knows, what the path of a URL can hold.
func (o operand) named(word string) bool {
	return word != "" && (o.file() || word != "." && word != "..")
}

// checkArguments holds a command's arguments against its operands.
func checkArguments(c *cli.Context) error {
	operands, usage := operandsOf(c.Command), strings.TrimRight(commandPath(c)+" [flags] "+c.Command.ArgsUsage, " ")
	words := c.Args().Slice()
	for i, o := range operands {
		if i == len(words) {
			if o.optional {
				break
			}
			return usageErrorf(c, "name %s: %s", o.name, usage)
		}
		if err := o.check(c, words[i]); err != nil {
			return err
		}
	}
	if len(words) > len(operands) {
		return usageErrorf(c, "%s does not take %q: %s", c.Command.Name, words[len(operands)], usage)
	}
	return nil
}

func (o operand) check(c *cli.Context, word string) error {
	switch {
	case !o.named(word) && o.file():
		return usageErrorf(c, "%q cannot stand for %s", word, o.name)
	case !o.named(word):
		return usageErrorf(c, "%q cannot stand for %s: write the id", word, o.name)
	case o.choices() != nil && !slices.Contains(o.choices(), word):
		return usageErrorf(c, "%q is not one of %s%s", word, strings.Join(o.choices(), ", "), didYouMean(word, o.choices()))
	}
	return nil
}
