package cli

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/engine"
)

// printable is text that may go to a terminal: what could move its cursor, turn
// its direction or pretend to be another line is shown by its number.
func printable(s string) string {
	if !strings.ContainsFunc(s, hostile) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !hostile(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func hostile(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// paragraph is printable text of several lines, each indented.
func paragraph(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("  " + printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

// maxCell is how many characters of a text a table shows.
const maxCell = 60

// clipped is what a table shows of a text.
func clipped(s string) string {
	runes := []rune(s)
	if len(runes) <= maxCell {
		return s
	}
	return string(runes[:maxCell-1]) + "…"
}

// moment shows a time as all times are shown here, without the milliseconds.
func moment(t engine.Time) string {
	if t == 0 {
		return "-"
	}
	return t.Std().Format(time.RFC3339)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
