package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klatch-chat/klatch/engine"
)

const (
	scriptPath = "/app-1a2b3c4d5e6f.js" // in four forms
	stylePath  = "/assets/app-0123456789ab.css"
	iconPath   = "/favicon.svg" // in one, without a hash
	pageHTML   = `<!doctype html><link rel=icon href=/favicon.svg><link rel=stylesheet href=/assets/app-0123456789ab.css>` +
		`<script type=module src="/app-1a2b3c4d5e6f.js"></script>`
	pageLinks = "</assets/app-0123456789ab.css>; rel=preload; as=style, </app-1a2b3c4d5e6f.js>; rel=modulepreload"
	forever   = "public, max-age=31536000, immutable"
)

// script is no text that any range of could be taken for another.
var script = func() string {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "a%04d", i)
	}
	return b.String()
}()

func zipped(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, s)
	noError(t, errors.Join(err, w.Close()))
	return b.Bytes()
}

// noError is must for fuzz targets too.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newFront is a node with a web client whose script has a form in every
// coding; of these br is the smallest and gzip the largest.
func newFront(t testing.TB, change func(*Config)) *node {
	return newNode(t, func(_ *engine.Config, c *Config) {
		c.Assets = fstest.MapFS{
			"index.html":            {Data: []byte(pageHTML)},
			iconPath[1:]:            {Data: []byte("<svg/>")},
			iconPath[1:] + ".br":    {Data: []byte("larger than the file")},
			stylePath[1:]:           {Data: []byte(script)},
			scriptPath[1:]:          {Data: []byte(script)},
			scriptPath[1:] + ".gz":  {Data: zipped(t, script)},
			scriptPath[1:] + ".br":  {Data: []byte("brotli")},
			scriptPath[1:] + ".zst": {Data: []byte("zstandard")},
		}
		if change != nil {
			change(c)
		}
	})
}

func TestAssets(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	for _, tt := range []struct{ path, kind, cache, vary, body string }{
		{"/", "text/html; charset=utf-8", "no-cache", "", pageHTML},
		{"/index.html", "text/html; charset=utf-8", "no-cache", "", pageHTML},
		{iconPath, "image/svg+xml", "no-cache", "", "<svg/>"},
		{stylePath, "text/css; charset=utf-8", forever, "Accept-Encoding", script},
		{scriptPath, "text/javascript; charset=utf-8", forever, "Accept-Encoding", script},
	} {
		a := c.raw("GET", tt.path, nil).want(200)
		got := []string{a.Header.Get("Content-Type"), a.Header.Get("Cache-Control"), a.Header.Get("Vary"), string(a.body)}
		if want := []string{tt.kind, tt.cache, tt.vary, tt.body}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", tt.path, got, want)
		}
		for name, want := range map[string]string{
			"Accept-Ranges": "bytes", "Content-Length": strconv.Itoa(len(tt.body)), "Content-Security-Policy": pagePolicy, "Content-Encoding": "",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", tt.path, name, got, want)
			}
		}
		c.raw("PUT", tt.path, nil).refused(405, codeMethodNotAllowed)
	}
	for _, packed := range []string{scriptPath + ".br", scriptPath + ".zst", scriptPath + ".gz"} {
		c.raw("GET", packed, nil).want(404)
	}
}

// TestAssetHead: HEAD says of every form what GET says, and asks for no range.
func TestAssetHead(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	for _, coding := range []string{"", "gzip", "br", "zstd"} {
		c := c.with("Accept-Encoding", coding).with("X-Request-Id", "same")
		get, head := c.raw("GET", scriptPath, nil).want(200), c.with("Range", "bytes=0-3").raw("HEAD", scriptPath, nil).want(200)
		if len(head.body) != 0 || !maps.EqualFunc(get.Header, head.Header, slices.Equal) {
			t.Errorf("%q: GET %v, HEAD %v with %q", coding, get.Header, head.Header, head.body)
		}
		if got, want := head.Header.Get("Content-Length"), strconv.Itoa(len(get.body)); got != want {
			t.Errorf("%q: Content-Length %s, want %s", coding, got, want)
		}
	}
}

func TestAssetConditions(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	br := c.with("Accept-Encoding", "br")
	coded, plain := br.raw("GET", scriptPath, nil).Header.Get("ETag"), c.raw("GET", scriptPath, nil).Header.Get("ETag")
	if strings.HasPrefix(coded, "W/") || strings.HasPrefix(plain, "W/") || coded == plain {
		t.Fatalf("tags %s and %s: want two strong ones", coded, plain)
	}
	for _, tt := range []struct {
		name, field, value string
		status             int
	}{
		{"the tag", "If-None-Match", coded, 304},
		{"weakened on its way", "If-None-Match", "W/" + coded, 304},
		{"one of many", "If-None-Match", `"a", W/"b",` + coded, 304},
		{"any", "If-None-Match", "*", 304},
		{"another form's", "If-None-Match", plain, 200},
		{"none", "If-None-Match", `"a"`, 200},
		{"without quotes", "If-None-Match", strings.Trim(coded, `"`), 200},
		{"half a tag", "If-None-Match", coded[:len(coded)-1], 200},
		{"nonsense", "If-None-Match", "\x7f,,W/", 200},
		{"a match", "If-Match", coded, 200},
		{"any match", "If-Match", "*", 200},
		{"no match", "If-Match", `"a"`, 412},
		{"no strong match", "If-Match", "W/" + coded, 412},
		{"a date", "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", 200}, // there is none to compare with
		{"no date", "If-Unmodified-Since", "yesterday", 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := br.with(tt.field, tt.value).raw(method, scriptPath, nil)
			if a.StatusCode != tt.status {
				t.Errorf("%s, %s: %d, want %d", tt.name, method, a.StatusCode, tt.status)
			}
			if a.Header.Get("ETag") != coded || a.Header.Get("Vary") != "Accept-Encoding" || a.Header.Get("Cache-Control") != forever {
				t.Errorf("%s, %s: %v", tt.name, method, a.Header)
			}
			if a.StatusCode != 200 && (len(a.body) != 0 || a.Header.Get("Content-Length") != "") {
				t.Errorf("%s, %s: an answer without a body has one: %v %q", tt.name, method, a.Header, a.body)
			}
		}
	}
	if a := br.with("If-None-Match", `"a"`).with("If-None-Match", coded).raw("GET", scriptPath, nil); a.StatusCode != 304 {
		t.Errorf("a field on two lines: %s", a.Status)
	}
	etag := c.raw("GET", "/", nil).Header.Get("ETag")
	if a := c.with("If-None-Match", etag).raw("GET", "/", nil).want(304); a.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("the page: %v", a.Header)
	}
}
