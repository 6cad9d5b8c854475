package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drillLines are the command lines of the drill in docs/backup.md, with all machines being this one.
func drillLines(t *testing.T) (lines []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, drill, _ := strings.Cut(string(page), "\n## The drill\n")
	drill, _, _ = strings.Cut(drill, "\n## ")
	here := strings.NewReplacer("/var/lib/klatch", "./klatch-data", "/var/backups/klatch/drill", "klatch/drill")
	for line := range strings.Lines(drill) {
		if command := strings.TrimPrefix(line, "time "); strings.HasPrefix(command, "klatch ") {
			lines = append(lines, here.Replace(strings.TrimSpace(line)))
		}
	}
	return lines
}

// TestBackupDrill (I1): the drill goes as the page says, and what was written before it is there.
func TestBackupDrill(t *testing.T) {
	dir := t.TempDir()
	n, _ := startNode(t, filepath.Join(dir, "klatch-data"), nil)
	s := &pageScene{t: t, dir: dir, url: n.public.url()}
	s.setUp()
	ran := map[string]int{}
	for _, line := range drillLines(t) {
		if strings.HasPrefix(line, "klatch serve ") {
			startNode(t, filepath.Join(dir, "drill-data"), nil)
			ran["serve"]++
			continue
		}
		out := s.run(line)
		_, what, _ := strings.Cut(line, "klatch admin ")
		ran[strings.Fields(what)[0]]++
		if strings.HasPrefix(what, "room list") && !strings.Contains(out, "lobby") {
			t.Errorf("the restored node has not the room:\n%s", out)
		}
	}
	if out := s.run("klatch admin message show --data drill-data " + s.message); !strings.Contains(out, "hello") {
		t.Errorf("the restored node has not the message:\n%s", out)
	}
	for _, what := range []string{"backup", "restore", "check", "serve", "room"} {
		if ran[what] == 0 {
			t.Errorf("the drill has no %s", what)
		}
	}
}
