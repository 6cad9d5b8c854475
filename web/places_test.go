package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// firstRow is a script: the first row in view, and how far it is from the view's edge.
const firstRow = `(() => {
	const edge = document.querySelector("[data-testid=log]").getBoundingClientRect().top;
	const row = [...document.querySelectorAll("[data-testid=message]")].find((r) => r.getBoundingClientRect().bottom > edge);
	return row ? { id: row.dataset.id, at: row.getBoundingClientRect().top - edge } : { id: "", at: 0 };
})()`

// TestPlaces comes back to a room where one was in it, or to its end.
func TestPlaces(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	ada := openWindow(t, "ada", n.setupLink(t))
	ada.Register("ada", "Ada Lovelace", password)
	api := n.login(t, "ada", password)
	rooms := map[string]string{}
	for _, name := range []string{"long", "other"} {
		var room struct{ ID string }
		api.call("POST", "/rooms", map[string]string{"name": name}, &room)
		rooms[name] = room.ID
	}
	for i := range 120 {
		say(api, rooms["long"], fmt.Sprintf("line %d", i))
	}
	isRoom := `document.querySelector("[data-testid=room-title]")?.textContent === %q`
	away := func() {
		t.Helper()
		ada.goTo(rooms["other"])
		ada.Until("be elsewhere", isRoom+` && document.querySelector("[data-testid=beginning]")`, "other")
		ada.goTo(rooms["long"])
		ada.Until("be back", isRoom+` && document.querySelector("[data-testid=message]")`, "long")
	}
	ada.goTo(rooms["long"])
	ada.Sees("line 119")
	ada.Until("be at the newest", atBottom)
	away()
	ada.Until("be at the newest again", atBottom)

	ada.Eval(`document.querySelector("[data-testid=log]").scrollTop -= 1500`)
	ada.Until("be away from the newest", `document.querySelector("[data-testid=jump]")`)
	ada.Until("have loaded", `document.querySelector("[data-testid=log]").ariaBusy === "false"`)
	ada.Eval(`window.left = ` + firstRow)
	away()
	ada.Until("be where one was", `(({ id, at }) => id === left.id && Math.abs(at - left.at) < 1)(%s)`, firstRow)
	ada.Until("be told of the newest", `document.querySelector("[data-testid=jump]")`)
	say(api, rooms["long"], "said meanwhile")
	ada.Until("still be there", `(({ id, at }) => id === left.id && Math.abs(at - left.at) < 1)(%s)`, firstRow)
	ada.Run(chromedp.Click(chromedp.CSS("[data-testid=jump]")))
	ada.Sees("said meanwhile")
	ada.Until("be at the newest", atBottom)
	away()
	ada.Until("be at the newest again", atBottom)
}

// TestDraftElsewhere shows in a room's composer what another tab writes in its own.
func TestDraftElsewhere(t *testing.T) {
	t.Parallel()
	one, n := alone(t, "one", "in both")
	two := one.openTab("two", n.url())
	two.Sees("in both")
	one.Eval(`document.activeElement.blur()`)
	two.Type("half a wo")
	is := `document.querySelector("[data-testid=composer]").value === %q`
	one.Until("see it", is, "half a wo")
	one.Type("rd")
	two.Eval(`document.activeElement.blur()`)
	two.Until("see the rest", is, "half a word")
	one.Run(browsertest.Enter)
	one.Sees("half a word")
	two.Until("have nothing more to write", is, "")
}

// nextLoad returns what waits for the page to be loaded once more: nothing in a
// page can be waited for while it goes.
func (w *window) nextLoad() (wait func()) {
	w.T.Helper()
	loads := make(chan struct{}, 1)
	loaded := func(ev any) {
		if _, ok := ev.(*page.EventLoadEventFired); ok {
			select {
			case loads <- struct{}{}:
			default:
			}
		}
	}
	w.Listen(loaded)
	return func() {
		w.T.Helper()
		select {
		case <-loads:
		case <-time.After(patience):
			w.T.Fatalf("%s: never: load again", w.Name)
		}
	}
}

// TestNewVersion offers another build, and takes it only when it is asked for.
func TestNewVersion(t *testing.T) {
	t.Parallel()
	ada, f := firstBuild(t)
	ada.Run(chromedp.Reload())
	isBuild := `document.querySelector("meta[name=build]")?.content === %q && ` + inRoom
	ada.Until("be served from here", isBuild+` && navigator.serviceWorker.controller`, "one")
	ada.Type("half a wo")
	ada.Until("hear nothing yet", `document.querySelector("[data-testid=new-version]").textContent === ""`)
	f.serve(otherBuild(t, "two"))
	ada.Eval(`navigator.serviceWorker.ready.then((r) => r.update())`)
	ada.Until("be told", `document.querySelector("[data-testid=new-version]").textContent.startsWith("A new version")`)
	ada.Until("still be the first", isBuild, "one")
	loaded := ada.nextLoad()
	ada.Click("Reload")
	loaded()
	ada.Until("be the second build", isBuild, "two")
	ada.Until("have the draft", `document.querySelector("[data-testid=composer]")?.value === "half a wo"`)
	ada.Sees("of the first build")
}
