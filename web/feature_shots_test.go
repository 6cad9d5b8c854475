package web_test

import "github.com/chromedp/chromedp"

// shootFeatures takes pictures of what opens above a room.
func (w *window) shootFeatures() {
	w.Type("@")
	w.Until("be offered names", options+`.length > 2`)
	w.shoot("completion")
	w.Run(escape)
	w.Eval(`(() => { const c = document.querySelector("[data-testid=composer]"); c.value = ""; c.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	for _, dialog := range []struct{ label, state string }{
		{"Choose an emoji", "emoji"}, {"Settings", "settings"}, {"Room settings", "room-settings"}, {"Jump to a date", "date"},
	} {
		w.Click(dialog.label)
		w.Until("see it", `document.querySelector("dialog[open]")`)
		w.shoot(dialog.state)
		if dialog.state == "settings" {
			w.Click("Make an invite")
			w.Until("have a link", `document.querySelector("[data-testid=invite-link]")`)
			w.Eval(`document.querySelector("dialog").scrollTop = 1e6`)
			w.shoot("settings-end")
		}
		if dialog.state == "room-settings" {
			w.Eval(`document.querySelector("dialog").scrollTop = 1e6`)
			w.shoot("room-settings-end")
		}
		w.Run(chromedp.Evaluate[chromedp.Void](`document.querySelector("dialog [aria-label=Close]").click()`))
	}
}
