package web_test

import (
	"fmt"
	"testing"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// window is the page as a person has it open.
type window struct{ *browsertest.Window }

func openWindow(t *testing.T, name, url string) *window {
	t.Helper()
	return &window{browsertest.Open(t, name, url)}
}

// openTab is another page of a window's browser, with the same cookies and the same keep.
func (w *window) openTab(name, url string) *window {
	w.T.Helper()
	return &window{w.Tab(name, url)}
}

// goTo opens a room by its address.
func (w *window) goTo(room string) {
	w.T.Helper()
	if room == "" {
		w.Eval(`location.hash = "#/"`)
		return
	}
	w.Eval(`location.hash = "#/room/` + room + `"`)
}

// act opens the toolbar of a message and presses one of its buttons.
func (w *window) act(body, button string) {
	w.T.Helper()
	w.Sees(body)
	w.Eval(fmt.Sprintf(`[...document.querySelectorAll("[data-testid=message]")].find((r) => r.querySelector("[data-testid=body]")?.textContent === %q).focus()`, body))
	w.Click(button)
}

// cafe is a room of ada's with bob in it, open in ada's window.
func cafe(t *testing.T) (ada *window, n *node, a, b *caller, room string) {
	t.Helper()
	n = startNode(t)
	ada = openWindow(t, "ada", n.setupLink(t))
	ada.Register("ada", "Ada Lovelace", password)
	a, b = n.login(t, "ada", password), n.register(t, "bob", "Bob Kahn")
	room = openCafe(a, b)
	ada.goTo(room)
	ada.Until("have the room", `document.querySelector("[data-testid=beginning]")`)
	return ada, n, a, b, room
}

// openCafe makes the room, with others in it.
func openCafe(owner *caller, others ...*caller) (room string) {
	owner.t.Helper()
	var r struct{ ID string }
	owner.call("POST", "/rooms", map[string]string{"name": "coffee"}, &r)
	for _, c := range others {
		// Each may be served by another node, which hears of the room a moment later.
		if err := c.insist("POST", "/rooms/"+r.ID+"/join", nil, nil); err != nil {
			c.t.Fatal(err)
		}
	}
	return r.ID
}
