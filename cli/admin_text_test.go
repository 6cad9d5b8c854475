package cli

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"ada":                 "ada",
		"Ada Lovelace, 你好 🎉":  "Ada Lovelace, 你好 🎉",
		"\x1b[2Jgone":         `\u001b[2Jgone`,
		"two\nlines\tand tab": `two\nlines\tand tab`,
		"right\u202eleft":     `right\u202eleft`,
		"zero\u200bwidth":     `zero\u200bwidth`,
		"\xffbytes":           `\xffbytes`,
		"\u009b31mred":        `\u009b31mred`,
		"tag\U000e0041":       `tag\U000e0041`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("\x1b]0;title\x07 \u2066x")
	f.Add("\xf0\x9f")
	f.Fuzz(func(t *testing.T, text string) {
		got := printable(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) }) {
			t.Errorf("%q is shown as %q", text, got)
		}
		if len([]rune(clipped(got))) > maxCell {
			t.Errorf("%q is not clipped", got)
		}
	})
}

// A cell of any width or content stays one cell of one line.
func TestTableOfHostileCells(t *testing.T) {
	type row struct{ a, b string }
	var out strings.Builder
	table := newTable(&out, []column[row]{
		{"A", func(r *row) string { return r.a }},
		{"B", func(r *row) string { return r.b }},
	})
	for _, r := range []row{{"x\ty\nz\v\f", "\x1b[31m"}, {strings.Repeat("w", 500), ""}, {"", "last"}} {
		if err := table.add(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.end(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	at := strings.Index(lines[0], "B")
	for i, want := range []string{"B", `\u001b[31m`, "-", "last"} {
		if got := string([]rune(lines[i])[at:]); got != want {
			t.Errorf("line %d has %q below B, want %q", i, got, want)
		}
	}
}
