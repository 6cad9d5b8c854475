package web_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// axe is the accessibility checker, as npm ci installs it.
const axe = "node_modules/axe-core/axe.min.js"

// violation is a rule of axe that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// everything is what a state is held against, and colours the rules among them
// that a theme can break: themes differ in nothing else.
const (
	everything = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	colours    = `{ type: "rule", values: ["color-contrast", "link-in-text-block"] }`
)

// accessible holds a state of the page against WCAG 2.2 A and AA, in both themes.
func (w *window) accessible(state string) {
	w.T.Helper()
	if !browsertest.Value[bool](w.Window, `"axe" in window`) {
		script, err := os.ReadFile(axe)
		if err != nil {
			w.T.Fatal(err)
		}
		w.Eval(string(script) + ";null")
	}
	w.obeys(state, "light", everything)
	w.obeys(state, "dark", colours)
}

func (w *window) obeys(state, scheme, rules string) {
	w.T.Helper()
	w.Size(1280, 800, scheme)
	for _, v := range w.violations(rules) {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		for _, n := range v.Nodes {
			w.T.Errorf("%s, %s: %s (%s): %s", state, scheme, v.ID, v.Help, n.HTML)
		}
	}
}

func (w *window) violations(rules string) []violation {
	w.T.Helper()
	found := browsertest.Value[string](w.Window, `axe.run(document, { runOnly: `+rules+`, resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations))`)
	var all []violation
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		w.T.Fatal(err)
	}
	return all
}

// TestAccessible looks at every face of the page with axe-core.
func TestAccessible(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(axe); err != nil {
		t.Skip("there is no axe-core: npm ci in web brings it")
	}
	n := startNode(t)
	ada := openWindow(t, "ada", n.setupLink(t))
	ada.Until("see the form", `document.querySelector("main h1")`)
	ada.accessible("register")
	ada.Register("ada", "Ada Lovelace", password)
	ada.accessible("welcome")
	rooms := furnish(t, n)

	guest := openWindow(t, "guest", n.url())
	guest.Until("see the form", `document.querySelector("main h1")`)
	guest.Click("Sign in")
	guest.Until("be told at the field", `document.querySelector("[data-testid=error-username]").textContent`)
	guest.accessible("sign-in")

	ada.goTo(rooms["coffee"])
	ada.Until("see the room", `document.querySelectorAll("[data-testid=message]").length > 9`)
	ada.accessible("room")
	ada.Eval(`[...document.querySelectorAll("[data-testid=message]")].at(-1).focus()`)
	ada.Click("React")
	ada.accessible("reaction toolbar")
	ada.Eval(`[...document.querySelectorAll("[data-testid=message]")].at(-3).focus()`)
	ada.Click("Reply")
	ada.accessible("reply")
	ada.Click("Make a room")
	ada.Until("see the form", `document.querySelector("dialog input")`)
	ada.accessible("form dialog")
	ada.Click("Close")
	ada.Click("Browse public rooms")
	ada.Until("see rooms", `document.querySelector(".browse li")`)
	ada.accessible("browse dialog")
	ada.Click("Close")
	ada.Click("Sign out")
	ada.Until("be asked", `document.querySelector("dialog .danger")`)
	ada.accessible("confirm dialog")
	ada.Click("Close")
	ada.goTo(rooms["long"])
	ada.Until("see a long room", `document.querySelectorAll("[data-testid=message]").length > 20`)
	ada.accessible("long room")
	n.kill(t)
	ada.Until("notice", `document.querySelector("[data-testid=banner]").textContent.includes("Reconnecting")`)
	ada.Say("waiting")
	ada.accessible("offline")
	n.start(t)
}
