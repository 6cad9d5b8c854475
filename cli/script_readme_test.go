package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdReadme runs the commands that README shows under a heading, as they stand. After one
// that starts a node it waits, as a person would, until the node answers.
func cmdReadme(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: readme HEADING")
	}
	text, err := os.ReadFile(readmeFile)
	ts.Check(err)
	commands, err := commandsUnder(string(text), args[0])
	ts.Check(err)
	ts.Check(ts.Exec("bash", "-euo", "pipefail", "-c", patient(commands)))
}

const readmeFile = "../README.md"

// commandsUnder returns the first block of code under a heading.
func commandsUnder(page, heading string) (string, error) {
	_, rest, _ := strings.Cut(page, "\n## "+heading)
	if !strings.HasPrefix(rest, "\n") {
		return "", fmt.Errorf("README has no heading %q", heading)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	_, rest, ok := strings.Cut(section, "\n```\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		return "", fmt.Errorf("README shows no commands under %q", heading)
	}
	return block, nil
}

// patient adds to a script that who starts a node waits for it, and stops it in the end.
func patient(commands string) string {
	const (
		wait = "for _ in {1..600}; do klatch admin stats >/dev/null 2>&1 && break; sleep 0.1; done"
		stop = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"
	)
	var b strings.Builder
	b.WriteString(stop + "\n")
	for line := range strings.Lines(commands + "\n") {
		command, _, _ := strings.Cut(line, " #")
		b.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(command), "&") {
			b.WriteString(wait + "\n")
		}
	}
	return b.String()
}
