package web_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe is the accessibility checker, as npm ci installs it.
const axe = "node_modules/axe-core/axe.min.js"

// violation is a rule of axe that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// accessible holds a state of the page against WCAG 2.2 A and AA, in both themes.
func (w *window) accessible(state string) {
	w.t.Helper()
	script, err := os.ReadFile(axe)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		w.size(1280, 800, scheme)
		w.eval(string(script) + ";null")
		for _, v := range w.violations() {
			if v.Impact != "serious" && v.Impact != "critical" {
				continue
			}
			for _, n := range v.Nodes {
				w.t.Errorf("%s, %s: %s (%s): %s", state, scheme, v.ID, v.Help, n.HTML)
			}
		}
	}
}

func (w *window) violations() []violation {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	}).then((r) => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatal(err)
	}
	var all []violation
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// TestAccessible looks at every face of the page with axe-core.
func TestAccessible(t *testing.T) {
	if _, err := os.Stat(axe); err != nil {
		t.Skip("there is no axe-core: npm ci in web brings it")
	}
	n := startNode(t)
	b := startBrowser(t)
	ada := openWindow(t, b, "ada", n.setupLink(t))
	ada.until("see the form", `document.querySelector("main h1")`)
	ada.accessible("register")
	ada.register("ada", "Ada Lovelace")
	ada.accessible("welcome")
	rooms := furnish(t, n)

	guest := openWindow(t, b, "guest", n.url())
	guest.until("see the form", `document.querySelector("main h1")`)
	guest.click("Sign in")
	guest.until("be told at the field", `document.querySelector("[data-testid=error-username]").textContent`)
	guest.accessible("sign-in")

	ada.goTo(rooms["coffee"])
	ada.until("see the room", `document.querySelectorAll("[data-testid=message]").length > 9`)
	ada.accessible("room")
	ada.eval(`[...document.querySelectorAll("[data-testid=message]")].at(-1).focus()`)
	ada.click("React")
	ada.accessible("reaction toolbar")
	ada.eval(`[...document.querySelectorAll("[data-testid=message]")].at(-3).focus()`)
	ada.click("Reply")
	ada.accessible("reply")
	ada.click("Make a room")
	ada.until("see the form", `document.querySelector("dialog input")`)
	ada.accessible("form dialog")
	ada.click("Close")
	ada.click("Browse public rooms")
	ada.until("see rooms", `document.querySelector(".browse li")`)
	ada.accessible("browse dialog")
	ada.click("Close")
	ada.click("Sign out")
	ada.until("be asked", `document.querySelector("dialog .danger")`)
	ada.accessible("confirm dialog")
	ada.click("Close")
	ada.goTo(rooms["long"])
	ada.until("see a long room", `document.querySelectorAll("[data-testid=message]").length > 20`)
	ada.accessible("long room")
	n.kill(t)
	ada.until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	ada.say("waiting")
	ada.accessible("offline")
	n.start(t)
}
