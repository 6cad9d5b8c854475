package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// destroyFlags are those of what cannot be undone.
func destroyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done, and do nothing"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask"},
	}
}

var errNotSure = errors.New("nothing was changed")

// sure reports whether to go on with what cannot be undone: false for --dry-run,
// an error if nobody said yes.
func (e *errand) sure(format string, args ...any) (bool, error) {
	what := printable(fmt.Sprintf(format, args...))
	if e.Bool("dry-run") {
		_, err := fmt.Fprintf(e.App.ErrWriter, "would %s\n", what)
		return false, err
	}
	if e.Bool("yes") {
		return true, nil
	}
	if terminalOf(e.App.Reader) == nil {
		return false, usageErrorf(e.Context, "would %s, which cannot be undone: add --yes, or --dry-run to only look", what)
	}
	if err := confirm(e.Context, strings.ToUpper(what[:1])+what[1:]+"? This cannot be undone."); err != nil {
		return false, err
	}
	return true, nil
}

// confirm asks who sits at the terminal, and returns errNotSure for any answer but yes.
func confirm(c *cli.Context, question string) error {
	fmt.Fprintf(c.App.ErrWriter, "%s Type yes: ", question)
	answer, err := bufio.NewReader(io.LimitReader(c.App.Reader, 100)).ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "yes" {
		return errNotSure
	}
	return nil
}

// terminalOf is the terminal that r or w is, nil if it is none.
func terminalOf(rw any) *os.File {
	if f, ok := rw.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
