package web_test

import "testing"

// TestArchivedRoom has a room archived while it is open, and opened again: the
// page follows at once.
func TestArchivedRoom(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.start(t)
	ada := openWindow(t, "ada", n.setupLink(t))
	ada.Register("ada", "Ada Lovelace", password)
	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "attic"}, &room)
	ada.goTo(room.ID)
	ada.Until("be able to write", `document.querySelector("textarea") !== null`)
	api.call("PATCH", "/admin/rooms/"+room.ID, map[string]bool{"archived": true}, nil)
	ada.Until("be told that it is archived", `document.querySelector(".archived")?.textContent.includes("archived") && !document.querySelector("textarea")`)
	api.call("PATCH", "/admin/rooms/"+room.ID, map[string]bool{"archived": false}, nil)
	ada.Until("write again", `document.querySelector("textarea") !== null && !document.querySelector(".archived")`)
}
