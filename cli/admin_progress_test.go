package cli

import (
	"bytes"
	"testing"
)

// Where nobody looks at a bar, a line comes every five seconds and not more often.
func TestAdminProgress(t *testing.T) {
	var out bytes.Buffer
	p := newAdminProgress(&out, "exported", "events")
	p.show(1, 10)
	p.last = p.last.Add(-progressLine)
	p.show(2, 10)
	p.show(3, 10)
	p.last = p.last.Add(-progressLine)
	p.show(4, 0)
	p.end()
	if want := "exported 2 of 10 events\nexported 4 events\n"; out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
}
