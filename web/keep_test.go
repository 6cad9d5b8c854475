package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"
)

// openTab is another page of a window's browser, with the same cookies and the same keep.
func (w *window) openTab(name, url string) *window {
	w.t.Helper()
	complained := func(ev any) {
		if what := complaint(ev); what != "" {
			w.t.Errorf("%s: the page complained: %s", name, what)
		}
	}
	ctx, cancel := chromedp.NewContext(w.ctx, chromedp.WithListener(complained))
	w.t.Cleanup(cancel)
	tab := &window{t: w.t, name: name, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		w.t.Fatal(err)
	}
	tab.run(call(cdplog.Enable, cdp.Empty{}), chromedp.EmulateViewport(1280, 800), chromedp.Navigate(url))
	return tab
}

// settled waits until the service worker could serve the next start, and the
// keep's page of the open room ends with a text.
func (w *window) settled(last string) {
	w.t.Helper()
	w.eval(fmt.Sprintf(`(async () => {
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
	w.t.Helper()
	w.click("Make a room")
	w.fill("name", "coffee")
	w.click("Make the room")
	w.until("be in the room", inRoom)
	w.say(text)
	w.sees(text)
	w.settled(text)
}

// setupThrough is the link that makes the first administrator, by way of a front.
func setupThrough(t *testing.T, n *node, f *front) string {
	t.Helper()
	link, err := url.Parse(n.setupLink(t))
	if err != nil {
		t.Fatal(err)
	}
	return f.server.URL + "/#" + link.Fragment
}

// TestWorkerFile: a service worker that browsers kept would keep the page's first build for ever.
func TestWorkerFile(t *testing.T) {
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
	n := startNode(t)
	f := startFront(t, n)
	ada := openWindow(t, startBrowser(t), "ada", setupThrough(t, n, f))
	ada.register("ada", "Ada Lovelace")
	furnishOne(ada, "kept for later")
	ada.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), "half a wo"))

	f.hold()
	ada.run(chromedp.Navigate(f.server.URL + "/?again")) // without a word on which room
	ada.until("be back in the room", inRoom)
	ada.sees("kept for later")
	ada.until("know who is here", `document.querySelector("[data-testid=my-name]")?.textContent === "Ada Lovelace"`)
	ada.until("have the room listed", `document.querySelector("[data-testid=room-link] .title")?.textContent === "coffee"`)
	ada.until("have the draft", `document.querySelector("[data-testid=composer]")?.value === "half a wo"`)

	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	api.call("POST", "/rooms/"+room.ID+"/messages", map[string]string{"body": "said meanwhile"}, nil)
	f.release()
	ada.sees("said meanwhile")
	ada.sees("kept for later")
}

// TestOffline starts without any server, and posts what is sent once, in order,
// when there is one (I1, I7).
func TestOffline(t *testing.T) {
	n := startNode(t)
	ada := openWindow(t, startBrowser(t), "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	furnishOne(ada, "before")
	n.kill(t)
	ada.run(chromedp.Reload())
	ada.sees("before")
	ada.say("first")
	ada.say("second")
	for _, body := range []string{"first", "second"} {
		ada.until("have it waiting", "%s === 1", count(body, "pending"))
	}
	ada.run(chromedp.Reload())
	for _, body := range []string{"first", "second"} {
		ada.until("still have it waiting", "%s === 1", count(body, "pending"))
	}
	n.start(t)
	ada.eval(`window.dispatchEvent(new Event("online"))`)
	ada.sees("first")
	ada.sees("second")

	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("GET", "/rooms/coffee", nil, &room)
	var page struct{ Items []struct{ Body string } }
	api.call("GET", "/rooms/"+room.ID+"/messages", nil, &page)
	if got, want := fmt.Sprint(page.Items), "[{before} {first} {second}]"; got != want {
		t.Errorf("the room holds %s: want %s", got, want)
	}
	ada.settled("second")
	ada.run(chromedp.Reload())
	ada.sees("second")
	ada.until("have nothing waiting", `document.querySelectorAll("[data-testid=message]:not([data-state=sent])").length === 0`)
}

// TestTabs has two pages of one account: they share drafts, and leave together,
// and nothing of the account stays.
func TestTabs(t *testing.T) {
	n := startNode(t)
	one := openWindow(t, startBrowser(t), "one", n.setupLink(t))
	one.register("ada", "Ada Lovelace")
	furnishOne(one, "in both")
	two := one.openTab("two", n.url())
	two.until("be in the room that was open", inRoom)
	two.sees("in both")
	two.eval(`location.hash = "#/"`)
	two.until("leave the room", `document.querySelector("[data-testid=welcome]")`)
	one.run(chromedp.SendKeys(chromedp.CSS(`[data-testid=composer]`), "written in one"))
	one.until("have written", `document.querySelector("[data-testid=composer]").value === "written in one"`)
	two.run(chromedp.Click(chromedp.CSS(`[data-testid=room-link]`)))
	two.until("have the draft", `document.querySelector("[data-testid=composer]")?.value === "written in one"`)

	one.click("Sign out")
	one.click("Sign out") // yes
	for _, w := range []*window{one, two} {
		w.until("be signed out", `document.querySelector("main h1")?.textContent === "Sign in"`)
	}
	one.eval(`(async () => {
		const end = Date.now() + 50_000;
		while ((await indexedDB.databases()).some((d) => d.name.startsWith("klatch"))) {
			if (Date.now() > end) throw new Error("the keep is still there");
			await new Promise((later) => setTimeout(later, 50));
		}
		if (localStorage.length > 0) throw new Error("kept: " + JSON.stringify(localStorage));
	})()`)
	two.run(chromedp.Reload())
	two.until("be signed out for good", `document.querySelector("main h1")?.textContent === "Sign in"`)
}

// TestRevoked corrects a page that believes in a session that has ended.
func TestRevoked(t *testing.T) {
	n := startNode(t)
	ada := openWindow(t, startBrowser(t), "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	furnishOne(ada, "mine")
	ada.run(chromedp.Navigate("about:blank"))
	clearCookies(ada)
	ada.run(chromedp.Navigate(n.url()))
	ada.until("be asked to sign in", `document.querySelector("main h1")?.textContent === "Sign in"`)
	ada.until("have nothing kept of who was here", `localStorage.length === 0`)
}

// TestNewBuild exchanges the page for another build under a page that is open.
func TestNewBuild(t *testing.T) {
	n := startNode(t)
	f := startFront(t, n)
	f.serve(otherBuild(t, "one"))
	ada := openWindow(t, startBrowser(t), "ada", setupThrough(t, n, f))
	ada.register("ada", "Ada Lovelace")
	furnishOne(ada, "of the first build")
	f.serve(otherBuild(t, "two"))
	ada.run(chromedp.Reload())
	isBuild := `document.querySelector("meta[name=build]")?.content === %q && ` + inRoom
	ada.until("be served from here", isBuild, "one")
	ada.eval(`navigator.serviceWorker.getRegistration().then(async (r) => {
		await r.update();
		const end = Date.now() + 50_000;
		while (!r.waiting) {
			if (Date.now() > end) throw new Error("no other build waits");
			await new Promise((later) => setTimeout(later, 50));
		}
	})`)
	ada.until("still be the first", isBuild, "one")
	ada.click("Browse public rooms") // a part that only the first build has
	ada.until("see rooms", `document.querySelector(".browse")`)
	ada.click("Close")

	ada.eval(`navigator.serviceWorker.getRegistration().then((r) => new Promise((done) => {
		navigator.serviceWorker.addEventListener("controllerchange", () => done(true));
		r.waiting.postMessage({ kind: "take over" });
	}))`)
	ada.run(chromedp.Reload())
	ada.until("be the second build", isBuild, "two")
	ada.sees("of the first build")
	ada.eval(`(async () => {
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
