package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// usageError is a command line, an environment or a file that makes no sense: exit code 2.
type usageError struct {
	command string // whose --help to read
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usageErrorf(c *cli.Context, format string, args ...any) error {
	return &usageError{command: commandPath(c), err: fmt.Errorf(format, args...)}
}

func commandPath(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return c.App.Name
	}
	return c.Command.HelpName
}

// wrongFlag turns the flag parser's error into ours, with the flag spelt as we spell it.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		name = strings.TrimLeft(name, "-")
		return usageErrorf(c, "there is no flag --%s%s", name, didYouMean(name, flagNames(c)))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usageErrorf(c, "--%s needs a value", strings.TrimLeft(name, "-"))
	}
	if wrong, rest, ok := strings.Cut(text, " for flag -"); ok {
		name, _, _ := strings.Cut(rest, ":")
		return usageErrorf(c, "--%s: %s", name, wrong)
	}
	return usageErrorf(c, "%w", err)
}

func flagNames(c *cli.Context) []string {
	var names []string
	for _, f := range c.Command.Flags {
		names = append(names, f.Names()[0])
	}
	return names
}

// didYouMean returns the end of an error message that names the candidate
// nearest to word, or nothing if none is near.
func didYouMean(word string, candidates []string) string {
	best, nearest := "", 3 // more than two slips is another word
	for _, c := range candidates {
		if d := editDistance(word, c); d < nearest && d < len(c) {
			best, nearest = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours between a and b (Damerau's, optimal string alignment).
func editDistance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
