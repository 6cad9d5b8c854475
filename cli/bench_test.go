package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/klatch-chat/klatch/bench"
)

func TestCommandLine(t *testing.T) {
	for want, args := range map[string][]string{
		"klatch bench rooms": {"/tmp/bin/klatch", "bench", "rooms"},
		"klatch bench --report 'my rooms.html' 'it'\\''s'":                    {"klatch", "bench", "--report", "my rooms.html", "it's"},
		"klatch bench --auth-jwt-secret SECRET rooms":                         {"klatch", "bench", "--auth-jwt-secret", "hush", "rooms"},
		"klatch bench -auth-jwt-secret=SECRET --auth-jwt-secret=SECRET rooms": {"klatch", "bench", "-auth-jwt-secret=hush", "--auth-jwt-secret=hush", "rooms"},
	} {
		if got := commandLine(args); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

func TestBenchBounds(t *testing.T) {
	storm := bench.Result{Storm: &bench.StormResult{EntryP99: 900, Missed: 2}, Doubled: 1}
	for _, test := range []struct {
		bounds benchBounds
		result bench.Result
		want   string
	}{
		{benchBounds{}, bench.Result{P99: 1e6, Lost: 1e6}, ""},
		{benchBounds{p99: 5 * time.Millisecond}, bench.Result{P99: 5}, ""},
		{benchBounds{p99: 5 * time.Millisecond}, bench.Result{P99: 5.25}, "p99 is 5.25ms: above --max-p99 5ms"},
		{benchBounds{lossless: true}, bench.Result{}, ""},
		{benchBounds{lossless: true}, bench.Result{Lost: 1}, "1 messages lost, 0 doubled, 0 out of order: more than --max-lost 0"},
		{benchBounds{lossless: true, lost: 6}, bench.Result{Lost: 1, Doubled: 2, Disordered: 3}, ""},
		{benchBounds{lossless: true, lost: 5}, bench.Result{Lost: 1, Doubled: 2, Disordered: 3}, "1 messages lost, 2 doubled, 3 out of order: more than --max-lost 5"},
		{benchBounds{p99: time.Second, lossless: true, lost: 3}, storm, ""},
		{benchBounds{lossless: true, lost: 2}, storm, "2 messages missed, 1 doubled, 0 out of order: more than --max-lost 2"},
		{benchBounds{lossless: true}, bench.Result{Lost: 1, Pages: &bench.PagesResult{Stale: 2}}, "3 pages lost or stale, 0 doubled, 0 out of order: more than --max-lost 0"},
		{benchBounds{p99: 800 * time.Millisecond}, storm, "p99 is 900ms: above --max-p99 800ms"},
	} {
		got := ""
		if err := test.bounds.broken(test.result); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.bounds, got, test.want)
		}
	}
}

// The bar keeps to one line, whatever it is told, and leaves nothing.
func TestProgressBar(t *testing.T) {
	var b strings.Builder
	bar := &progressBar{&b}
	for _, p := range []bench.Progress{{Phase: "connecting", Done: 0}, {Phase: strings.Repeat("long ", 20), Done: 0.5}, {Phase: "measuring", Done: 7}, {Phase: "x", Done: -1}} {
		bar.draw(p)
	}
	bar.clear()
	screen := []rune{}
	for line := range strings.SplitSeq(b.String(), "\r") {
		if n := len([]rune(line)); n > 79 {
			t.Errorf("%d columns: %q", n, line)
		}
		screen = append([]rune(line), screen[min(len(screen), len([]rune(line))):]...)
	}
	if strings.TrimSpace(string(screen)) != "" || strings.Contains(b.String(), "\n") {
		t.Errorf("left on the screen: %q", string(screen))
	}
	if newProgressBar(&b).show() != nil {
		t.Error("something is shown where nobody looks")
	}
}

func TestTailKeepsTheLastLines(t *testing.T) {
	var said tail
	for range 1000 {
		_, _ = said.Write([]byte("a line of the log, which is long enough to fill it\n"))
	}
	_, _ = said.Write([]byte("the last\n"))
	var b strings.Builder
	said.print(&b)
	if b.Len() > tailBytes || !strings.HasPrefix(b.String(), "a line") || !strings.HasSuffix(b.String(), "the last\n") {
		t.Errorf("%d bytes: %.60q", b.Len(), b.String())
	}
	_, _ = said.Write([]byte(strings.Repeat("x", 3*tailBytes)))
	if len(said.kept) != tailBytes {
		t.Errorf("%d bytes kept", len(said.kept))
	}
}
