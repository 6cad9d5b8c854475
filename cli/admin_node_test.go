package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// impostor is something that answers in the place of a node. What a real node
// answers is in testdata/script.
func impostor(t *testing.T, answer http.HandlerFunc) *adminNode {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	client := remoteClient()
	client.Transport = &http.Transport{DisableKeepAlives: true}
	return &adminNode{where: "at " + s.URL, base: s.URL + apiPath, token: "hush", http: client}
}

func refuseWith(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":%d,"code":%q,"detail":"the detail"}`, status, code)
}

func TestAskedToComeBack(t *testing.T) {
	asked := 0
	n := impostor(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			refuseWith(w, 429, "rate_limited")
			return
		}
		fmt.Fprint(w, "{}")
	})
	if _, err := n.call(t.Context(), "POST", all("users"), newAccount{Username: "ada"}); err != nil || asked != 2 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}

// What may have been done is not asked for again, and neither is what will not change.
func TestAskedOnce(t *testing.T) {
	for code, status := range map[string]int{"unavailable": 503, "internal": 500, "conflict": 409, "not_found": 404} {
		asked := 0
		n := impostor(t, func(w http.ResponseWriter, _ *http.Request) { asked++; refuseWith(w, status, code) })
		if _, err := n.call(t.Context(), "POST", all("purge"), nil); err == nil || asked != 1 {
			t.Errorf("%s: asked %d times: %v", code, asked, err)
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := impostor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		refuseWith(w, 429, "rate_limited")
		cancel()
	})
	if _, err := n.call(ctx, "GET", all("users"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("ends with %v", err)
	}
}

// I8: another node behind the same URL must not show less than the last write left.
func TestI8CarriesThePosition(t *testing.T) {
	var carried []string
	n := impostor(t, func(w http.ResponseWriter, r *http.Request) {
		carried = append(carried, r.Header.Get("Klatch-After"))
		if r.Method == "POST" {
			w.Header().Set("Klatch-Position", "p1")
		}
		fmt.Fprint(w, "{}")
	})
	for _, method := range []string{"GET", "POST", "GET", "GET"} {
		if _, err := n.call(t.Context(), method, all("users"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(carried, ","); got != ",,p1,p1" {
		t.Errorf("carried %q", got)
	}
}

// What stands at the URL may be anything; the token is told to it alone, and to nobody here.
func TestStrangeAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://else.example/", http.StatusFound)
		},
			"points to https://else.example/"},
		"page":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); fmt.Fprint(w, "<html>") }, "it is no klatch node"},
		"no code": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(409); fmt.Fprint(w, "{}") }, "it is no klatch node"},
		"no list": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, "read the node's answer"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		}, "cannot speak with the node at"},
		"hostile": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(409)
			fmt.Fprint(w, `{"code":"conflict","detail":"\u001b[2J"}`)
		}, `\u001b[2J`},
		"again": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"items":[],"next":"x"}`) }, "the same page again"},
	} {
		n := impostor(t, test.answer)
		_, err := n.pages(t.Context(), all("users"), "", 0, func(json.RawMessage) error { return nil })
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: told as %v, want %q", name, err, test.want)
		}
	}
}

func TestPagesKeepToTheLimit(t *testing.T) {
	n := impostor(t, func(w http.ResponseWriter, r *http.Request) {
		var first, size int
		_, _ = fmt.Sscan(r.FormValue("after"), &first)
		_, _ = fmt.Sscan(r.FormValue("limit"), &size)
		end := min(first+size, 450)
		var items []int
		for i := first; i < end; i++ {
			items = append(items, i)
		}
		next := "null"
		if end < 450 {
			next = fmt.Sprintf("%q", fmt.Sprint(end))
		}
		b, _ := json.Marshal(items)
		fmt.Fprintf(w, `{"items":%s,"next":%s}`, b, next)
	})
	for limit, want := range map[int]struct {
		seen int
		next string
	}{0: {450, ""}, 1: {1, "1"}, 200: {200, "200"}, 449: {449, "449"}, 450: {450, ""}, 451: {450, ""}} {
		seen := 0
		next, err := n.pages(t.Context(), all("users"), "", limit, func(item json.RawMessage) error {
			if string(item) != fmt.Sprint(seen) {
				return fmt.Errorf("%s comes in the place of %d", item, seen)
			}
			seen++
			return nil
		})
		if err != nil || seen != want.seen || next != want.next {
			t.Errorf("limit %d: %d seen, next %q: %v", limit, seen, next, err)
		}
	}
}
