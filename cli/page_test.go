package cli_test

import (
	"testing"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// openPage shows the web client in a real browser, and goes into a public room as a new person.
func openPage(t *testing.T, url, room string) *browsertest.Window {
	t.Helper()
	w := browsertest.Open(t, "page", url)
	w.Click("Make an account")
	w.Register("page", "A Page", "correct horse battery")
	w.Click("Browse public rooms")
	w.Click("Join " + room)
	w.Until("be in the room", `document.querySelector("[data-testid=room-title]")?.textContent === %q`, room)
	return w
}
