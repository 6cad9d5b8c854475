package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/klatch-chat/klatch/bench"
)

// library is a server of pages with one room. What it does wrong is the test's.
type library struct {
	url    string
	secret []byte
	stale  bool // a page that was asked for once is kept, whatever is posted
	terse  bool // pages have empty bodies
	plain  bool // never codes
	mixed  bool // gzip holds another page
	lazy   bool // who has any tag is told 304
	eager  bool // nobody is told 304
	astray bool // 304 has the wrong tag
	deaf   bool // to no-store

	mu      sync.Mutex
	bodies  []string
	kept    string
	members map[string]bool
}

func (l *library) start(t *testing.T) *library {
	l.secret, l.members = []byte("0123456789abcdef"), map[string]bool{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/rooms", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"R"}`) })
	mux.HandleFunc("POST /api/v1/rooms/R/join", func(w http.ResponseWriter, r *http.Request) { l.members[l.user(r)] = true })
	mux.HandleFunc("POST /api/v1/rooms/R/messages", l.post)
	mux.HandleFunc("GET /api/v1/rooms/R/messages", l.page)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.user(r) == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

func (l *library) user(r *http.Request) string {
	token, err := jwt.Parse(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), func(*jwt.Token) (any, error) { return l.secret, nil })
	if err != nil {
		return ""
	}
	sub, _ := token.Claims.GetSubject()
	return sub
}

func (l *library) post(w http.ResponseWriter, r *http.Request) {
	var m struct{ Body string }
	if json.NewDecoder(r.Body).Decode(&m) != nil || l.user(r) != "poster" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l.bodies = append(l.bodies, m.Body)
	if !l.stale {
		l.kept = ""
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":"%s"}`, wide(fmt.Sprint(len(l.bodies)-1)))
}

func (l *library) page(w http.ResponseWriter, r *http.Request) {
	if !l.members[l.user(r)] || r.URL.RawQuery != "limit=50" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("X-Cache", "BYPASS")
	page := l.encoded()
	if how := r.Header.Get("Cache-Control"); how != "no-cache" && (how != "no-store" || l.deaf) {
		page = l.cached(w, page)
	}
	l.give(w, r, page)
}

func (l *library) cached(w http.ResponseWriter, page string) string {
	w.Header().Set("X-Cache", "HIT")
	if l.kept == "" {
		w.Header().Set("X-Cache", "MISS")
		l.kept = page
	}
	return l.kept
}

// give does with tags and codings what the test wants.
func (l *library) give(w http.ResponseWriter, r *http.Request, page string) {
	tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256([]byte(page)))
	if l.astray && r.Header.Get("If-None-Match") != "" {
		w.Header().Set("ETag", `"other"`)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if has := r.Header.Get("If-None-Match"); has != "" && !l.eager && (l.lazy || has == tag) {
		w.Header().Set("ETag", has)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("ETag", tag)
	if r.Header.Get("Accept-Encoding") != "gzip" || l.plain {
		fmt.Fprint(w, page)
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	if l.mixed {
		page = strings.Replace(page, `"body":"`, `"body":"not `, 1)
	}
	z := gzip.NewWriter(w)
	fmt.Fprint(z, page)
	z.Close()
}

func (l *library) encoded() string {
	var items []string
	for i := max(0, len(l.bodies)-50); i < len(l.bodies); i++ {
		body := l.bodies[i]
		if l.terse {
			body = ""
		}
		items = append(items, fmt.Sprintf(`{"id":"%s","room":"%s","user":"%s","body":"%s","at":"%s"}`, wide(fmt.Sprint(i)), wide("R"), wide("poster"), body, at))
	}
	return `{"items":[` + strings.Join(items, ",") + `]}`
}

// contender is the library as one.
func (l *library) contender(name string) contender {
	return contender{name: name, does: loads{pages: true}, start: func(r *running, _ context.Context) error {
		r.urls, r.secret = []string{l.url}, l.secret
		return nil
	}}
}

// fakeWrk puts a wrk in $PATH that notes its arguments and prints a report.
func fakeWrk(t *testing.T, report string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$@\" >>" + filepath.Join(dir, "calls") + "\ncat <<'END'\n" + report + "END\n"
	if err := os.WriteFile(filepath.Join(dir, "wrk"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		b, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
}

func TestNewestPage(t *testing.T) {
	for _, who := range askers {
		t.Run(string(who), func(t *testing.T) { testNewestPage(t, who) })
	}
}

func testNewestPage(t *testing.T, who asker) {
	calls := fakeWrk(t, wrkBad)
	s := scenario{"newest-page", newestPage, who}
	c := &comparison{
		house: testHouse(t), progress: io.Discard, rounds: 2, scenarios: []scenario{s},
		contenders: []contender{{name: "chat", does: loads{chat: true}}, (&library{}).start(t).contender("express")},
	}
	if err := c.run(t.Context()); err != nil || len(c.errs) > 0 {
		t.Fatal(err, c.errs)
	}
	for _, name := range []string{"express", "express no-cache"} {
		all := c.results[cell{"newest-page", name}]
		if len(all) != 2 {
			t.Fatalf("%d results of %s", len(all), name)
		}
		r := all[0]
		if r.Server != name || r.Posted != 13 || r.Delivered != 1 || r.DeliveryRate != 6.5 || r.Errors != 22 || r.P50 != 1190 ||
			r.Usage.Seconds <= 0 || unexpected(r.Pages) != "" {
			t.Errorf("%s: %+v, %+v", name, r, r.Pages)
		}
		bounds := map[asker][2]float64{plainAsker: {17000, 18000}, gzipAsker: {4000, 7000}, revalidating: {0, 0}}[who]
		if n := r.Pages.Bytes; n < bounds[0] || n > bounds[1] {
			t.Errorf("%s: %g bytes, not %v", name, n, bounds)
		}
	}
	testTurns(t, who, calls())
}

// testTurns wants a warm-up and a load for each; whose turn is first changes with the round.
func testTurns(t *testing.T, who asker, calls []string) {
	t.Helper()
	var order []string
	for _, call := range calls {
		word := "kept"
		if strings.Contains(call, "Cache-Control: no-") {
			word = "no-cache"
		}
		if !strings.HasSuffix(call, "/api/v1/rooms/R/messages?limit=50") ||
			strings.Contains(call, "-H Accept-Encoding: gzip") != (who != plainAsker) ||
			strings.Contains(call, `-H If-None-Match: W/"`) != (who == revalidating) ||
			strings.Contains(call, "no-cache") && who == revalidating {
			t.Errorf("wrk %s", call)
		}
		order = append(order, word)
	}
	if got := strings.Join(order, " "); got != "kept kept no-cache no-cache no-cache no-cache kept kept" {
		t.Errorf("turns: %s", got)
	}
}

// A server whose answers are not what is compared is not measured.
func TestNewestPageRefuses(t *testing.T) {
	fakeWrk(t, wrkGood)
	cfg := newestPage
	cfg.Messages = pageSize
	for _, c := range []struct {
		l    *library
		who  asker
		want string
	}{
		{&library{terse: true}, plainAsker, "bytes, not about 17500"},
		{&library{terse: true}, gzipAsker, "bytes, not about 17500"},
		{&library{plain: true}, gzipAsker, `in the coding "", not "gzip"`},
		{&library{mixed: true}, gzipAsker, "the page's message 0 is"},
		{&library{plain: true}, revalidating, `in the coding "", not "gzip"`},
		{&library{eager: true}, revalidating, "not 304 but"},
		{&library{astray: true}, revalidating, `304 with the ETag "\"other\""`},
	} {
		r := &running{}
		if err := c.l.start(t).contender("").start(r, t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.newestPage(t.Context(), cfg, c.who, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// I8: --check finds a page, or a 304, that is older than an acknowledged post.
func TestCheckPages(t *testing.T) {
	for _, c := range []struct {
		l    *library
		want string // of the error
	}{
		{&library{}, ""},
		{&library{stale: true}, "which was posted before (no-cache: false, gzip: false, revalidated: false)"},
		{&library{lazy: true}, "which was posted before (no-cache: false, gzip: true, revalidated: true)"},
		{&library{mixed: true}, "which was posted before (no-cache: false, gzip: true, revalidated: false)"},
		{&library{eager: true}, "not 304 but"},
		{&library{deaf: true}, `X-Cache is "HIT", not BYPASS`},
	} {
		var out strings.Builder
		all := &comparison{house: testHouse(t), contenders: []contender{c.l.start(t).contender("express")}, progress: io.Discard}
		err := all.check(t.Context(), &out)
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("error %v, want %q", err, c.want)
		}
		if c.want == "" && (err != nil || out.String() != "ok    express\n") {
			t.Errorf("error %v, said %q", err, out.String())
		}
	}
}

func TestTableOfPages(t *testing.T) {
	result := func(rate float64, noCache bool, word string) bench.Result {
		return bench.Result{
			Kind: bench.Pages, DeliveryRate: rate, P50: 1, P99: 2, Delivered: 1000,
			Usage: bench.Usage{Seconds: 1, CPU: 0.1, Generator: 0.5, MaxMiB: 64},
			Pages: &bench.PagesResult{NoCache: noCache, XCache: map[string]uint64{word: 1}, Bytes: 17500},
		}
	}
	c := &comparison{
		contenders: contenders,
		scenarios:  []scenario{{"newest-page", newestPage, gzipAsker}},
		results: map[cell][]bench.Result{
			{"newest-page", "klatch"}:          {result(100, false, "HIT"), result(120, false, "HIT"), result(90, false, "HIT")},
			{"newest-page", "klatch no-cache"}: {result(20, true, "none"), result(20, true, "none"), result(20, true, "none")},
			{"newest-page", "express"}:         {result(10, false, "HIT"), result(10, false, "HIT"), result(10, false, "HIT")},
		},
	}
	var out strings.Builder
	if err := c.write(&out); err != nil {
		t.Fatal(err)
	}
	want := `
newest-page: the newest page of a room with 200 messages of 200 bytes, 32 connections asking at once (wrk), 10s, in gzip

server           requests/s    to express                 to klatch no-cache      p50 ms  p99 ms  CPU µs/request  bytes  server cores  wrk cores  memory MiB  taken by others %  remarks
klatch           100 (90–120)  × 10.00 (× 9.00–× 12.00)  × 5.00 (× 4.50–× 6.00)  1.00    2.00    100.0           17500  0.10          0.50       64          0.0  ok
klatch no-cache  20            × 2.00                     × 1.00                  1.00    2.00    100.0           17500  0.10          0.50       64          0.0  X-Cache is none, not BYPASS
express          10            × 1.00                     × 0.50                  1.00    2.00    100.0           17500  0.10          0.50       64          0.0  ok
`
	if strings.Join(strings.Fields(out.String()), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("got%s\nwant%s", out.String(), want)
	}
}
