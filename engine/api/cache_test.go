package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/klatch-chat/klatch/engine"
)

// from holds an answer to have come from where it should.
func (a *response) from(want source) *response {
	a.t.Helper()
	a.want(200)
	if got := a.Header.Get("X-Cache"); got != string(want) {
		a.t.Fatalf("X-Cache is %s, want %s: %s", got, want, a)
	}
	return a
}

func (a *response) same(b *response) {
	a.t.Helper()
	if !bytes.Equal(a.body, b.body) || a.Header.Get("ETag") != b.Header.Get("ETag") {
		a.t.Fatalf("%s\nand %s\nshould be the same; ETags %s, %s", a, b, a.Header.Get("ETag"), b.Header.Get("ETag"))
	}
}

func TestCacheAnswers(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	room := ann.room("garden", false)
	m := ann.post("garden", "one")
	id := room.ID.String()
	for _, path := range []string{
		"/me", "/users/ann", "/rooms", "/rooms?filter=public", "/rooms/garden", "/rooms/garden/messages",
		"/rooms/garden/messages?around=" + m.ID.String(), "/rooms/garden/messages/" + m.ID.String(),
		"/rooms/garden/messages/" + m.ID.String() + "/replies",
	} {
		first := ann.do("GET", path, nil).from(miss)
		n.clock.add(3 * time.Second)
		second := ann.do("GET", path, nil).from(hit)
		if second.Header.Get("Age") != "3" || first.Header.Get("Age") != "" {
			t.Errorf("%s: Age is %q, then %q", path, first.Header.Get("Age"), second.Header.Get("Age"))
		}
		second.same(first)
		ann.with("Cache-Control", "max-age=0, No-Cache").do("GET", path, nil).from(bypass).same(first)
		head := ann.do("HEAD", path, nil).from(hit)
		if head.Header.Get("Content-Length") != fmt.Sprint(len(first.body)) {
			t.Errorf("HEAD %s: Content-Length %s, the body has %d", path, head.Header.Get("Content-Length"), len(first.body))
		}
	}
	ann.do("GET", "/rooms/"+id+"/messages", nil).from(hit) // a room is one, by name or by id
	ann.do("GET", "/rooms/garden/members", nil).from(bypass)
}

// TestCacheValidators (RFC 9110, 13): what has not changed is not sent again.
func TestCacheValidators(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	ann.room("garden", false)
	ann.post("garden", "one")
	const path = "/rooms/garden/messages"
	tag := ann.do("GET", path, nil).want(200).Header.Get("ETag")
	for _, given := range []string{tag, "W/" + tag, `"x", ` + tag, `"a,b" , W/"c",` + tag, "*"} {
		a := ann.with("If-None-Match", given).do("GET", path, nil).want(304)
		if len(a.body) > 0 || a.Header.Get("ETag") != tag || a.Header.Get("Cache-Control") != "private, no-cache" ||
			a.Header.Get("Vary") != "Accept-Encoding, Authorization, Cookie" || a.Header.Get("Content-Length") != "" {
			t.Errorf("%s: %s %v", given, a, a.Header)
		}
		ann.with("If-None-Match", given).do("HEAD", path, nil).want(304)
	}
	for _, given := range []string{`"x"`, strings.Trim(tag, `"`), tag[:len(tag)-1], "W/" + tag[1:], `"x" ` + tag[:5], "", ","} {
		ann.with("If-None-Match", given).do("GET", path, nil).want(200)
	}
	for _, other := range []string{"/me", "/rooms/garden/members", "/openapi.json"} {
		tag := ann.do("GET", other, nil).want(200).Header.Get("ETag")
		ann.with("If-None-Match", tag).do("GET", other, nil).want(304)
	}
	ann.post("garden", "two")
	ann.with("If-None-Match", tag).do("GET", path, nil).want(200)
}

// TestCachePrivate (I9): what is private is kept for one user, and the right to see it is asked for each time.
func TestCachePrivate(t *testing.T) {
	n := newNode(t, nil)
	ann, bob, eve := n.user(t, "ann"), n.user(t, "bob"), n.user(t, "eve")
	room := ann.room("cellar", true).ID.String()
	member := "/rooms/" + room + "/members/bob"
	page := "/rooms/" + room + "/messages"
	ann.do("PUT", member, map[string]any{"role": "member"}).want(204)
	m := ann.post(room, "secret")
	for _, path := range []string{page, page + "?before=" + m.ID.String(), page + "/" + m.ID.String(), page + "/" + m.ID.String() + "/replies"} {
		ann.do("GET", path, nil).from(miss)
		bob.do("GET", path, nil).from(miss)
		bob.do("GET", path, nil).from(hit)
		eve.do("GET", path, nil).refused(404, engine.CodeNotFound)
	}
	ann.do("DELETE", member, nil).want(204)
	bob.do("GET", page, nil).refused(404, engine.CodeNotFound)
	ann.do("GET", page, nil).from(hit)
	ann.do("PATCH", "/rooms/"+room, map[string]any{"private": false}).want(200)
	eve.do("GET", page, nil).from(miss)
	bob.do("GET", page, nil).from(hit) // public now: one answer for all
	ann.do("PATCH", "/rooms/"+room, map[string]any{"private": true}).want(200)
	bob.do("GET", page, nil).refused(404, engine.CodeNotFound)
	eve.do("GET", page, nil).refused(404, engine.CodeNotFound)
	ann.do("GET", page, nil).want(200)
	ann.do("POST", "/logout", nil).want(204)
	ann.do("GET", page, nil).refused(401, engine.CodeUnauthorized)
}

