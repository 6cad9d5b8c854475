package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klatch-chat/klatch/storage"
)

// Where nobody looks at a bar, a line comes every five seconds and not more often.
func TestProgressInLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	late := func() { p.told = p.told.Add(-tellEvery) }
	p.events("export", 1, 10)
	late()
	p.events("export", 2, 10)
	p.events("export", 3, 10)
	late()
	p.events("import", 4, 0)
	late()
	p.bytes("backup")(5 << 20)
	late()
	p.phases("check")(storage.CheckProgress{Phase: "log", Done: 11, Total: 10})
	late()
	p.tables("compact")(storage.CheckProgress{Phase: "compacting", Done: 3 << 20, Total: 4 << 20})
	p.end()
	want := "export: 2 of 10 events, 20 %\nimport: 4 events\nbackup: 5 MiB\ncheck, log: 11 of 10 keys, 100 %\ncompact: 3 of 4 MiB, 75 %\n"
	if out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
}

// On a terminal there is one line, and at the end none.
func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.bar = &progressBar{&out}
	for _, r := range []reached{{"export", 5, 10, "events"}, {"backup", 12345, 0, "MiB"}, {strings.Repeat("long ", 30), 1, 0, "keys"}} {
		p.told = p.told.Add(-drawEvery)
		p.show(r)
	}
	p.end()
	lines := strings.Split(out.String(), "\r")
	for _, line := range lines {
		if n := len([]rune(line)); n > 79 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if len(lines) != 6 || !strings.Contains(lines[1], "█░") || strings.TrimSpace(lines[2]) != "backup: 12345 MiB" || strings.TrimSpace(lines[4]) != "" {
		t.Errorf("%q", lines)
	}
}
