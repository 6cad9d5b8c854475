package web_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klatch-chat/klatch/web/browsertest"
)

// TestHostileBodies holds the page to its promise that a body is text: no
// markup, no script, nothing that gets out of its row or makes it wider.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	ada, _, api, _, _ := cafe(t)
	var room struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "attacks"}, &room)
	bodies := []string{
		`<img src=x onerror="throw new Error('run')"><script>throw new Error("run")</script>`,
		"[click](javascript:throw%20new%20Error('run')) <a href=\"javascript:alert(1)\">x</a>",
		"\u202egnp.exe \u2066\u2067 isolated \u202d end",
		"Z" + strings.Repeat("\u0353\u0348\u0347", 300) + "algo",
		strings.Repeat("W", 16<<10),
		strings.Repeat("*", 16<<10),
		strings.Repeat("[", 16<<10),
		strings.Repeat("> ", 4000) + "deep",
		"`" + strings.Repeat("x", 4000) + "`",
		"```\n" + strings.Repeat("wide ", 1000) + "\n```",
	}
	for _, body := range bodies {
		say(api, room.ID, body)
	}
	ada.goTo(room.ID) // none was open while they came
	for _, width := range []int64{1280, 390} {
		ada.Size(width, 844, "light")
		ada.Until("be no wider", `document.documentElement.scrollWidth <= %d && (() => {
			const log = document.querySelector("[data-testid=log]");
			return log.scrollWidth <= log.clientWidth && log.querySelector("[data-testid=message]");
		})()`, width)
	}
	ada.Size(1280, 800, "light")
	for i, body := range bodies {
		ada.Until(fmt.Sprintf("see body %d as text", i), `(() => {
			const log = document.querySelector("[data-testid=log]");
			log.scrollTop = 0;
			const bodies = [...log.querySelectorAll("[data-testid=body]")];
			return bodies.some((b) => b.textContent.includes(%q));
		})()`, firstWord(body))
	}
	ada.Until("have no markup of theirs", `!document.querySelector("[data-testid=body] :is(img, script, iframe, [onerror], a[href^='javascript' i])")`)
	ada.Until("keep marks in their rows", `[...document.querySelectorAll("[data-testid=body]")].every((b) => getComputedStyle(b).overflowY === "clip")`)
}

// firstWord is a part of a body that is shown as it is written.
func firstWord(body string) string {
	for _, word := range strings.Fields(body) {
		if word != ">" && !strings.HasPrefix(word, "`") {
			return string([]rune(word)[:min(utf8.RuneCountInString(word), 20)])
		}
	}
	return strings.Trim(body, "`")[:20]
}

// TestRefusedPost keeps what the server does not take, to be tried again or thrown away.
func TestRefusedPost(t *testing.T) {
	t.Parallel()
	ada, _, _, _, _ := cafe(t)
	// 9,000 letters are 18,000 bytes, more than a message may have.
	ada.Eval(`(() => {
		const input = document.querySelector("[data-testid=composer]");
		input.value = "ä".repeat(9000);
		input.dispatchEvent(new Event("input", { bubbles: true }));
		input.focus();
	})()`)
	ada.Run(browsertest.Enter)
	ada.Until("be told that it failed", `document.querySelector("[data-testid=message][data-state=failed]")?.textContent.includes("Not sent")`)
	ada.Click("Try again")
	ada.Until("see it fail again", `document.querySelector("[data-testid=message][data-state=failed]")`)
	ada.Say("and what comes after goes")
	ada.Sees("and what comes after goes")
	ada.Click("Discard")
	ada.Until("see it gone", `!document.querySelector("[data-testid=message][data-state=failed]")`)
}

// TestJump goes to a message that is on no page here, and back to the newest.
func TestJump(t *testing.T) {
	t.Parallel()
	ada, _, api, _, room := cafe(t)
	var ids []string
	for i := range 300 {
		ids = append(ids, say(api, room, fmt.Sprintf("cup %d", i)))
	}
	var reply struct{ ID string }
	api.call("POST", "/rooms/"+room+"/messages", map[string]string{"body": "as I said", "reply_to": ids[20]}, &reply)
	ada.goTo(room)
	ada.Sees("as I said")
	ada.Until("see what it answers", `document.querySelector("[data-testid=quote] .quoted").textContent === "cup 20"`)
	ada.Eval(`document.querySelector("[data-testid=quote]").click()`)
	ada.Until("be there", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "cup 20"`)
	ada.Until("have few rows", `document.querySelectorAll("[data-testid=message]").length < 300`)
	// Reading on from there, the gap closes: every cup is seen once and in order.
	ada.Eval(`(async () => {
		const log = document.querySelector("[data-testid=log]");
		window.cups = new Set();
		const read = () => {
			const rows = [...log.querySelectorAll("[data-testid=body]")].map((b) => b.textContent).filter((s) => s.startsWith("cup "));
			const numbers = rows.map((s) => Number(s.slice(4)));
			if (numbers.some((n, i) => i > 0 && n !== numbers[i - 1] + 1)) throw new Error("not in order: " + numbers);
			for (const n of numbers) cups.add(n);
			log.scrollTop += 300;
			requestAnimationFrame(read);
		};
		read();
	})()`)
	ada.Until("have read to the newest", `cups.has(299) && cups.size >= 280`)
	ada.Until("be at the newest", atBottom)
	// By an address too.
	ada.goTo(room + "/" + ids[150])
	ada.Until("be there", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "cup 150"`)
	say(api, room, "meanwhile")
	ada.Until("be told", `document.querySelector("[data-testid=jump]")`)
	ada.Eval(`document.querySelector("[data-testid=jump]").click()`)
	ada.Sees("meanwhile")
	ada.Until("be at the newest", atBottom)
}
