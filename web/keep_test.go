package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// settled waits until the service worker could serve the next start, and the
// keep's page of the open room ends with a text.
func (w *window) settled(last string) {
	w.T.Helper()
	w.Eval(fmt.Sprintf(`(async () => {
		await navigator.serviceWorker.ready;
		const answer = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error) });
		const kept = async () => {
			const found = (await indexedDB.databases()).find((d) => d.name.startsWith("klatch "));
			if (!found) return false;
			const db = await answer(indexedDB.open(found.name));
			try {
				if (!db.objectStoreNames.contains("pages")) return false;
				const pages = await answer(db.transaction("pages").objectStore("pages").getAll());
				return pages.some((p) => p.messages.at(-1)?.body === %q);
			} finally {
				db.close();
			}
		};
		const end = Date.now() + 50_000;
		while (!(await kept())) {
			if (Date.now() > end) throw new Error("nothing is kept");
			await new Promise((later) => setTimeout(later, 50));
		}
	})()`, last))
}

const inRoom = `document.querySelector("[data-testid=room-title]")?.textContent === "coffee"`

// furnishOne makes a room, says a text there, and waits until both are kept.
func furnishOne(w *window, text string) {
	w.T.Helper()
	w.Click("Make a room")
	w.Fill("name", "coffee")
	w.Click("Make the room")
	w.Until("be in the room", inRoom)
	w.Say(text)
	w.Sees(text)
	w.settled(text)
}

// alone is ada in a room of her own, which is kept.
func alone(t *testing.T, name, text string) (*window, *node) {
	t.Helper()
	n := startNode(t)
	w := openWindow(t, name, n.setupLink(t))
	w.Register("ada", "Ada Lovelace", password)
	furnishOne(w, text)
	return w, n
}

// firstBuild is ada in a room of hers, with a page that may be exchanged for another.
func firstBuild(t *testing.T) (*window, *front) {
	t.Helper()
	n := startNode(t)
	f := startFront(t, n)
	f.serve(otherBuild(t, "one"))
	w := openWindow(t, "ada", through(t, n, f.server.URL))
	w.Register("ada", "Ada Lovelace", password)
	furnishOne(w, "of the first build")
	return w, f
}

// TestWorkerFile: a service worker that browsers kept would keep the page's first build for ever.
func TestWorkerFile(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	resp, err := http.Get(n.url() + "/sw.js")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Cache-Control"); resp.StatusCode != http.StatusOK || got != "no-cache" {
		t.Errorf("GET /sw.js: %s, Cache-Control %q: want 200, no-cache", resp.Status, got)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/javascript") {
		t.Errorf("GET /sw.js: Content-Type %q: want a script", got)
	}
}

// TestSecondStart shows what was kept while the network is silent, and then
// catches up (I5).
func TestSecondStart(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	f := startFront(t, n)
	ada := openWindow(t, "ada", through(t, n, f.server.URL))
	ada.Register("ada", "Ada Lovelace", password)
	furnishOne(ada, "kept for later")
	ada.Type("half a wo")

	f.hold()
	ada.Run(chromedp.Navigate(f.server.URL + "/?again")) // without a word on which room
	ada.Until("be back in the room", inRoom)
	ada.Sees("kept for later")
	ada.Until("know who is here", `document.querySelector("[data-testid=my-name]")?.textContent === "Ada Lovelace"`)
	ada.Until("have the room listed", `document.querySelector("[data-testid=room-link] .title")?.textContent === "coffee"`)
	ada.Until("have the draft", `document.querySelector("[data-testid=composer]")?.value === "half a wo"`)

	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	api.call("POST", "/rooms/"+room.ID+"/messages", map[string]string{"body": "said meanwhile"}, nil)
	f.release()
	ada.Sees("said meanwhile")
	ada.Sees("kept for later")
}

// TestOffline starts without any server, and posts what is sent once, in order,
// when there is one (I1, I7).
func TestOffline(t *testing.T) {
	t.Parallel()
	ada, n := alone(t, "ada", "before")
	n.kill(t)
	ada.Run(chromedp.Reload())
	ada.Sees("before")
	ada.Say("first")
	ada.Say("second")
	for _, body := range []string{"first", "second"} {
		ada.Until("have it waiting", "%s === 1", browsertest.Count(body, "pending"))
	}
	ada.Run(chromedp.Reload())
	for _, body := range []string{"first", "second"} {
		ada.Until("still have it waiting", "%s === 1", browsertest.Count(body, "pending"))
	}
	n.start(t)
	ada.Eval(`window.dispatchEvent(new Event("online"))`)
	ada.Sees("first")
	ada.Sees("second")

	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	if got, want := bodiesOf(api.history(room.ID)), []string{"before", "first", "second"}; !slices.Equal(got, want) {
		t.Errorf("the room holds %q: want %q", got, want)
	}
	ada.settled("second")
	ada.Run(chromedp.Reload())
	ada.Sees("second")
	ada.Until("have nothing waiting", `document.querySelectorAll("[data-testid=message]:not([data-state=sent])").length === 0`)
}