// TestCacheReactors: who has reacted sees so; all others share an answer.
func TestCacheReactors(t *testing.T) {
	n := newNode(t, nil)
	ann, bob, cat := n.user(t, "ann"), n.user(t, "bob"), n.user(t, "cat")
	ann.room("garden", false)
	m := ann.post("garden", "one")
	later := ann.post("garden", "two")
	bob.do("POST", "/rooms/garden/join", nil).want(200)
	one := "/rooms/garden/messages/" + m.ID.String()
	for _, path := range []string{one, "/rooms/garden/messages", "/rooms/garden/messages?before=" + later.ID.String()} {
		mine := func(c caller) bool {
			a := c.do("GET", path, nil).want(200)
			a.same(c.with("Cache-Control", "no-cache").do("GET", path, nil).from(bypass))
			return strings.Contains(string(a.body), `"me":true`)
		}
		bob.do("PUT", one+"/reactions/+1", nil).want(204)
		for range 2 {
			if !mine(bob) || mine(ann) || mine(cat) {
				t.Errorf("%s: somebody sees another's reaction as theirs", path)
			}
		}
		cat.do("GET", path, nil).from(hit)
		bob.do("GET", path, nil).from(hit)
		bob.do("DELETE", one+"/reactions/+1", nil).want(204)
		if mine(bob) || mine(ann) {
			t.Errorf("%s: a reaction that was taken back is seen", path)
		}
	}
}

// TestCacheReadsAhead: who pages back finds the page before the one he got.
func TestCacheReadsAhead(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	ann.room("garden", false)
	for i := range 12 {
		ann.post("garden", fmt.Sprint(i))
	}
	link := func(a *response, rel string) string {
		for part := range strings.SplitSeq(a.Header.Get("Link"), ", ") {
			target, param, _ := strings.Cut(strings.TrimPrefix(part, "<"), ">; ")
			if param == `rel="`+rel+`"` {
				return "/rooms/garden/messages" + target
			}
		}
		return ""
	}
	newest := ann.do("GET", "/rooms/garden/messages?limit=3", nil).from(miss)
	second := ann.do("GET", link(newest, "prev"), nil).from(miss)
	n.handler.(*server).responses.readers.running.Wait()
	third := ann.do("GET", link(second, "prev"), nil).from(hit)
	if n.handler.Stats().Ahead == 0 {
		t.Error("nothing was read ahead")
	}
	for i, a := range []*response{newest, second, third} {
		var p page
		a.into(&p)
		if want := fmt.Sprint(9 - 3*i); len(p.Items) != 3 || p.Items[0].Body != want {
			t.Errorf("page %d: %s", i, a)
		}
	}
	if back := ann.do("GET", link(third, "next"), nil).want(200); !strings.Contains(string(back.body), `"6"`) {
		t.Errorf("the next page: %s", back)
	}
	var rooms engine.RoomView
	for i := range 3 {
		rooms = ann.room(fmt.Sprint("r", i), false)
	}
	_ = rooms
	a := ann.do("GET", "/rooms?filter=public&limit=2", nil).want(200)
	target, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
	if b := ann.do("GET", "/rooms"+target, nil).want(200); !strings.Contains(string(b.body), `"r2"`) {
		t.Errorf("%s leads to %s", a.Header.Get("Link"), b)
	}
}

// TestCodings: long answers are coded for those who take that, and the coding is part of the validator.
func TestCodings(t *testing.T) {
	n := newNode(t, nil)
	ann := n.user(t, "ann")
	ann.room("garden", false)
	for range 10 {
		ann.post("garden", strings.Repeat("lettuce ", 40))
	}
	const path = "/rooms/garden/messages"
	plain := ann.do("GET", path, nil).want(200)
	for accept, want := range map[string]string{
		"gzip": "gzip", "zstd": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0.5": "gzip", "br": "", "identity": "",
		"gzip;q=0": "", "*": "zstd", "zstd;q=0, *": "gzip", "gzip;q=0.1, identity;q=0.5": "", "deflate, gzip, br, zstd": "zstd",
	} {
		r, _ := http.NewRequest("GET", basePath+path, nil)
		r.Header.Set("Authorization", "Bearer "+ann.token)
		r.Header.Set("Accept-Encoding", accept)
		for range 2 {
			a := ann.unchecked(r)
			if a.Header.Get("Content-Encoding") != want || a.Header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
				t.Errorf("%s: coded as %q, %v", accept, a.Header.Get("Content-Encoding"), a.Header)
			}
			if got := decoded(t, want, a.body); !bytes.Equal(got, plain.body) {
				t.Errorf("%s: %s", accept, got)
			}
			tag := a.Header.Get("ETag")
			if (tag == plain.Header.Get("ETag")) != (want == "") {
				t.Errorf("%s: ETag %s, as it is %s", accept, tag, plain.Header.Get("ETag"))
			}
			again := r.Clone(t.Context())
			again.Header.Set("If-None-Match", tag)
			ann.unchecked(again).want(304)
		}
	}
	short := ann.with("Accept-Encoding", "gzip").do("GET", "/me", nil).want(200)
	if short.Header.Get("Content-Encoding") != "" {
		t.Error("a short answer is coded")
	}
}

