package api

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestAssetRanges(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	size := len(script)
	for field, want := range map[string]struct {
		status      int
		first, last int
	}{
		"bytes=0-0":                            {206, 0, 0},
		"bytes=5-9":                            {206, 5, 9},
		"bytes=5-":                             {206, 5, size - 1},
		"bytes=-7":                             {206, size - 7, size - 1},
		"bytes=-99999":                         {206, 0, size - 1},
		"bytes=990-99999":                      {206, 990, size - 1},
		"bytes=990-99999999999999999999999999": {206, 990, size - 1},
		"BYTES = 1-2":                          {200, 0, 0}, // no space there
		"BYTES=1-2":                            {206, 1, 2},
		"bytes= 1-2 ,":                         {206, 1, 2},
		"bytes=5-5, 2000-":                     {206, 5, 5},
		"bytes=1000-":                          {416, 0, 0},
		"bytes=1000-1000":                      {416, 0, 0},
		"bytes=99999999999999999999-":          {416, 0, 0},
		"bytes=-0":                             {416, 0, 0},
		"bytes=-0, 2000-2001":                  {416, 0, 0},
		"bytes=":                               {200, 0, 0},
		"bytes=,":                              {200, 0, 0},
		"bytes=-":                              {200, 0, 0},
		"bytes=--1":                            {200, 0, 0},
		"bytes=1":                              {200, 0, 0},
		"bytes=9-5":                            {200, 0, 0},
		"bytes=2000-1999":                      {200, 0, 0},
		"bytes=1-2-3":                          {200, 0, 0},
		"bytes=+1-2":                           {200, 0, 0},
		"bytes=0x1-2":                          {200, 0, 0},
		"bytes=a-b":                            {200, 0, 0},
		"bytes=0-1, x":                         {200, 0, 0},
		"bytes 0-1":                            {200, 0, 0},
		"lines=0-1":                            {200, 0, 0},
		"0-1":                                  {200, 0, 0},
		"bytes=0-,0-":                          {200, 0, 0}, // more than the whole
		"bytes=" + strings.Repeat("0-0,", 17):  {200, 0, 0},
	} {
		// Also those who take codings get a range of the file itself.
		for _, accept := range []string{"", "br, gzip"} {
			a := c.with("Accept-Encoding", accept).with("Range", field).raw("GET", scriptPath, nil)
			if a.StatusCode != want.status {
				t.Errorf("%q: %d, want %d", field, a.StatusCode, want.status)
				continue
			}
			checkRange(t, a, field)
			if contentRange := fmt.Sprintf("bytes %d-%d/%d", want.first, want.last, size); want.status == 206 && a.Header.Get("Content-Range") != contentRange {
				t.Errorf("%q: Content-Range %q, want %q", field, a.Header.Get("Content-Range"), contentRange)
			}
		}
	}
	if a := c.with("Range", "bytes=0-0").with("Range", "bytes=1-1").raw("GET", scriptPath, nil); a.StatusCode != 200 {
		t.Errorf("a field on two lines: %s", a.Status)
	}
	if a := c.with("Accept-Encoding", "identity;q=0, br").with("Range", "bytes=0-0").raw("GET", scriptPath, nil).want(200); string(a.body) != "brotli" {
		t.Errorf("to one who refuses the file itself: %q", a.body)
	}
	for field, want := range map[string]int{"bytes=0-4,10-14": 2, "bytes=990-,-3,0-0": 3, "bytes=0-0,5000-": 1, "bytes=" + strings.Repeat("7-7,", 16): 16} {
		if parts := checkRange(t, c.with("Range", field).raw("GET", scriptPath, nil).want(206), field); parts != want {
			t.Errorf("%q: %d parts, want %d", field, parts, want)
		}
	}
}

// checkRange holds an answer to GET of the script with a Range field to what it
// says of itself, and returns the number of its parts.
func checkRange(t testing.TB, a *response, field string) int {
	t.Helper()
	switch a.StatusCode {
	case 200:
		if coded := a.Header.Get("Content-Encoding") == "br" && string(a.body) == "brotli"; !coded && string(a.body) != script {
			t.Errorf("%q: not the whole: %q", field, a.body)
		}
		return 0
	case 416:
		if got, want := a.Header.Get("Content-Range"), fmt.Sprintf("bytes */%d", len(script)); got != want || a.Header.Get("ETag") != "" {
			t.Errorf("%q: Content-Range %q, want %q", field, got, want)
		}
		return 0
	case 206:
	default:
		t.Fatalf("%q: %s", field, a)
	}
	if a.Header.Get("Content-Encoding") != "" || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%q: %v", field, a.Header)
	}
	kind, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" {
		checkPart(t, a.Header.Get("Content-Range"), a.body)
		return 1
	}
	if a.Header.Get("Content-Range") != "" {
		t.Errorf("%q: many parts and a Content-Range", field)
	}
	parts := 0
	for r := multipart.NewReader(bytes.NewReader(a.body), params["boundary"]); ; parts++ {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		noError(t, err)
		b, err := io.ReadAll(part)
		noError(t, err)
		checkPart(t, part.Header.Get("Content-Range"), b)
	}
}

