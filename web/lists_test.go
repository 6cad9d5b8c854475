package web_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	crowd    = 2000 // members of a room
	manyRows = 1000 // rooms of a user
	fewRows  = 100  // that stand in the document of either
)

// another is the backend whose tokens the node takes: its users have no
// password, which thousands of would take minutes to hash.
const another = "a secret of thirty-two bytes or so"

// token is a JWT (RFC 7519, HS256) of a user who belongs to a room.
func token(username, room string) string {
	claims, _ := json.Marshal(map[string]any{"sub": username, "rooms": []string{room}, "exp": time.Now().Add(time.Hour).Unix()})
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	mac := hmac.New(sha256.New, []byte(another))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// atOnce does something many times, a few at a time.
func atOnce(times int, do func(i int) error) error {
	turns, failed := make(chan int), make(chan error, times)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for i := range turns {
				if err := do(i); err != nil {
					failed <- err
				}
			}
		})
	}
	for i := range times {
		turns <- i
	}
	close(turns)
	workers.Wait()
	close(failed)
	return <-failed
}

// enter makes a user of another backend appear, who is in a room from then on.
func (n *node) enter(username, room string) error {
	req, err := http.NewRequest("GET", n.url()+"/api/v1/me", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token(username, room))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /me as %s: %s", username, resp.Status)
	}
	return nil
}

const (
	memberRows = `document.querySelectorAll("[data-testid=members] .rows > li")`
	roomRows   = `document.querySelectorAll("[data-testid=sidebar] .rows > li")`
	memberView = `document.querySelector("[data-testid=members] [data-scroller]")`
	roomView   = `document.querySelector("[data-testid=sidebar] [data-scroller]")`
)

// inSight is a script: whether an element is within a scroller's view.
func inSight(element, view string) string {
	return fmt.Sprintf(`(() => {
		const e = %s?.getBoundingClientRect(), v = %s.getBoundingClientRect();
		return e && e.top >= v.top - 1 && e.bottom <= v.bottom + 1;
	})()`, element, view)
}

// TestLongLists has a room of 2,000 members and a user of 1,000 rooms: few
// rows of either stand in the document, and each can be reached.
func TestLongLists(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.flags = []string{"--auth-jwt-secret", another}
	n.start(t)
	ada := openWindow(t, "ada", n.setupLink(t))
	ada.Register("ada", "Ada Lovelace", password)
	api := n.login(t, "ada", password)
	var crowded struct{ ID string }
	api.call("POST", "/rooms", map[string]string{"name": "crowd"}, &crowded)
	if err := atOnce(crowd-1, func(i int) error { return n.enter(fmt.Sprintf("user-%04d", i+1), "crowd") }); err != nil {
		t.Fatal(err)
	}
	for i := range manyRows - 1 {
		api.call("POST", "/rooms", map[string]string{"name": fmt.Sprintf("room-%04d", i+1)}, nil)
	}
	ada.goTo(crowded.ID)
	ada.Run(chromedp.Reload())
	manyMembers(ada)
	manyRooms(ada)
}

// manyMembers scrolls to the last of them, of whom nothing was known at first.
func manyMembers(w *window) {
	w.T.Helper()
	w.Until("see members", memberRows+`.length > 10`)
	w.Until("know that there are more", `[...%s].at(-1).getAttribute("aria-setsize") === "-1"`, memberRows)
	w.Eval(fmt.Sprintf(`window.most = 0; new MutationObserver(() => { most = Math.max(most, %s.length, %s.length) }).observe(document.body, { childList: true, subtree: true })`, memberRows, roomRows))
	last := `document.querySelector("[data-testid=members] section:last-child .rows > li:last-child")`
	whole := fmt.Sprintf(`%s?.ariaSetSize === "%d" && %s.ariaPosInSet === "%d"`, last, crowd-1, last, crowd-1)
	w.Until("reach the last", `(%s.scrollTop = 1e7, %s && %s.textContent.includes("user-%04d"))`, memberView, whole, last, crowd-1)
	w.Until("have few rows", `most < %d`, fewRows)

	// The focus stays where it is when its row is far out of view, and the keyboard goes on from there.
	w.Eval(last + `.querySelector("button").focus()`)
	w.Eval(memberView + `.scrollTop = 40000`)
	w.Until("see others", `[...%s].some((r) => r.textContent.includes("user-0840"))`, memberRows)
	w.Until("still have the focus", `document.activeElement === %s.querySelector("button")`, last)
	w.Run(up)
	before := `document.activeElement.closest("li")`
	w.Until("be at the row before", `%s?.textContent.includes("user-%04d") && %s`, before, crowd-2, inSight(before, memberView))
	w.Until("have few rows", `most < %d`, fewRows)
}

// manyRooms goes through the list by keyboard, and finds the open room in view.
func manyRooms(w *window) {
	w.T.Helper()
	current := `document.querySelector("[data-testid=sidebar] [aria-current=page]")`
	w.Until("see the open room", inSight(current, roomView))
	w.Eval(fmt.Sprintf(`%s.scrollTop = 1e7`, roomView))
	w.Until("see the last room", `[...%s].some((r) => r.textContent === "room-%04d" && r.ariaPosInSet === "%d" && r.ariaSetSize === "%d")`, roomRows, manyRows-1, manyRows, manyRows)
	w.Eval(fmt.Sprintf(`[...%s].find((r) => r.textContent === "room-%04d").querySelector("a").focus()`, roomRows, manyRows-1))
	for range 40 {
		w.Run(up)
	}
	w.Until("go through many", `document.activeElement.textContent === "room-%04d" && %s`, manyRows-41, inSight("document.activeElement", roomView))
	w.Eval(`document.activeElement.click()`)
	w.Until("be in that room", `document.querySelector("[data-testid=room-title]")?.textContent === "room-%04d"`, manyRows-41)
	w.Run(chromedp.Reload())
	w.Until("see the open room after a new start", `%s?.textContent === "room-%04d" && %s`, current, manyRows-41, inSight(current, roomView))
	w.Until("have few rows", `%s.length < %d`, roomRows, fewRows)
}
