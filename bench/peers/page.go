package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// question is a way to ask for the newest page.
type question struct {
	noCache bool
	gzip    bool
	tag     string // of the page that the asker has, "" for none
}

// header is the same for all servers. Express never answers 304 to a request
// with no-cache, and klatch does; no-store keeps both from their caches and lets
// both compare tags.
func (q question) header() http.Header {
	h := http.Header{}
	if q.noCache {
		h.Set("Cache-Control", "no-cache")
	}
	if q.gzip {
		h.Set("Accept-Encoding", "gzip")
	}
	if q.tag == "" {
		return h
	}
	h.Set("If-None-Match", q.tag)
	if q.noCache {
		h.Set("Cache-Control", "no-store")
	}
	return h
}

func (q question) String() string {
	return fmt.Sprintf("no-cache: %t, gzip: %t, revalidated: %t", q.noCache, q.gzip, q.tag != "")
}

// pageRead is a page that is as it should be.
type pageRead struct {
	xCache    string
	tag       string
	bytes     int  // of the body, as it was coded
	unchanged bool // 304
}

// read reads the newest page, and sees that it is what all contenders answer.
func (h *hotRoom) read(ctx context.Context, q question) (p pageRead, err error) {
	a, err := h.reader.do(ctx, http.MethodGet, h.newest(), q.header(), nil)
	if err != nil {
		return p, err
	}
	p = pageRead{a.header.Get("X-Cache"), a.header.Get("ETag"), len(a.body), a.status == http.StatusNotModified}
	if p.unchanged {
		if q.tag == "" || p.tag != q.tag || p.bytes > 0 {
			err = fmt.Errorf("304 with the ETag %q and %d bytes, to who has %q", p.tag, p.bytes, q.tag)
		}
		return p, err
	}
	body, err := q.decode(a)
	if err != nil {
		return p, err
	}
	return p, h.compare(q, body)
}

// decode undoes the coding, which must be the one that was asked for.
func (q question) decode(a answer) ([]byte, error) {
	coding, want := a.header.Get("Content-Encoding"), ""
	if q.gzip {
		want = "gzip"
	}
	if coding != want {
		return nil, fmt.Errorf("a page in the coding %q, not %q", coding, want)
	}
	if !q.gzip {
		return a.body, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// pageSlack is how much a page may be larger or smaller than klatch's form of it.
const pageSlack = 0.05

// compare sees that a page is of one size with the others' and holds what was posted last.
func (h *hotRoom) compare(q question, body []byte) error {
	var page struct{ Items []posted }
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	if len(page.Items) != len(h.posted) {
		return fmt.Errorf("a page of %d messages, not %d", len(page.Items), len(h.posted))
	}
	want := len(h.posted) * (len(`{"id":"","room":"","user":"","body":"","at":""},`) + 3*wideLength + len(at))
	for _, m := range h.posted {
		want += len(m.Body)
	}
	if n := float64(len(body)); n < (1-pageSlack)*float64(want) || n > (1+pageSlack)*float64(want) {
		return fmt.Errorf("a page of %d bytes, not about %d", len(body), want)
	}
	for i, m := range h.posted {
		if got := page.Items[i]; got != m {
			return fmt.Errorf("the page's message %d is %s, %.30q, and not %s, %.30q, which was posted before (%s)", i, got.ID, got.Body, m.ID, m.Body, q)
		}
	}
	return nil
}
