package engine

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzAgent (I6): whatever a program calls itself, what is kept is short and can be shown.
func FuzzAgent(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	f.Add("\x00\x1b[2J\u202e\u2066\xff\xc3")
	f.Add(strings.Repeat("\u00e9 ", 200))
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanAgent(s)
		if len(got) > maxAgent || !utf8.ValidString(got) || cleanAgent(got) != got {
			t.Errorf("%q becomes %q", s, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q becomes %q, which cannot be shown", s, got)
		}
	})
}
