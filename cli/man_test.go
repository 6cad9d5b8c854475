package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// The page holds every command and flag that there is, and nothing else begins a request of roff.
func TestManualIsComplete(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	var out strings.Builder
	if err := writeManual(&out, app); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	var walk func(path string, c *cli.Command)
	walk = func(path string, c *cli.Command) {
		path += " " + c.Name
		_, section, found := strings.Cut(page, ".SS \""+roff(path)+"\"\n")
		section, _, _ = strings.Cut(section, "\n.S")
		if found == c.Hidden {
			t.Errorf("%s is there: %v", path, found)
		}
		for _, f := range c.Flags {
			if !c.Hidden && !strings.Contains(section, "\n\\fB"+roff("--"+f.Names()[0])) {
				t.Errorf("%s lacks --%s", path, f.Names()[0])
			}
		}
		for _, sub := range c.Subcommands {
			walk(path, sub)
		}
	}
	for _, c := range app.Commands {
		walk("klatch", c)
	}
	known := "TH SH SS PP TP EX EE"
	for line := range strings.Lines(page) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !strings.Contains(known, name[1:]) {
			t.Errorf("roff takes for a request: %s", line)
		}
	}
}

func TestRoffEscapes(t *testing.T) {
	var m manual
	m.prose(".dot\n'quote\n   .in an \\example\nplain --flag \"q\"\n")
	m.macro("SS", `a "b" -c`)
	want := "\\&.dot\n\\&'quote\n.EX\n   .in an \\eexample\n.EE\nplain \\-\\-flag \"q\"\n.SS \"a \\(dqb\\(dq \\-c\"\n"
	if m.String() != want {
		t.Errorf("written %q, want %q", m.String(), want)
	}
}
