package cli

import (
	"io"
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	t.Setenv("KLATCH_DATA", t.TempDir()) // nobody is there, which must not be in the way
	app := newApp(io.Discard, io.Discard)
	for _, test := range []struct{ line, want string }{
		{"", "admin bench cluster completion health man serve version"},
		{"ser", "serve"},
		{"admin user re", "rename revoke"},
		{"admin --json user ren", "rename"},
		{"admin user add ada --ro", "--role"},
		{"admin user add ada --role ", "admin user"},
		{"admin user add --role a", "admin"},
		{"admin user add --role=admin ad", ""},
		{"admin user role ada ", "admin user"},
		{"admin user role --data x ada a", "admin"},
		{"admin user role ada admin ", ""},
		{"admin user show a", ""},
		{"admin room role lobby ada m", "member moderator"},
		{"completion z", "zsh"},
		{"serve --tls", "--tls-cert --tls-key"},
		{"nonsense ", ""},
		{"admin nonsense --js", ""},
	} {
		var got []string
		for _, c := range complete(app, strings.Split(test.line, " ")) {
			got = append(got, c.word)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q goes on with %q, want %q", test.line, got, test.want)
		}
	}
}

// A shell pastes these into a command line.
func TestOnlyPlainNamesAreOffered(t *testing.T) {
	for name, want := range map[string]bool{
		"ada": true, "room-1_x.y~ab3cd": true, "": false, "a b": false, "$(reboot)": false, "`x`": false, "-rf": false, "~root": false, "a;b": false, "a\tb": false, "ä": false,
	} {
		if wordlike(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
