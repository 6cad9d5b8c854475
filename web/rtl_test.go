package web_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// pseudoBuild is the page in a language made up for tests: longer words than
// English has, read from right to left (test/words/pseudo.ts).
func pseudoBuild(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node, so the page cannot be built with other words")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("there are no node_modules, so the page cannot be built with other words")
	}
	dir := filepath.Join(t.TempDir(), "dist")
	if out, err := exec.Command("node", "build.mjs", "--words", "test/words/pseudo.ts", dir).CombinedOutput(); err != nil {
		t.Fatalf("building the page: %v\n%s", err, out)
	}
	files := map[string][]byte{}
	built := os.DirFS(dir)
	entries, err := fs.ReadDir(built, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = fs.ReadFile(built, e.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// faults is a script: what in the page is cut, is wider than the page, or lies
// on something else. Text that ends in an ellipsis is cut on purpose.
const faults = `(() => {
	const found = [];
	const members = document.querySelector("[data-testid=members]");
	const above = members && getComputedStyle(members).position === "absolute" ? members : null;
	const within = document.querySelector("dialog[open]") ?? above ?? document.querySelector("#app");
	const shown = [...within.querySelectorAll("*")].filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("svg, .hidden, .skip, .tools, .log-rows"));
	const name = (e) => e.tagName.toLowerCase() + "." + e.className + " " + JSON.stringify(e.textContent.slice(0, 30));
	const ownText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
	const inView = (e) => {
		const { left, right, top, bottom } = e.getBoundingClientRect();
		const seen = { left, right, top, bottom };
		for (let around = e.parentElement; around; around = around.parentElement) {
			if (getComputedStyle(around).overflow === "visible") continue;
			const view = around.getBoundingClientRect();
			for (const edge of ["left", "top"]) seen[edge] = Math.max(seen[edge], view[edge]);
			for (const edge of ["right", "bottom"]) seen[edge] = Math.min(seen[edge], view[edge]);
		}
		return seen;
	};
	for (const e of shown) {
		const style = getComputedStyle(e), box = inView(e);
		const cuts = !e.matches("input") && style.overflowX !== "visible" && style.textOverflow !== "ellipsis" && !/auto|scroll/.test(style.overflowX);
		if (cuts && e.scrollWidth > e.clientWidth + 1) found.push("cut: " + name(e));
		if (e.scrollWidth > e.clientWidth + 1 && ownText(e) && style.overflowX === "visible" && style.display !== "inline") found.push("runs over: " + name(e));
		if ((box.left < -1 || box.right > innerWidth + 1) && ownText(e)) found.push("outside: " + name(e));
	}
	const solid = shown.filter((e) => ownText(e) || e.matches("button, a[href], input:not([type=radio]), select, textarea"));
	const boxes = solid.map((e) => [e, inView(e)]);
	for (const [i, [a, p]] of boxes.entries()) for (const [b, q] of boxes.slice(i + 1)) {
		if (a.contains(b) || b.contains(a)) continue;
		const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left), high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
		if (wide > 2 && high > 3) found.push("on each other: " + name(a) + " and " + name(b));
	}
	if (document.documentElement.scrollWidth > innerWidth) found.push("the page is wider than the window");
	return found;
})()`

// sound looks at a state at a phone's and a desktop's width.
func (w *window) sound(state string) {
	w.T.Helper()
	for _, width := range []int64{390, 1280} {
		w.Size(width, 844, "light")
		if *shotsDir != "" {
			w.picture(fmt.Sprintf("rtl-%s-%d", state, width))
		}
		for _, fault := range browsertest.Value[[]string](w.Window, faults) {
			w.T.Errorf("%s at %d: %s", state, width, fault)
		}
	}
}

// press clicks what a selector finds: here nothing is called what tests call it.
func (w *window) press(selector string) {
	w.T.Helper()
	find := fmt.Sprintf(`document.querySelector(%q)`, selector)
	w.Until("see "+selector, "%s", find)
	w.Eval(find + ".click()")
}

// TestRightToLeft shows the page in a language that is longer than English and
// goes the other way: nothing is cut, and nothing lies on anything else.
func TestRightToLeft(t *testing.T) {
	t.Parallel()
	build := pseudoBuild(t)
	n := startNode(t)
	f := startFront(t, n)
	f.serve(build)
	ada := openWindow(t, "ada", through(t, n, f.server.URL))
	ada.Until("be asked who one is", `document.querySelector("main h1") && document.documentElement.dir === "rtl"`)
	ada.sound("register")
	ada.Fill("username", "ada")
	ada.Fill("display_name", "Ada Lovelace")
	ada.Fill("password", password)
	ada.press("form > .primary")
	ada.Until("be signed in", `document.querySelector("[data-testid=my-name]")`)
	ada.Until("see no foreign word", `[...document.querySelectorAll("button, h1, h2")].filter((e) => e.checkVisibility()).every((e) => (e.ariaLabel ?? e.textContent).startsWith("⟦"))`)
	ada.sound("welcome")

	rooms := furnish(t, n)
	ada.goTo(rooms["coffee"])
	ada.Until("see the room", `document.querySelectorAll("[data-testid=message]").length > 9`)
	ada.sound("room")
	for _, door := range []struct{ state, opens string }{
		{"settings", ".me .icon-button"}, {"sign-out", ".me .icon-button:last-child"}, {"browse", ".section-title .icon-button"},
		{"make", ".section-title .icon-button + .icon-button"}, {"room-settings", ".room-head .icon-button:has(.icon-sliders)"},
		{"date", ".room-head .icon-button:has(.icon-calendar)"}, {"emoji", ".composer .icon-button"},
	} {
		ada.press(door.opens)
		ada.Until("see "+door.state, `document.querySelector("dialog[open]")`)
		ada.sound(door.state)
		ada.press("dialog header .icon-button")
		ada.Until("see it no more", `!document.querySelector("dialog")`)
	}
	ada.Size(390, 844, "light")
	ada.press(`[aria-controls=members]`)
	ada.Until("see members", `document.querySelector("[data-testid=members] li")`)
	ada.sound("members")
	ada.Size(390, 844, "light")
	ada.goTo("")
	ada.Until("see the list of rooms", `document.querySelector("[data-testid=sidebar]").checkVisibility()`)
	ada.sound("home")
}
