package api

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
)

func TestPageLinks(t *testing.T) {
	for name, tt := range map[string]struct{ html, want string }{
		"the web client":      {pageHTML, pageLinks},
		"nothing":             {"", ""},
		"no tags":             {"page", ""},
		"other attributes":    {`<LINK data-x REL=StyleSheet type="text/css" HREF=' /a.css '>`, "</a.css>; rel=preload; as=style"},
		"closed":              {`<link rel="stylesheet" href="/a.css"/>`, "</a.css>; rel=preload; as=style"},
		"a script of old":     {`<script src="/a.js"></script>`, ""},
		"a script that waits": {`<script type=module crossorigin src="/a.js"></script>`, ""},
		"for print":           {`<link rel=stylesheet media=print href="/a.css">`, ""},
		"another style":       {`<link rel="alternate stylesheet" href="/a.css">`, ""},
		"in a comment":        {`<!-- <link rel=stylesheet href="/a.css"> -->`, ""},
		"in a script":         {`<script>"<link rel=stylesheet href=/a.css>"</script>`, ""},
		"in noscript":         {`<noscript><link rel=stylesheet href=/a.css></noscript>`, ""},
		"of somebody else":    {`<link rel=stylesheet href="https://example.com/a.css"><link rel=stylesheet href="//example.com/a.css">`, ""},
		"not there":           {`<link rel=stylesheet href="/b.css">`, ""},
		"relative":            {`<link rel=stylesheet href="a.css">`, ""},
		"needs quoting":       {`<link rel=stylesheet href="/a>;,.css">`, ""},
		"splits":              {"<link rel=stylesheet href=\"/a.css&#13;&#10;X: y\">", ""},
		"unended":             {`<link rel=stylesheet href="/a.css`, ""},
	} {
		found, err := readAssets(fstest.MapFS{
			"index.html": {Data: []byte(tt.html)}, "a.css": {}, "a.js": {}, "a>;,.css": {}, "a.css\r\nX: y": {},
			"favicon.svg": {}, "app-1a2b3c4d5e6f.js": {}, "assets/app-0123456789ab.css": {},
		})
		must(t, err)
		if got := found["/"].links; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	c := newFront(t, nil).anonymous(t)
	for path, want := range map[string]string{"/": pageLinks, "/index.html": pageLinks, scriptPath: "", iconPath: ""} {
		if got := c.raw("GET", path, nil).want(200).Header.Get("Link"); got != want {
			t.Errorf("%s: Link %q, want %q", path, got, want)
		}
	}
}

// TestEarlyHints opens pages over TLS: the hints come first, are no more than
// hints, and what is logged is the answer.
func TestEarlyHints(t *testing.T) {
	var mu sync.Mutex
	var seen []Observation
	n := newFront(t, func(c *Config) {
		c.Observe = func(o Observation) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, o)
		}
	})
	etag := n.anonymous(t).raw("GET", "/", nil).Header.Get("ETag")
	for name, tt := range map[string]struct {
		http2        bool
		method, path string
		header       map[string]string
		hinted       bool
		status       int
	}{
		"a page is opened":  {true, "GET", "/", map[string]string{"Sec-Fetch-Mode": "navigate"}, true, 200},
		"by its name":       {true, "GET", "/index.html", map[string]string{"Sec-Fetch-Mode": "navigate"}, true, 200},
		"once more":         {true, "GET", "/", map[string]string{"Sec-Fetch-Mode": "navigate", "If-None-Match": etag}, true, 304},
		"a range of it":     {true, "GET", "/", map[string]string{"Sec-Fetch-Mode": "navigate", "Range": "bytes=0-0"}, true, 206},
		"over HTTP/1.1":     {false, "GET", "/", map[string]string{"Sec-Fetch-Mode": "navigate"}, false, 200},
		"by no browser":     {true, "GET", "/", nil, false, 200},
		"by a page":         {true, "GET", "/", map[string]string{"Sec-Fetch-Mode": "cors"}, false, 200},
		"its fields":        {true, "HEAD", "/", map[string]string{"Sec-Fetch-Mode": "navigate"}, false, 200},
		"a file is opened":  {true, "GET", scriptPath, map[string]string{"Sec-Fetch-Mode": "navigate"}, false, 200},
		"there is nothing":  {true, "GET", "/nothing", map[string]string{"Sec-Fetch-Mode": "navigate"}, false, 404},
		"it is written to":  {true, "POST", "/", map[string]string{"Sec-Fetch-Mode": "navigate"}, false, 405},
		"over 1.1, a range": {false, "GET", "/", map[string]string{"Sec-Fetch-Mode": "navigate", "Range": "bytes=0-0"}, false, 206},
	} {
		t.Run(name, func(t *testing.T) {
			seen = nil
			server := httptest.NewUnstartedServer(n.handler)
			server.EnableHTTP2 = tt.http2
			server.StartTLS()
			var hints []textproto.MIMEHeader
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code != http.StatusEarlyHints {
					t.Errorf("%d", code)
				}
				hints = append(hints, h)
				return nil
			}})
			r, err := http.NewRequestWithContext(ctx, tt.method, server.URL+tt.path, nil)
			must(t, err)
			for field, value := range tt.header {
				r.Header.Set(field, value)
			}
			a, err := server.Client().Do(r)
			must(t, err)
			_, err = io.Copy(io.Discard, a.Body)
			must(t, errors.Join(err, a.Body.Close()))
			server.Close() // now the observer has heard of it

			if a.ProtoMajor != map[bool]int{true: 2, false: 1}[tt.http2] || a.StatusCode != tt.status || a.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s %s %v", a.Proto, a.Status, a.Header)
			}
			if len(seen) != 1 || seen[0].Status != tt.status {
				t.Errorf("observed %+v, want one of %d", seen, tt.status)
			}
			if (len(hints) == 1) != tt.hinted || len(hints) > 1 {
				t.Fatalf("hints: %v", hints)
			}
			if !tt.hinted {
				return
			}
			if want := (textproto.MIMEHeader{"Link": {pageLinks}, "Content-Security-Policy": {pagePolicy}}); !maps.EqualFunc(hints[0], want, slices.Equal) {
				t.Errorf("hints: %v, want %v", hints[0], want)
			}
		})
	}
}
