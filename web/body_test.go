package web_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHostileBodies holds the page to its promise that a body is text: no
// markup, no script, nothing that gets out of its row or makes it wider.
func TestHostileBodies(t *testing.T) {
	n := startNode(t)
	b := startBrowser(t)
	ada := openWindow(t, b, "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "coffee"}, &room)
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
	ada.goTo(room.ID)
	for _, width := range []int64{1280, 390} {
		ada.size(width, 844, "light")
		ada.until("be no wider", `document.documentElement.scrollWidth <= %d && (() => {
			const log = document.querySelector("[data-testid=log]");
			return log.scrollWidth <= log.clientWidth && log.querySelector("[data-testid=message]");
		})()`, width)
	}
	ada.size(1280, 800, "light")
	for i, body := range bodies {
		ada.until(fmt.Sprintf("see body %d as text", i), `(() => {
			const log = document.querySelector("[data-testid=log]");
			log.scrollTop = 0;
			const bodies = [...log.querySelectorAll("[data-testid=body]")];
			return bodies.some((b) => b.textContent.includes(%q));
		})()`, firstWord(body))
	}
	ada.until("have no markup of theirs", `!document.querySelector("[data-testid=body] :is(img, script, iframe, [onerror], a[href^='javascript' i])")`)
	ada.until("keep marks in their rows", `[...document.querySelectorAll("[data-testid=body]")].every((b) => getComputedStyle(b).overflowY === "clip")`)
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
	n := startNode(t)
	b := startBrowser(t)
	ada := openWindow(t, b, "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "coffee"}, &room)
	ada.goTo(room.ID)
	ada.until("have the room", `document.querySelector("[data-testid=beginning]")`)
	// 9,000 letters are 18,000 bytes, more than a message may have.
	ada.eval(`(() => {
		const input = document.querySelector("[data-testid=composer]");
		input.value = "ä".repeat(9000);
		input.dispatchEvent(new Event("input", { bubbles: true }));
		input.focus();
	})()`)
	ada.run(enter)
	ada.until("be told that it failed", `document.querySelector("[data-testid=message][data-state=failed]")?.textContent.includes("Not sent")`)
	ada.click("Try again")
	ada.until("see it fail again", `document.querySelector("[data-testid=message][data-state=failed]")`)
	ada.say("and what comes after goes")
	ada.sees("and what comes after goes")
	ada.click("Discard")
	ada.until("see it gone", `!document.querySelector("[data-testid=message][data-state=failed]")`)
}

// TestJump goes to a message that is on no page here, and back to the newest.
func TestJump(t *testing.T) {
	n := startNode(t)
	b := startBrowser(t)
	ada := openWindow(t, b, "ada", n.setupLink(t))
	ada.register("ada", "Ada Lovelace")
	api := n.login(t, "ada", password)
	var room struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "coffee"}, &room)
	var ids []string
	for i := range 300 {
		ids = append(ids, say(api, room.ID, fmt.Sprintf("cup %d", i)))
	}
	var reply struct{ ID string }
	api.call("POST", "/rooms/"+room.ID+"/messages", map[string]string{"body": "as I said", "reply_to": ids[20]}, &reply)
	ada.goTo(room.ID)
	ada.sees("as I said")
	ada.until("see what it answers", `document.querySelector("[data-testid=quote] .quoted").textContent === "cup 20"`)
	ada.eval(`document.querySelector("[data-testid=quote]").click()`)
	ada.until("be there", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "cup 20"`)
	ada.until("have few rows", `document.querySelectorAll("[data-testid=message]").length < 300`)
	// Reading on from there, the gap closes: every cup is seen once and in order.
	ada.eval(`(async () => {
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
	ada.until("have read to the newest", `cups.has(299) && cups.size >= 280`)
	ada.until("be at the newest", atBottom)
	// By an address too.
	ada.goTo(room.ID + "/" + ids[150])
	ada.until("be there", `document.activeElement?.querySelector("[data-testid=body]")?.textContent === "cup 150"`)
	say(api, room.ID, "meanwhile")
	ada.until("be told", `document.querySelector("[data-testid=jump]")`)
	ada.eval(`document.querySelector("[data-testid=jump]").click()`)
	ada.sees("meanwhile")
	ada.until("be at the newest", atBottom)
}