func decoded(t *testing.T, coding string, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(r)
		defer d.Close()
		r = d
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// brokenShelf is a cache that fails at everything.
type brokenShelf struct{}

func (brokenShelf) Get(string) (*kept, bool)                            { panic("broken") }
func (brokenShelf) SetWithTTL(string, *kept, int64, time.Duration) bool { panic("broken") }
func (brokenShelf) Wait()                                               {}
func (brokenShelf) Close()                                              {}

// TestCacheBroken: a cache that fails is logged and done without.
func TestCacheBroken(t *testing.T) {
	var log bytes.Buffer
	n := newNode(t, func(_ *engine.Config, c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	ann := n.user(t, "ann")
	ann.room("garden", false)
	s := n.handler.(*server)
	s.responses.shelf.Close()
	s.responses.shelf = brokenShelf{}
	for i := range 20 {
		m := ann.post("garden", fmt.Sprint(i))
		a := ann.do("GET", "/rooms/garden/messages?limit=1", nil).from(miss)
		if !strings.Contains(string(a.body), m.ID.String()) {
			t.Errorf("post %d is not in %s", i, a)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines < 2 || lines > 8 || n.handler.Stats().Failures < 40 {
		t.Errorf("%d lines about %d failures:\n%s", lines, n.handler.Stats().Failures, log.String())
	}
}

// TestCacheBound (I6): however much is read, answers take no more than they may.
func TestCacheBound(t *testing.T) {
	const bound = 256 << 10
	n := newNode(t, func(_ *engine.Config, c *Config) { c.Memory = bound })
	ann := n.user(t, "ann")
	ann.room("garden", false)
	for range 20 {
		ann.post("garden", strings.Repeat("x", 1000))
	}
	for i := range 400 {
		ann.do("GET", fmt.Sprintf("/rooms/garden/messages?limit=%d", 1+i%200), nil).want(200)
	}
	if s := n.handler.Stats(); s.Bytes == 0 || s.Bytes > bound || s.Misses < 100 {
		t.Errorf("%+v, at most %d bytes are allowed", s, bound)
	}
}

// TestLimitsAreTold: a client can see its limits before it meets them.
func TestLimitsAreTold(t *testing.T) {
	n := newNode(t, func(e *engine.Config, c *Config) {
		e.UserRate = engine.Rate{PerSecond: 1, Burst: 4}
		c.ReadRate = engine.Rate{PerSecond: 10, Burst: 3}
		c.StrangerRate = engine.Rate{PerSecond: 0.5, Burst: 2}
	})
	ann := n.user(t, "ann")
	told := func(a *response, policy, now string) {
		t.Helper()
		if p, r := a.Header.Get("RateLimit-Policy"), a.Header.Get("RateLimit"); p != policy || r != now {
			t.Errorf("%s: %q, %q; want %q, %q", a, p, r, policy, now)
		}
	}
	told(ann.do("POST", "/rooms", map[string]any{"name": "garden"}).want(201), `"writes";q=4;w=4`, `"writes";r=3;t=1`)
	for left := 2; left >= 0; left-- {
		told(ann.do("GET", "/me", nil).want(200), `"reads";q=3;w=1`, fmt.Sprintf(`"reads";r=%d;t=1`, left))
	}
	a := ann.do("GET", "/me", nil)
	a.refused(429, engine.CodeRateLimited)
	told(a, `"reads";q=3;w=1`, `"reads";r=0;t=1`)
	told(ann.do("POST", "/rooms/garden/leave", nil).want(204), `"writes";q=4;w=4`, `"writes";r=2;t=2`)
	eve := n.anonymous(t)
	eve.token = "v4.public.nonsense"
	for range 2 {
		eve.do("GET", "/me", nil).refused(401, engine.CodeUnauthorized)
	}
	a = eve.do("GET", "/me", nil)
	a.refused(429, engine.CodeRateLimited)
	told(a, `"strangers";q=2;w=4`, `"strangers";r=0;t=4`)
	n.clock.add(time.Second)
	ann.do("GET", "/me", nil).want(200)
}
