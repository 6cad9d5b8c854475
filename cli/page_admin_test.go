package cli

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// pageID stands in docs/admin.md and in examples for an id that a list has shown.
const pageID = "01K3ZQ3V9XPT7Q2S7ZQX5M8F4D"

// pageCommands are the lines of docs/admin.md that one can type in.
func pageCommands(t *testing.T) (lines []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/admin.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "klatch ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// Every command of docs/admin.md does on a real node what the page says, one after the other as they stand.
func TestAdminPage(t *testing.T) {
	dir := t.TempDir()
	n, _ := startNode(t, filepath.Join(dir, "klatch-data"), nil)
	s := &pageScene{t: t, dir: dir, url: n.public.url()}
	s.setUp()
	for _, line := range pageCommands(t) {
		s.run(s.named(line))
	}
}

// pageScene is the chat that the page speaks of.
type pageScene struct {
	t        *testing.T
	dir, url string
	message  string
}

func (s *pageScene) setUp() {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "password.txt"), []byte("correct horse\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	for _, user := range []string{"ada --role admin", "mallory", "spammer"} {
		s.run("klatch admin user add " + user + " --password-stdin <password.txt")
	}
	var ada struct{ Token string }
	var message struct{ ID string }
	call(s.t, "POST", s.url+"/api/v1/login", "", map[string]string{"username": "ada", "password": "correct horse"}, &ada)
	for _, room := range []string{"lobby", "attic"} {
		call(s.t, "POST", s.url+"/api/v1/rooms", ada.Token, map[string]string{"name": room}, nil)
	}
	call(s.t, "POST", s.url+"/api/v1/rooms/lobby/messages", ada.Token, map[string]string{"body": "hello"}, &message)
	if s.message = message.ID; s.message == "" {
		s.t.Fatal("no message could be posted")
	}
	s.run("klatch admin room role lobby mallory member")
}

func (s *pageScene) run(line string) string {
	s.t.Helper()
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Errorf("%s\n%v\n%s", line, err, out)
	}
	return string(out)
}

// named puts an id that there is in the place of the page's.
func (s *pageScene) named(line string) string {
	if !strings.Contains(line, pageID) {
		return line
	}
	id := s.message
	switch {
	case strings.Contains(line, " invite "):
		id = s.newest("klatch admin invite list --json")
	case strings.Contains(line, " token "):
		id = s.newest("klatch admin token list reporter --json")
	}
	return strings.ReplaceAll(line, pageID, id)
}

func (s *pageScene) newest(list string) string {
	var found struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(s.run(list)), &found); err != nil || len(found.Items) == 0 {
		s.t.Fatalf("%s: %v, %d things", list, err, len(found.Items))
	}
	return found.Items[0].ID
}

// The page leaves out no command.
func TestAdminPageIsComplete(t *testing.T) {
	lines := pageCommands(t)
	commandsOf(adminCommand(), "klatch", func(path string, c *cli.Command) {
		told := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line+" ", path+" ") })
		if operates(c) && !told {
			t.Errorf("docs/admin.md does not tell of %s", path)
		}
	})
}

// operates reports whether a command does something itself.
func operates(c *cli.Command) bool { return hasFlag(c, "json") }

func hasFlag(c *cli.Command, name string) bool {
	return slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// All commands are of one shape: flags of the same names, an example, and a usage that names
// what they work on as the check of the arguments does.
func TestAdminCommandsAreAlike(t *testing.T) {
	commandsOf(adminCommand(), "klatch", func(path string, c *cli.Command) {
		if !strings.Contains(c.Description, "Example") || !strings.Contains(c.Description, path) {
			t.Errorf("the help of %s has no example", path)
		}
		if group := len(c.Subcommands) > 0 && c.ArgsUsage == ""; group {
			return
		}
		if want := strings.TrimRight(path+" [flags] "+c.ArgsUsage, " "); c.UsageText != want {
			t.Errorf("the usage of %s is %q, not %q", path, c.UsageText, want)
		}
		if !hasFlag(c, "json") || !hasFlag(c, "data") && path != "klatch admin backup verify" {
			t.Errorf("%s has not both --data and --json", path)
		}
	})
}

func commandsOf(c *cli.Command, path string, do func(path string, c *cli.Command)) {
	path += " " + c.Name
	do(path, c)
	for _, sub := range c.Subcommands {
		commandsOf(sub, path, do)
	}
}

// The examples of --help are command lines that make sense: where no node is, they
// fail for that alone, or because there is no terminal to ask on.
func TestExamplesMakeSense(t *testing.T) {
	t.Setenv("KLATCH_DATA", t.TempDir())
	seen := 0
	commandsOf(adminCommand(), "klatch", func(_ string, c *cli.Command) {
		if c.Action == nil {
			t.Errorf("%s does nothing", c.Name)
		}
		for line := range strings.Lines(c.Description) {
			line, ok := strings.CutPrefix(strings.TrimSpace(line), "klatch admin ")
			if line, _, _ = strings.Cut(line, " | "); !ok || strings.ContainsAny(line, "<") || strings.HasSuffix(line, " -") {
				continue
			}
			seen++
			var stderr strings.Builder
			code := Main(append([]string{"klatch", "admin"}, words(line)...), io.Discard, &stderr)
			if code != exitFailed && !strings.Contains(stderr.String(), "no terminal") || !strings.Contains(stderr.String(), "no ") {
				t.Errorf("klatch admin %s\nends with %d: %s", line, code, &stderr)
			}
		}
	})
	if seen < 60 {
		t.Errorf("only %d examples were found", seen)
	}
}

// words splits a line as a shell does that knows double quotes.
func words(line string) (all []string) {
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}
