package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/klatch-chat/klatch/web"
)

// front stands between a browser and a node: it can hold the API back, and
// serve another build of the page.
type front struct {
	server *httptest.Server
	proxy  *httputil.ReverseProxy

	mu    sync.Mutex
	held  chan struct{}     // requests of the API wait until it is closed; nil lets them pass
	files map[string][]byte // served in place of the node's page; nil for the node's own
}

func startFront(t *testing.T, n *node) *front {
	t.Helper()
	to, err := url.Parse(n.url())
	if err != nil {
		t.Fatal(err)
	}
	f := &front{proxy: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // the node compares it with Origin
	}}}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	t.Cleanup(f.release)
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	held, files := f.held, f.files
	f.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/api/") {
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
				return
			}
		}
		f.proxy.ServeHTTP(w, r)
		return
	}
	if files == nil {
		f.proxy.ServeHTTP(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	content, ok := files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(content)
}

// hold keeps the API's requests waiting, as a dead network does.
func (f *front) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = make(chan struct{})
}

func (f *front) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held != nil {
		close(f.held)
		f.held = nil
	}
}

func (f *front) serve(files map[string][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files = files
}

// otherBuild is the page with other names of its scripts, and a mark.
func otherBuild(t *testing.T, mark string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	names := regexp.MustCompile(`\b(\w+)-([0-9a-f]{12})\.js\b`)
	rename := func(b []byte) []byte {
		return names.ReplaceAllFunc(b, func(name []byte) []byte {
			hash := sha256.Sum256(append([]byte(mark), name...))
			return fmt.Appendf(nil, "%s-%s.js", names.FindSubmatch(name)[1], hex.EncodeToString(hash[:6]))
		})
	}
	entries, err := fs.ReadDir(web.Assets(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(web.Assets(), e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[string(rename([]byte(e.Name())))] = rename(content)
	}
	before, err := fs.ReadFile(web.Assets(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	page := bytes.Replace(files["index.html"], []byte("<head>"), fmt.Appendf(nil, "<head><meta name=\"build\" content=%q>", mark), 1)
	files["index.html"] = page
	worker := bytes.Replace(files["sw.js"], hashOf(before), hashOf(page), 1)
	if bytes.Equal(worker, files["sw.js"]) {
		t.Fatal("sw.js does not hold the hash of the page")
	}
	files["sw.js"] = worker
	return files
}

func hashOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return []byte(hex.EncodeToString(sum[:]))
}
