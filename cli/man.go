package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		UsageText:   "klatch man",
		Description: "Examples:\n   klatch man | man -l -\n   klatch man >/usr/local/share/man/man1/klatch.1",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return writeManual(c.App.Writer, c.App)
		},
	}
}

// writeManual writes the tree of commands as a page for man(1), in roff with the
// macros of man(7).
func writeManual(w io.Writer, app *cli.App) error {
	m := &manual{}
	m.macro("TH", "KLATCH", "1", "", "klatch "+currentVersion().Version, "klatch")
	m.macro("SH", "NAME")
	m.text("klatch - " + app.Usage)
	m.macro("SH", "SYNOPSIS")
	m.text(app.UsageText)
	m.macro("SH", "DESCRIPTION")
	m.prose(app.Description)
	m.macro("SH", "COMMANDS")
	for _, c := range app.Commands {
		m.command(c, app.Name)
	}
	m.macro("SH", "EXIT STATUS")
	m.item("0", "done")
	m.item("1", "something failed, which standard error tells")
	m.item("2", "wrong usage; nothing was done")
	_, err := io.WriteString(w, m.String())
	return err
}

// manual is a page that is being written.
type manual struct{ strings.Builder }

// command writes about a command and all below it.
func (m *manual) command(c *cli.Command, path string) {
	if c.Hidden {
		return
	}
	path += " " + c.Name
	m.macro("SS", path)
	m.text(upperFirst(c.Usage) + ".")
	if c.UsageText != "" {
		m.macro("PP")
		m.bold(c.UsageText)
	}
	if c.Description != "" {
		m.macro("PP")
		m.prose(c.Description)
	}
	for _, f := range c.Flags {
		flag, usage, _ := strings.Cut(f.String(), "\t")
		m.item(flag, strings.TrimSpace(usage))
	}
	for _, sub := range c.Subcommands {
		m.command(sub, path)
	}
}

// prose writes a description: paragraphs, and as they stand the lines of
// examples, which are indented.
func (m *manual) prose(s string) {
	literal := false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.HasPrefix(line, "   "); indented != literal {
			literal = indented
			m.macro(map[bool]string{true: "EX", false: "EE"}[literal])
		}
		if line == "" {
			m.macro("PP")
			continue
		}
		m.text(line)
	}
	if literal {
		m.macro("EE")
	}
}

func (m *manual) item(term, text string) {
	m.macro("TP")
	m.bold(term)
	m.text(text)
}

func (m *manual) bold(s string) { m.WriteString("\\fB" + roff(s) + "\\fR\n") }

// text writes a line that begins no request.
func (m *manual) text(s string) {
	escaped := roff(s)
	if strings.HasPrefix(escaped, ".") || strings.HasPrefix(escaped, "'") {
		escaped = `\&` + escaped
	}
	m.WriteString(escaped + "\n")
}

func (m *manual) macro(name string, args ...string) {
	m.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(m, ` "%s"`, strings.ReplaceAll(roff(a), `"`, `\(dq`))
	}
	m.WriteString("\n")
}

// roff is text in which no character means anything to roff, and a hyphen is
// one that can be copied to a shell.
func roff(s string) string {
	return strings.NewReplacer("\\", `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`, "\n", " ").Replace(s)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
