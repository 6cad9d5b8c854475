package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// screenView redraws the whole picture on a terminal, on the alternate screen, so
// that what was there before is there again at its end (ECMA-48; xterm's private modes 25 and 1049).
type screenView struct {
	w     io.Writer
	size  func() (columns, rows int)
	begun bool

	before *seenStats
	at     time.Time
	last   string
}

const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	goHome      = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

func sizeOf(screen *os.File) func() (int, int) {
	return func() (int, int) {
		columns, rows, err := term.GetSize(int(screen.Fd()))
		if err != nil || columns <= 0 || rows <= 0 {
			return 80, 24
		}
		return columns, rows
	}
}

func (v *screenView) show(_ []byte, now *seenStats, at time.Time) error {
	v.last = statsText(now, ratesSince(v.before, now, at.Sub(v.at)))
	v.before, v.at = now, at
	frame := goHome
	if !v.begun {
		frame, v.begun = enterScreen+goHome, true
	}
	columns, rows := v.size()
	_, err := io.WriteString(v.w, frame+fit(v.last, columns, rows)+clearBelow)
	return err
}

// end leaves the last picture where results are printed.
func (v *screenView) end() {
	if v.begun {
		_, _ = io.WriteString(v.w, leaveScreen+v.last) // nobody is left to tell
	}
}

// fit cuts a picture to the terminal: a line that wraps would move all below it.
func fit(picture string, columns, rows int) string {
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	lines = lines[:min(len(lines), rows)]
	for i, line := range lines {
		runes := []rune(line)
		lines[i] = string(runes[:min(len(runes), columns)]) + clearLine
	}
	return strings.Join(lines, "\r\n")
}

// lineView prints a line for each look.
type lineView struct {
	w      io.Writer
	before *seenStats
	at     time.Time
}

func (v *lineView) show(_ []byte, now *seenStats, at time.Time) error {
	r := ratesSince(v.before, now, at.Sub(v.at))
	v.before, v.at = now, at
	line := fmt.Sprintf("%s connections=%d sessions=%d posts/s=%.1f events/s=%.1f deliveries/s=%.1f commit_p99=%s delivery_p99=%s lag=%d",
		at.UTC().Format(time.RFC3339), now.Connections, now.Sessions, r.posts, r.events, r.deliveries,
		oneWord(latency(p99(now.CommitTime))), oneWord(latency(p99(now.DeliveryTime))), now.lag())
	for _, c := range now.Cache {
		line += fmt.Sprintf(" hits_%s=%s", c.Name, r.ratio(c.Name))
	}
	_, err := fmt.Fprintln(v.w, printable(line))
	return err
}

func (v *lineView) end() {}

// oneWord makes one word of a figure and its unit.
func oneWord(s string) string { return strings.ReplaceAll(s, " ", "") }

// jsonView prints each answer as it came, one a line.
type jsonView struct{ w io.Writer }

func (v jsonView) show(answer []byte, _ *seenStats, _ time.Time) error {
	_, err := fmt.Fprintf(v.w, "%s\n", answer)
	return err
}

func (jsonView) end() {}
