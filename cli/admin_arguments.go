package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst puts the flags of klatch admin before what the command works on, so
// that they may stand anywhere: the library reads flags only up to the first
// argument, and "klatch admin user delete ada --dry-run" must not be about a
// second user of that name. After "--" nothing is a flag.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 || args[1] != "admin" {
		return args
	}
	at := app.Command("admin")
	path, flags, operands := args[:2:2], []string{}, []string{}
	for rest := args[2:]; len(rest) > 0; {
		word := rest[0]
		sub := at.Command(word)
		switch {
		case word == "--":
			operands = append(operands, rest[1:]...)
			rest = nil
			continue
		case len(word) > 1 && word[0] == '-':
			n := 1
			if takesNext(at, word) {
				n = 2
			}
			if n > len(rest) { // no operand may pass for the value that is missing
				return append(append(path, flags...), word)
			}
			flags, rest = append(flags, rest[:n]...), rest[n:]
			continue
		case sub != nil && len(operands) == 0:
			at, path = sub, append(path, word)
		case len(at.Subcommands) > 0 && at.ArgsUsage == "": // no such command
			return args
		default:
			operands = append(operands, word)
		}
		rest = rest[1:]
	}
	if len(operands) > 0 && strings.HasPrefix(operands[0], "-") && operands[0] != "-" {
		flags = append(flags, "--")
	}
	return append(append(path, flags...), operands...)
}

// takesNext reports whether a flag's value is the next word. One name means the
// same kind of flag in all commands below.
func takesNext(at *cli.Command, word string) bool {
	name := strings.TrimLeft(word, "-")
	if strings.Contains(name, "=") {
		return false
	}
	f := findFlag(at, name)
	return f != nil && f.TakesValue()
}

func findFlag(at *cli.Command, name string) cli.DocGenerationFlag {
	for _, f := range at.Flags {
		for _, n := range f.Names() {
			if d, ok := f.(cli.DocGenerationFlag); ok && n == name {
				return d
			}
		}
	}
	for _, c := range at.Subcommands {
		if f := findFlag(c, name); f != nil {
			return f
		}
	}
	return nil
}
