package api

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// assets are the files of the web client by their URL's path. They are read
// once: they are few, and what is not in the map cannot be asked for.
//
// A file is sent in the smallest content coding of those that the client likes
// best (asset_coding.go). Its forms were made by the client's build and lie
// beside it as .br, .zst and .gz; each has an ETag of its own. A name that
// holds a hash is good for a year; the page is asked for each time, is mostly
// answered with 304, and names the others ahead of its bytes (asset_page.go).
//
// A range is one of the file as it is (asset_range.go), also for those who take
// codings: the parts then fit together whatever the client says next time, and
// what is in them can be used without the rest.
type assets map[string]*asset

type asset struct {
	kind      string
	immutable bool      // its name holds a hash of its content
	forms     []encoded // the smallest first, the file itself last
	links     string    // the Link field of a page
}

// encoded is a file in one content coding.
type encoded struct {
	coding  string
	content []byte
	etag    string
}

// hashed is a name that holds a hash of its file's content, as the web client's build makes it.
var hashed = regexp.MustCompile(`-[0-9a-f]{8,}\.[a-z0-9.]+$`)

// worthZipping is where the build, too, begins to compress: less fits one packet.
const worthZipping = 512

const index = "/index.html"

func readAssets(files fs.FS) (assets, error) {
	found := assets{}
	if files == nil {
		return found, nil
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isPacked(name) {
			return err
		}
		found["/"+name], err = readAsset(files, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	page, ok := found[index]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: index[1:], Err: fs.ErrNotExist}
	}
	page.links = found.preloads(page.plain().content)
	found["/"] = page
	return found, nil
}

func readAsset(files fs.FS, name string) (*asset, error) {
	a := &asset{kind: mime.TypeByExtension(path.Ext(name)), immutable: hashed.MatchString(name)}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	for _, c := range packed {
		if b, err := fs.ReadFile(files, name+c.suffix); err == nil && len(b) < len(content) {
			a.forms = append(a.forms, newEncoded(c.coding, b))
		}
	}
	if len(a.forms) == 0 && len(content) >= worthZipping {
		if b := zip(content); len(b) <= len(content)*95/100 {
			a.forms = append(a.forms, newEncoded("gzip", b))
		}
	}
	slices.SortStableFunc(a.forms, func(x, y encoded) int { return len(x.content) - len(y.content) })
	a.forms = append(a.forms, newEncoded(identity, content))
	return a, nil
}

// zip compresses a file that the build has not compressed.
func zip(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(content)                               // a Buffer takes all
	_ = w.Close()
	return b.Bytes()
}

func newEncoded(coding string, b []byte) encoded {
	return encoded{coding, b, `"` + digest(append([]byte(coding+"\x00"), b...)) + `"`}
}

// plain is the file as it is.
func (a *asset) plain() encoded { return a.forms[len(a.forms)-1] }

func (s *server) serveAsset(w http.ResponseWriter, r *http.Request, a *asset) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(w, r, "GET, HEAD")
		return
	}
	traceOf(r).route = "assets"
	if a.links != "" && takesHints(r) {
		hint(w, a.links)
	}
	form, ranges := a.answer(r)
	a.describe(w.Header(), form)
	http.ServeContent(&sized{w, len(form.content)}, forServeContent(r, ranges), "", time.Time{}, bytes.NewReader(form.content))
}

// answer returns the form to answer with, and the ranges of it that are asked
// for, if any. Who asks for ranges and refuses the file as it is gets a whole
// form: a server may always leave a range out of account.
func (a *asset) answer(r *http.Request) (form encoded, ranges string) {
	accept := strings.Join(r.Header["Accept-Encoding"], ",")
	if r.Method == http.MethodGet && weight(accept, identity) != refused {
		ranges = normalRanges(r.Header["Range"], int64(len(a.plain().content)))
	}
	if ranges != "" {
		return a.plain(), ranges
	}
	return a.choose(accept), ""
}

// describe sets the fields of an answer with a form of the asset.
func (a *asset) describe(h http.Header, form encoded) {
	secure(h, pageSecurity)
	h.Set("Content-Type", a.kind)
	h.Set("ETag", form.etag)
	h.Set("Accept-Ranges", "bytes")
	h.Set("Cache-Control", "no-cache")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if a.links != "" {
		h.Set("Link", a.links)
	}
	if len(a.forms) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if form.coding != identity {
		h.Set("Content-Encoding", form.coding)
	}
}

// forServeContent returns the request as http.ServeContent, which reads one
// line of a field only, has to see it.
func forServeContent(r *http.Request, ranges string) *http.Request {
	seen := r.WithContext(r.Context())
	seen.Header = http.Header{}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Range"} {
		if lines := r.Header[name]; len(lines) > 0 {
			seen.Header.Set(name, strings.Join(lines, ", "))
		}
	}
	if ranges != "" {
		seen.Header.Set("Range", ranges)
	}
	return seen
}

// sized says how long a whole answer is, which http.ServeContent leaves out
// where there is a Content-Encoding.
type sized struct {
	http.ResponseWriter
	length int
}

func (w *sized) WriteHeader(status int) {
	if status == http.StatusOK {
		w.Header().Set("Content-Length", strconv.Itoa(w.length))
	}
	w.ResponseWriter.WriteHeader(status)
}
