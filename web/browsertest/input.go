package browsertest

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Enter presses Enter as a keyboard does: SendKeys would type a line break
// even where the page has kept the key for itself.
var Enter = Press("Enter", 13)

// Press presses a key by its name and its code of old.
func Press(name string, code int64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			key := input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// Click presses what has a role's label or text, as a person or a screen reader finds it.
func (w *Window) Click(label string) {
	w.T.Helper()
	find := fmt.Sprintf(`[...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, a")].find((e) => e.checkVisibility() && (e.getAttribute("aria-label") ?? e.textContent).trim() === %q)`, label)
	w.Until("see "+label, "%s", find)
	w.Eval(find + ".click()")
}

// insert puts text into a field in one step, as pasting does. The page hears of
// it by the same event as of keys.
func insert(field chromedp.CSS, text string) []chromedp.Action[chromedp.Void] {
	return []chromedp.Action[chromedp.Void]{chromedp.Focus(field), Command(input.InsertText, input.InsertTextParams{Text: text})}
}

// Fill writes into a field of a form.
func (w *Window) Fill(name, value string) {
	w.T.Helper()
	w.Run(insert(chromedp.CSS(fmt.Sprintf(`input[name=%q]`, name)), value)...)
}

const composer = chromedp.CSS(`[data-testid=composer]`)

// Type writes into the composer key by key, without sending it.
func (w *Window) Type(text string) {
	w.T.Helper()
	w.Run(chromedp.SendKeys(composer, text))
}

// Say writes a message and sends it.
func (w *Window) Say(body string) {
	w.T.Helper()
	w.Run(append(insert(composer, body), Enter)...)
}

// Register fills in the form that makes an account.
func (w *Window) Register(username, display, password string) {
	w.T.Helper()
	w.Fill("username", username)
	w.Fill("display_name", display)
	w.Fill("password", password)
	w.Click("Make my account")
	w.Until("be signed in", `document.querySelector("[data-testid=my-name]")?.textContent === %q`, display)
}

// Count is a script: how many messages have exactly this text and this state.
func Count(body, state string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("[data-testid=message][data-state=%s] [data-testid=body]")].filter((e) => e.textContent === %q).length`, state, body)
}

// Sees waits until the page shows a message as stored, once.
func (w *Window) Sees(body string) {
	w.T.Helper()
	w.Until("see "+body+" once", "%s === 1", Count(body, "sent"))
}