func checkPart(t testing.TB, contentRange string, got []byte) {
	t.Helper()
	var first, last, size int
	if _, err := fmt.Sscanf(contentRange, "bytes %d-%d/%d", &first, &last, &size); err != nil || first > last || last >= size || size != len(script) {
		t.Fatalf("Content-Range %q: %v", contentRange, err)
	}
	if want := script[first : last+1]; string(got) != want {
		t.Errorf("%s: %q, want %q", contentRange, got, want)
	}
}

func TestAssetIfRange(t *testing.T) {
	c := newFront(t, nil).anonymous(t)
	plain, coded := c.raw("GET", scriptPath, nil).Header.Get("ETag"), c.with("Accept-Encoding", "br").raw("GET", scriptPath, nil).Header.Get("ETag")
	for _, tt := range []struct {
		name, validator string
		status          int
	}{
		{"the same", plain, 206},
		{"another form's", coded, 200},
		{"a weak one", "W/" + plain, 200},
		{"an old one", `"old"`, 200},
		{"a date", "Fri, 01 Jan 2100 00:00:00 GMT", 200},
		{"nonsense", "\x7f", 200},
	} {
		a := c.with("If-Range", tt.validator).with("Range", "bytes=1-2").raw("GET", scriptPath, nil)
		if a.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, a.StatusCode, tt.status)
		}
		checkRange(t, a, tt.name)
		c.with("If-Range", tt.validator).raw("GET", scriptPath, nil).want(200) // without a range it says nothing
	}
	c.with("If-None-Match", plain).with("Range", "bytes=1-2").raw("GET", scriptPath, nil).want(304)
	c.with("If-Range", `"old"`).with("Range", "bytes=2000-").raw("GET", scriptPath, nil).want(200)
}

// oneRange is a field with one range that is well formed.
var oneRange = regexp.MustCompile(`^bytes=([0-9]{1,9})-([0-9]{1,9})$`)

// FuzzRange asks for any range: the answer is the whole, parts that are what
// they say they are, or that there is nothing there.
func FuzzRange(f *testing.F) {
	n := newFront(f, nil)
	etag := n.anonymous(f).raw("GET", scriptPath, nil).Header.Get("ETag")
	for _, s := range []string{"bytes=0-0", "bytes=-5", "bytes=5-", "bytes=1-2,4-5", "bytes=2000-", "bytes=-0", "bytes=9-1", "bytes=,", "lines=1-2", "bytes=0-,0-,0-", "bytes=18446744073709551616-"} {
		f.Add(s, "")
		f.Add(s, etag)
	}
	f.Add("bytes=0-1", `W/"x"`)
	f.Fuzz(func(t *testing.T, field, ifRange string) {
		c := n.anonymous(t)
		if ifRange != "" {
			c = c.with("If-Range", ifRange)
		}
		a := c.with("Range", field).raw("GET", scriptPath, nil)
		parts := checkRange(t, a, field)
		if parts > maxRanges || len(a.body) > len(script)+maxRanges*200 {
			t.Fatalf("%q: %d parts in %d bytes", field, parts, len(a.body))
		}
		if ifRange != "" && !strings.Contains(ifRange, etag) {
			if a.StatusCode != 200 {
				t.Fatalf("%q if %q: %s", field, ifRange, a.Status)
			}
			return
		}
		if m := oneRange.FindStringSubmatch(field); m != nil && (ifRange == "" || ifRange == etag) {
			first, _ := strconv.Atoi(m[1])
			last, _ := strconv.Atoi(m[2])
			want := map[bool]int{true: 206, false: 416}[first < len(script)]
			if first > last {
				want = 200
			}
			if a.StatusCode != want {
				t.Fatalf("%q: %s, want %d", field, a.Status, want)
			}
		}
	})
}
