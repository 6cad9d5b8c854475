package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAssetCoding(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	tags := map[string]string{}
	for accept, want := range map[string]string{
		"":                                "",
		",, ,":                            "",
		"identity":                        "",
		"deflate":                         "",
		"gzip":                            "gzip",
		"GZip":                            "gzip",
		"x-gzip":                          "gzip",
		"X-GZIP;q=0.1":                    "gzip",
		"zstd":                            "zstd",
		"gzip, zstd":                      "zstd",
		"gzip, deflate, br, zstd":         "br",
		"zstd,br,gzip":                    "br",
		"*":                               "br",
		"br;q=0, *":                       "zstd",
		"*;q=0":                           "", // nothing is acceptable
		"identity;q=0":                    "",
		"identity;q=0, *":                 "br",
		"identity;q=0, gzip":              "gzip",
		"gzip, *;q=0":                     "gzip",
		"br;q=0.5":                        "br", // what is not named comes last
		"br;q=0.001":                      "br",
		"br;q=0.5, identity":              "",
		"br;q=0.5, identity;q=0.5":        "br",
		"br;q=0.5, gzip;q=0.8":            "gzip",
		"gzip;q=0.2, *;q=0.1":             "gzip",
		"gzip;q=0.1, *;q=0.2":             "br",
		"identity;q=0.9, *;q=0.2":         "",
		"br;q=0, gzip":                    "gzip",
		"br; q=0.000":                     "",
		"br \t;\tQ=1.000 ":                "br",
		"br;q=0.":                         "",
		"br;q=1.":                         "br",
		"br;q=0, br":                      "", // the first holds
		"*;q=0, *":                        "",
		"br;q=2, gzip":                    "gzip",
		"br;q=1.001, gzip":                "gzip",
		"br;q=0.0001, gzip":               "gzip",
		"br;q=-1, gzip":                   "gzip",
		"br;q=+1, gzip":                   "gzip",
		"br;q=, gzip":                     "gzip",
		"br;q, gzip":                      "gzip",
		"br;, gzip":                       "gzip",
		"br;q=0x1, gzip":                  "gzip",
		"br;q=.5, gzip":                   "gzip",
		"br;level=11;q=1, gzip":           "gzip",
		"br gzip":                         "",
		"\"br\"":                          "",
		";q=1":                            "",
		strings.Repeat("a;q=0,", 9999):    "",
		strings.Repeat(",", 9999) + "br ": "br",
	} {
		a := c.with("Accept-Encoding", accept).raw("GET", scriptPath, nil).want(200)
		got := a.Header.Get("Content-Encoding")
		if got != want || a.Header.Get("Vary") != "Accept-Encoding" || a.Header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Errorf("%.40q: coding %q, want %q: %v", accept, got, want, a.Header)
		}
		tags[a.Header.Get("ETag")] = string(a.body)
	}
	if len(tags) != 4 {
		t.Errorf("four forms have %d tags", len(tags))
	}
	if a := c.with("Accept-Encoding", "gzip;q=0.5").with("Accept-Encoding", "br").raw("GET", scriptPath, nil); a.Header.Get("Content-Encoding") != "br" {
		t.Errorf("a field on two lines: %v", a.Header)
	}
	if a := c.with("Accept-Encoding", "br").raw("GET", iconPath, nil); a.Header.Get("Content-Encoding") != "" || a.Header.Get("Vary") != "" {
		t.Errorf("a form that is larger than the file: %v", a.Header)
	}
}

// TestAssetForms: size decides, not the order in which codings are known, and
// forms that are alike to the byte are still told apart.
func TestAssetForms(t *testing.T) {
	found, err := readAssets(fstest.MapFS{
		"index.html": {}, "a": {Data: []byte("123456")}, "a.br": {Data: []byte("12345")}, "a.zst": {Data: []byte("123")}, "a.gz": {Data: []byte("123")},
	})
	must(t, err)
	a := found["/a"]
	if got := a.choose("br, gzip, zstd").coding; got != "zstd" {
		t.Errorf("chose %s of three", got)
	}
	if zstd, gzip := a.choose("zstd"), a.choose("gzip"); zstd.etag == gzip.etag {
		t.Errorf("one tag for %s and %s", zstd.coding, gzip.coding)
	}
}

// TestAssetUnpacked: what the build has not compressed is compressed when it is read.
func TestAssetUnpacked(t *testing.T) {
	a := newFront(t, nil).anonymous(t).with("Accept-Encoding", "br, gzip").raw("GET", stylePath, nil).want(200)
	if got := a.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("coding %q", got)
	}
	r, err := gzip.NewReader(bytes.NewReader(a.body))
	must(t, err)
	if b, err := io.ReadAll(r); err != nil || string(b) != script {
		t.Errorf("%q %v", b, err)
	}
}

// member is a coding with its weight by the grammar of RFC 9110, 12.5.3.
var member = regexp.MustCompile("^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:;[ \t]*[qQ]=(0(?:\\.[0-9]{0,3})?|1(?:\\.0{0,3})?)[ \t]*)?$")

// weighed is what a field says of each coding that it names.
func weighed(field string) map[string]float64 {
	said := map[string]float64{}
	for part := range strings.SplitSeq(field, ",") {
		m := member.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		name, q := strings.ToLower(m[1]), 1.0
		if name == "x-gzip" {
			name = "gzip"
		}
		if m[2] != "" {
			q, _ = strconv.ParseFloat(m[2], 64)
		}
		if _, ok := said[name]; !ok {
			said[name] = q
		}
	}
	return said
}

// FuzzAcceptEncoding reads any field: what is chosen is acceptable if anything
// is, and nothing was liked better or as well and smaller.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"", "gzip, deflate, br, zstd", "*;q=0", "identity;q=0,*;q=0.5", "br;q=0.001,x-gzip;Q=1.", " zstd\t;\tq=0.5 ,identity", "br;q=9", ";;,=", "gzip;q=0,gzip"} {
		f.Add(s)
	}
	found, err := readAssets(fstest.MapFS{
		"index.html": {}, "a.js": {Data: []byte("123456")}, "a.js.br": {Data: []byte("123")}, "a.js.zst": {Data: []byte("1234")}, "a.js.gz": {Data: []byte("12345")},
	})
	noError(f, err)
	bySize := []string{"br", "zstd", "gzip", identity}
	f.Fuzz(func(t *testing.T, field string) {
		said := weighed(field)
		likes := func(coding string) float64 {
			if q, ok := said[coding]; ok {
				return q
			}
			if q, ok := said["*"]; ok {
				return q
			}
			if coding == identity {
				return 0.0005 // below all that can be said
			}
			return 0
		}
		got := found["/a.js"].choose(field).coding
		want, most := identity, 0.0
		for _, coding := range bySize {
			if q := likes(coding); q > most {
				want, most = coding, q
			}
		}
		if got != want {
			t.Fatalf("%q: %s, want %s", field, got, want)
		}
	})
}