// TestTabs has two pages of one account: they share drafts, and leave together,
// and nothing of the account stays.
func TestTabs(t *testing.T) {
	t.Parallel()
	one, n := alone(t, "one", "in both")
	two := one.openTab("two", n.url())
	two.Until("be in the room that was open", inRoom)
	two.Sees("in both")
	two.Eval(`location.hash = "#/"`)
	two.Until("leave the room", `document.querySelector("[data-testid=welcome]")`)
	one.Type("written in one")
	one.Until("have written", `document.querySelector("[data-testid=composer]").value === "written in one"`)
	two.Run(chromedp.Click(chromedp.CSS(`[data-testid=room-link]`)))
	two.Until("have the draft", `document.querySelector("[data-testid=composer]")?.value === "written in one"`)

	one.Click("Sign out")
	one.Click("Sign out") // yes
	for _, w := range []*window{one, two} {
		w.Until("be signed out", `document.querySelector("main h1")?.textContent === "Sign in"`)
	}
	one.Eval(`(async () => {
		const end = Date.now() + 50_000;
		while ((await indexedDB.databases()).some((d) => d.name.startsWith("klatch"))) {
			if (Date.now() > end) throw new Error("the keep is still there");
			await new Promise((later) => setTimeout(later, 50));
		}
		if (localStorage.length > 0) throw new Error("kept: " + JSON.stringify(localStorage));
	})()`)
	two.Run(chromedp.Reload())
	two.Until("be signed out for good", `document.querySelector("main h1")?.textContent === "Sign in"`)
}

// TestRevoked corrects a page that believes in a session that has ended.
func TestRevoked(t *testing.T) {
	t.Parallel()
	ada, n := alone(t, "ada", "mine")
	ada.Run(chromedp.Navigate("about:blank"))
	clearCookies(ada)
	ada.Run(chromedp.Navigate(n.url()))
	ada.Until("be asked to sign in", `document.querySelector("main h1")?.textContent === "Sign in"`)
	ada.Until("have nothing kept of who was here", `localStorage.length === 0`)
}

// TestNewBuild exchanges the page for another build under a page that is open.
func TestNewBuild(t *testing.T) {
	t.Parallel()
	ada, f := firstBuild(t)
	f.serve(otherBuild(t, "two"))
	ada.Run(chromedp.Reload())
	isBuild := `document.querySelector("meta[name=build]")?.content === %q && ` + inRoom
	ada.Until("be served from here", isBuild, "one")
	ada.Eval(`navigator.serviceWorker.getRegistration().then(async (r) => {
		await r.update();
		const end = Date.now() + 50_000;
		while (!r.waiting) {
			if (Date.now() > end) throw new Error("no other build waits");
			await new Promise((later) => setTimeout(later, 50));
		}
	})`)
	ada.Until("still be the first", isBuild, "one")
	ada.Click("Browse public rooms") // a part that only the first build has
	ada.Until("see rooms", `document.querySelector(".browse")`)
	ada.Click("Close")

	ada.Eval(`navigator.serviceWorker.getRegistration().then((r) => new Promise((done) => {
		navigator.serviceWorker.addEventListener("controllerchange", () => done(true));
		r.waiting.postMessage({ kind: "take over" });
	}))`)
	ada.Run(chromedp.Reload())
	ada.Until("be the second build", isBuild, "two")
	ada.Sees("of the first build")
	ada.Eval(`(async () => {
		const end = Date.now() + 50_000;
		while ((await caches.keys()).length !== 1) {
			if (Date.now() > end) throw new Error("kept: " + (await caches.keys()));
			await new Promise((later) => setTimeout(later, 50));
		}
		const names = (await (await caches.open((await caches.keys())[0])).keys()).map((r) => new URL(r.url).pathname);
		for (const e of document.querySelectorAll("script[src]")) {
			if (!names.includes(e.getAttribute("src"))) throw new Error(e.getAttribute("src") + " is not kept");
		}
	})()`)
}
