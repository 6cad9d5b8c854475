package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// assets are the files of the web client by their URL's path. They are read
// once: they are few, and what is not in the map cannot be asked for.
type assets map[string]*asset

type asset struct {
	kind      string
	immutable bool      // its name holds a hash of its content
	forms     []encoded // the best first, the file itself last
}

// encoded is a file in one content coding; "" is as it is.
type encoded struct {
	coding  string
	content []byte
	etag    string
}

// hashed is a name that holds a hash of its file's content, as the web client's build makes it.
var hashed = regexp.MustCompile(`-[0-9a-f]{8,}\.[a-z0-9.]+$`)

// codings are the suffixes of precompressed neighbours, best first.
var codings = []struct{ suffix, name string }{{".br", "br"}, {".zst", "zstd"}, {".gz", "gzip"}}

func isCompressed(name string) bool {
	return slices.ContainsFunc(codings, func(c struct{ suffix, name string }) bool { return path.Ext(name) == c.suffix })
}

func readAssets(files fs.FS) (assets, error) {
	found := assets{}
	if files == nil {
		return found, nil
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isCompressed(name) {
			return err
		}
		found["/"+name], err = readAsset(files, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	index, ok := found["/index.html"]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: "index.html", Err: fs.ErrNotExist}
	}
	found["/"] = index
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
	for _, c := range codings {
		if b, err := fs.ReadFile(files, name+c.suffix); err == nil {
			a.forms = append(a.forms, newEncoded(c.name, b))
		}
	}
	if b := zip(content); len(a.forms) == 0 && len(b) < len(content)*9/10 {
		a.forms = append(a.forms, newEncoded("gzip", b))
	}
	a.forms = append(a.forms, newEncoded("", content))
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
	sum := sha256.Sum256(b)
	return encoded{coding, b, `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
}

func (s *server) serveAsset(w http.ResponseWriter, r *http.Request, a *asset) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuseMethod(w, r, "GET, HEAD")
		return
	}
	traceOf(r).route = "assets"
	form := a.choose(r.Header.Get("Accept-Encoding"))
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Content-Type", a.kind)
	h.Set("ETag", form.etag)
	h.Set("Cache-Control", "no-cache")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if len(a.forms) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if form.coding != "" {
		h.Set("Content-Encoding", form.coding)
		r.Header.Del("Range") // a range of the coded bytes is of no use to anybody
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(form.content))
}

// choose returns the best form that the client takes.
func (a *asset) choose(accept string) encoded {
	for _, f := range a.forms {
		if f.coding == "" || accepts(accept, f.coding) {
			return f
		}
	}
	panic("unreachable: the last form is the file itself")
}

// accepts reads an Accept-Encoding header; a coding with q=0 is refused.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q := strings.TrimRight(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "0")
			return q != "q=" && q != "q=0."
		}
	}
	return false
}
