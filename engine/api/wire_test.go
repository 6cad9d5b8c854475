package api

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBrowser signs in over TCP with nothing but a cookie jar, as the page does.
func TestBrowser(t *testing.T) {
	n := newNode(t, nil)
	srv := httptest.NewServer(n.handler)
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	must(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Transport: transport}
	call := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, srv.URL+basePath+path, strings.NewReader(body))
		must(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", srv.URL)
		res, err := browser.Do(r)
		must(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		must(t, err)
		return res.StatusCode, string(b)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/register", `{"username":"ann","password":"correct horse"}`, 201},
		{"POST", "/rooms", `{"name":"garden"}`, 201},
		{"POST", "/rooms/garden/messages", `{"body":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"POST", "/rooms/garden/messages", `{"body":"hello"}`, 201},
		{"HEAD", "/rooms/garden/messages", "", 200},
		{"POST", "/logout", "", 204},
		{"GET", "/me", "", 401},
	} {
		if status, body := call(c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}
