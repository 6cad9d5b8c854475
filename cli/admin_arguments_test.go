package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFlagsStandAnywhere(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	for line, want := range map[string]string{
		"klatch admin user delete ada --dry-run --data x": "klatch admin user delete --dry-run --data x ada",
		"klatch admin --data x user show ada":             "klatch admin user show --data x ada",
		"klatch admin user show ada --data=x --json":      "klatch admin user show --data=x --json ada",
		"klatch admin user show --json -- --ada":          "klatch admin user show --json -- --ada",
		"klatch admin user show -- ada":                   "klatch admin user show ada",
		"klatch admin user rename ada user":               "klatch admin user rename ada user",
		"klatch admin user add user --role admin":         "klatch admin user add --role admin user",
		"klatch admin user show ada --data":               "klatch admin user show --data",
		"klatch admin user show - --json":                 "klatch admin user show --json -",
		"klatch admin user lsit --data x":                 "klatch admin user lsit --data x",
		"klatch admin user show ada --nonsense x":         "klatch admin user show --nonsense ada x",
		"klatch admin backup out --data x":                "klatch admin backup --data x out",
		"klatch admin backup --data x -":                  "klatch admin backup --data x -",
		"klatch admin backup out verify --json":           "klatch admin backup --json out verify",
		"klatch admin backup verify out --json":           "klatch admin backup verify --json out",
		"klatch admin export chat.jsonl --secrets":        "klatch admin export --secrets chat.jsonl",
		"klatch admin":                 "klatch admin",
		"klatch bench rooms --users 5": "klatch bench rooms --users 5",
		"klatch":                       "klatch",
	} {
		if got := strings.Join(flagsFirst(app, strings.Fields(line)), " "); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", line, got, want)
		}
	}
}

// A flag may stand before the command that it belongs to, so its name alone must
// say whether the next word is its value.
func TestFlagsOfOneNameAreOfOneKind(t *testing.T) {
	takes := map[string]bool{}
	var walk func(*cli.Command)
	walk = func(c *cli.Command) {
		for _, f := range c.Flags {
			value := f.(cli.DocGenerationFlag).TakesValue()
			for _, name := range f.Names() {
				if before, seen := takes[name]; seen && before != value {
					t.Errorf("--%s of %s takes a value elsewhere, or does not", name, c.Name)
				}
				takes[name] = value
			}
		}
		for _, sub := range c.Subcommands {
			walk(sub)
		}
	}
	walk(adminCommand())
	if !takes["data"] || takes["json"] {
		t.Errorf("--data and --json are read as %v", takes)
	}
}
