package cli

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts only ask "klatch complete" for what fits, so that they never need
// to be made again. What it prints are words that no shell treats in any special
// way; none of the scripts has them expanded.
var (
	//go:embed completion/klatch.bash
	bashCompletion string
	//go:embed completion/klatch.zsh
	zshCompletion string
	//go:embed completion/klatch.fish
	fishCompletion string
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes command lines in a shell",
		UsageText: "klatch completion bash|zsh|fish",
		ArgsUsage: "bash|zsh|fish",
		Description: "It completes commands, flags, and the names of users and rooms of the node that runs in --data.\n\n" +
			"Examples:\n   source <(klatch completion bash)\n   klatch completion bash >/etc/bash_completion.d/klatch\n" +
			"   klatch completion zsh >/usr/local/share/zsh/site-functions/_klatch\n   klatch completion fish >~/.config/fish/completions/klatch.fish",
		Action: func(c *cli.Context) error {
			if err := checkArguments(c); err != nil {
				return err
			}
			script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Args().First()]
			_, err := io.WriteString(c.App.Writer, script)
			return err
		},
	}
}

// completeCommand is for those scripts: its arguments are the words after
// "klatch", the last one being completed.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name:            "complete",
		Usage:           "print what a command line may go on with",
		UsageText:       "klatch complete WORD...",
		Description:     "Example:\n   klatch complete admin user sh",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			for _, found := range complete(c.App, c.Args().Slice()) {
				if _, err := fmt.Fprintf(c.App.Writer, "%s\t%s\n", found.word, found.help); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// candidate is a word that may stand next.
type candidate struct{ word, help string }

// complete returns what fits the last word, in order.
func complete(app *cli.App, words []string) []candidate {
	if len(words) == 0 {
		words = []string{""}
	}
	l := lineOf(app, words[:len(words)-1])
	last := words[len(words)-1]
	found := l.candidates(last)
	found = slices.DeleteFunc(found, func(c candidate) bool { return !strings.HasPrefix(c.word, last) })
	slices.SortFunc(found, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return found
}

// line is a command line as far as it is written.
type line struct {
	commands []*cli.Command // that may come next
	at       *cli.Command   // nil: none was named yet
	awaiting string         // what the last word's flag takes; "" if it takes nothing
	operands int            // that were named
	data     string         // where the node is that knows names
}

func lineOf(app *cli.App, words []string) *line {
	l := &line{commands: app.Commands, data: os.Getenv(envName("data"))}
	for _, word := range words {
		l.read(word)
	}
	return l
}

func (l *line) read(word string) {
	switch sub := l.command(word); {
	case l.awaiting != "":
		if l.awaiting == "DIR" {
			l.data = word
		}
		l.awaiting = ""
	case strings.HasPrefix(word, "--data="):
		l.data = strings.TrimPrefix(word, "--data=")
	case strings.HasPrefix(word, "-"):
		l.awaiting = l.valueOf(word)
	case sub != nil && l.operands == 0:
		l.at, l.commands = sub, sub.Subcommands
	default:
		l.operands++
	}
}

func (l *line) command(word string) *cli.Command {
	for _, c := range l.commands {
		if c.HasName(word) {
			return c
		}
	}
	return nil
}

// valueOf names what a flag takes, as its usage does between backquotes.
func (l *line) valueOf(flag string) string {
	name := strings.TrimLeft(flag, "-")
	if l.at == nil || strings.Contains(name, "=") {
		return ""
	}
	f := findFlag(l.at, name)
	if f == nil || !f.TakesValue() {
		return ""
	}
	if parts := strings.Split(f.GetUsage(), "`"); len(parts) > 2 {
		return parts[1]
	}
	return "VALUE"
}

func (l *line) candidates(last string) []candidate {
	switch {
	case l.awaiting != "":
		return l.values(l.awaiting)
	case strings.HasPrefix(last, "-"):
		return l.flags()
	}
	var found []candidate
	for _, c := range l.commands {
		if !c.Hidden && l.operands == 0 {
			found = append(found, candidate{c.Name, c.Usage})
		}
	}
	if l.at != nil {
		if operands := operandsOf(l.at); l.operands < len(operands) {
			found = append(found, l.values(operands[l.operands].name)...)
		}
	}
	return found
}

func (l *line) flags() (found []candidate) {
	if l.at != nil {
		for _, f := range l.at.Flags {
			if d, ok := f.(cli.DocGenerationFlag); ok {
				found = append(found, candidate{"--" + f.Names()[0], strings.ReplaceAll(d.GetUsage(), "`", "")})
			}
		}
	}
	return append(found, candidate{"--help", "show help"})
}

// values are those that an operand or a flag may have.
func (l *line) values(what string) (found []candidate) {
	for _, word := range (operand{name: what}).choices() {
		found = append(found, candidate{word: word})
	}
	if list, live := map[string]string{"USER": "users", "ROOM": "rooms"}[what]; live {
		found = append(found, liveNames(l.data, list)...)
	}
	return found
}
