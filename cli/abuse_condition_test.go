package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestAbusedConditions: a precondition that is not well formed is as if it were
// not there, or fails (RFC 9110, 13.1); it never makes an answer 304 that its
// client cannot know, and never breaks one.
func TestAbusedConditions(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) {
		for _, target := range []string{"/", a.script, "/api/v1/openapi.json", "/healthz", "/api/v1/me", "/api/v1/rooms", "/api/v1/rooms/tea", "/api/v1/rooms/tea/messages", "/api/v1/rooms/tea/members"} {
			a.Run(brief(target), func(t *testing.T) { conditions(a.in(t), target) })
		}
	})
}

// conditions asks for one target on every condition.
func conditions(a *abused, target string) {
	now := a.one(a.get(target, "Connection: close"))
	if now.status != http.StatusOK {
		a.Fatalf("answered %v", now)
	}
	tag, modified := now.header.Get("ETag"), now.header.Get("Last-Modified") != ""
	attempts := []struct {
		lines []string
		may   []int // beside 200
	}{
		{lines: []string{`If-None-Match: "nope"`}},
		{lines: []string{`If-None-Match: W/"nope"`}},
		{lines: []string{`If-None-Match: nope`}},
		{lines: []string{`If-None-Match: "nope`}},
		{lines: []string{`If-None-Match: nope"`}},
		{lines: []string{`If-None-Match: "`}},
		{lines: []string{`If-None-Match:`}},
		{lines: []string{`If-None-Match: ,,, ,`}},
		{lines: []string{`If-None-Match: w/"nope"`}},
		{lines: []string{`If-None-Match: W/`}},
		{lines: []string{`If-None-Match: ""`}},
		{lines: []string{`If-None-Match: "*"`}},
		{lines: []string{"If-None-Match: \"\x80\xff\""}},
		{lines: []string{`If-None-Match: ` + strings.Repeat(`"x",`, 10_000)}},
		{lines: []string{`If-None-Match: ` + strings.Repeat(`W/`, 10_000)}},
		{lines: []string{`If-None-Match: "` + strings.Repeat(`\"`, 10_000)}},
		{lines: []string{`If-None-Match: "nope"`, "If-Modified-Since: " + farFuture}},
		{lines: []string{`If-None-Match: *`}, may: []int{304}},
		{lines: []string{"If-Modified-Since: nonsense"}},
		{lines: []string{"If-Modified-Since: 0"}},
		{lines: []string{"If-Modified-Since: -1"}},
		{lines: []string{"If-Modified-Since: 99999999999999999999"}},
		{lines: []string{"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"}},
		{lines: []string{"If-Modified-Since: Mon, 32 Feb 2026 25:61:61 GMT"}},
		{lines: []string{"If-Modified-Since: Mon, 01 Jan 0000 00:00:00 GMT"}},
		{lines: []string{"If-Modified-Since: " + farFuture}, may: when(modified, 304)},
		{lines: []string{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"}},
		{lines: []string{`If-Match: "nope"`}, may: []int{412}},
		{lines: []string{`If-Match: "nope`}, may: []int{412}},
		{lines: []string{`If-Match: ` + strings.Repeat(`"x",`, 10_000)}, may: []int{412}},
		{lines: []string{`If-Match: W/` + tag}, may: []int{412}},
		{lines: []string{`If-Match: *`}},
		{lines: []string{"If-Unmodified-Since: nonsense"}},
		{lines: []string{"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"}, may: when(modified, 412)},
		{lines: []string{"Range: bytes=0-0", "If-Range: nonsense"}},
		{lines: []string{"Range: bytes=0-0", `If-Range: "nope"`}},
		{lines: []string{"Range: bytes=0-0", `If-Range: W/` + tag}},
		{lines: []string{"Range: bytes=0-0", `If-Range: "`}},
		{lines: []string{"Range: bytes=0-0", "If-Range: *"}},
		{lines: []string{"Range: bytes=0-0", "If-Range: " + farFuture}},
	}
	var sent string
	for _, x := range attempts {
		sent += a.get(target, x.lines...)
	}
	said := a.exchange(sent + a.get("/nothing", "Connection: close"))
	if len(said) != len(attempts)+1 {
		a.Fatalf("%d requests have %d answers", len(attempts)+1, len(said))
	}
	for i, x := range attempts {
		h := said[i]
		if h.status == http.StatusOK && h.header.Get("ETag") == tag {
			continue
		}
		if !slices.Contains(x.may, h.status) {
			a.Errorf("%.80q: answered %v, want 200 or %v", x.lines, h, x.may)
		}
	}
	a.unharmed(target)
	if tag == "" {
		return
	}
	for _, line := range []string{tag, "W/" + tag, `"a", ` + tag + `, "b"`, `"a,b",` + tag, strings.Repeat(`"x",`, 1000) + tag} {
		if h := a.one(a.get(target, "If-None-Match: "+line, "Connection: close")); h.status != http.StatusNotModified || h.body != "" {
			a.Errorf("what it knows, as %.80q: answered %v", line, h)
		}
	}
}

const farFuture = "Fri, 31 Dec 9999 23:59:59 GMT"

// one is the only answer to a request.
func (a *abused) one(sent string) heard {
	a.Helper()
	said := a.exchange(sent)
	if len(said) != 1 {
		a.Fatalf("%.80q: answered %v", sent, said)
	}
	return said[0]
}

func when(holds bool, status int) []int {
	if holds {
		return []int{status}
	}
	return nil
}

// TestAbusedRanges: many small ranges cost no more than the whole (RFC 9110,
// 14.2 and 17.15), nonsense is not heeded, and what is not a file has no ranges.
func TestAbusedRanges(t *testing.T) {
	t.Parallel()
	underAttack(t, func(a *abused) {
		whole := a.one(a.get(a.script, "Connection: close"))
		if whole.status != http.StatusOK || len(whole.body) < 20_000 {
			a.Fatalf("answered %v", whole)
		}
		for _, x := range []struct {
			ranges string
			want   []int
		}{
			{"bytes=" + strings.Repeat("0-0,", 1000) + "0-0", []int{200, 416}},
			{"bytes=" + strings.Repeat("0-0,", 15_000) + "0-0", []int{200, 416}},
			{"bytes=" + strings.Repeat("0-,", 15_000) + "0-", []int{200, 416}},
			{"bytes=" + apart(2000), []int{200, 416}},
			{"bytes=" + strings.Repeat(",", 60_000) + "0-0", []int{200, 206, 416}},
			{"bytes=0-,0-,0-,0-,0-", []int{200, 206, 416}},
			{"bytes=-0", []int{200, 416}},
			{"bytes=9999999999999999999-", []int{200, 416}},
			{"bytes=0-9999999999999999999", []int{200, 206}},
			{"bytes=-9999999999999999999", []int{200, 206}},
			{"bytes=18446744073709551616-18446744073709551617", []int{200, 416}},
			{"bytes=5-2", []int{200, 416}},
			{"bytes=-1-2", []int{200, 416}},
			{"bytes=--1", []int{200, 416}},
			{"bytes=0x0-0x1", []int{200, 416}},
			{"bytes=+0-1", []int{200, 416}},
			{"bytes=1 0-2", []int{200, 416}},
			{"bytes=٠-١", []int{200, 416}},
			{"bytes=", []int{200, 416}},
			{"bytes", []int{200, 416}},
			{"=0-0", []int{200, 416}},
			{"lines=0-0", []int{200}},
			{"bytes=0-0;smuggled", []int{200, 416}},
			{"BYTES=0-0", []int{200, 206}},
			{"bytes=0-0\r\nRange: bytes=1-1", []int{200, 206, 400, 416}},
		} {
			a.Run(brief(x.ranges), func(t *testing.T) {
				a := a.in(t)
				h := a.one(a.get(a.script, "Range: "+x.ranges, "Connection: close"))
				if !slices.Contains(x.want, h.status) || len(h.body) > len(whole.body)+8<<10 {
					a.Errorf("answered %d bytes: %v, want one of %v", len(h.body), h, x.want)
				}
				if h.status == 200 && h.body != whole.body {
					a.Error("200, and not the whole")
				}
				for _, target := range []string{"/api/v1/me", "/api/v1/openapi.json"} {
					h := a.one(a.get(target, "Range: "+x.ranges, "Connection: close"))
					if lists := strings.Contains(x.ranges, "\r\n"); !(h.status == 200 && json.Valid([]byte(h.body)) || lists && h.status == 400) {
						a.Errorf("%s: answered %v", target, h)
					}
				}
				a.unharmed(x.ranges)
			})
		}
	})
}

// apart is n ranges of a byte each, in no order that would let them be joined.
func apart(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%d-%d", (n-i)*3, (n-i)*3))
	}
	return strings.Join(all, ",")
}
