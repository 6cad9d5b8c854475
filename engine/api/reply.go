package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// reply is what a route's function answers; send makes HTTP of it.
type reply struct {
	status  int
	body    any            // nil: none
	receipt engine.Receipt // of a write
	signIn  string         // a token for the session cookie
	signOut bool           // takes the session cookie away
	links   string         // the Link field, "" for none
	kept    *kept          // a GET's answer that is ready, instead of body
}

func answer(body any) (reply, error) { return reply{status: http.StatusOK, body: body}, nil }

// wrote answers a write with what it made.
func wrote(status int, body any, r engine.Receipt, err error) (reply, error) {
	return reply{status: status, body: body, receipt: r}, err
}

// done answers a write that leaves nothing to show.
func done(r engine.Receipt, err error) (reply, error) {
	return reply{status: http.StatusNoContent, receipt: r}, err
}

// list is a page of anything but messages.
type list[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

func newList[T any](items []T, next string) list[T] {
	l := list[T]{Items: items}
	if items == nil {
		l.Items = []T{}
	}
	if next != "" {
		l.Next = &next
	}
	return l
}

// send writes the answer to a write.
func (s *server) send(w http.ResponseWriter, r *request, a reply) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	writeJSON(w, r.Request, a.status, jsonType, encode(a.body))
}

// Values of header fields are shared by all answers: nobody changes them.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
)

func writeJSON(w http.ResponseWriter, r *http.Request, status int, kind []string, b []byte) {
	h := w.Header()
	h["Content-Type"] = kind
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the client may have gone; there is nobody left to tell
	}
}

// fields are what the answers of a GET route have in common.
type fields struct {
	cacheControl, vary []string
}

// commonFields returns a route's. An answer that depends on who asks may be kept by
// the one browser that asked, and must be asked about each time: the
// validator makes that cheap, and no node has to promise how long something stays so.
func (rt route) commonFields() fields {
	f := fields{cacheControl: []string{"private, no-cache"}, vary: []string{"Accept-Encoding, Authorization, Cookie"}}
	if rt.cacheable != "" {
		f = fields{cacheControl: []string{rt.cacheable}, vary: []string{"Accept-Encoding"}}
	}
	return f
}

// The values of X-Cache.
var sources = map[source][]string{hit: {string(hit)}, miss: {string(miss)}, bypass: {string(bypass)}}

// sendKept answers a GET: with all of it, or with 304 for a client that has it.
func (s *server) sendKept(w http.ResponseWriter, r *http.Request, f *fields, k *kept, how source) {
	coding := k.choose(r.Header["Accept-Encoding"])
	tag := k.etag(coding)
	h := w.Header()
	h["Cache-Control"], h["Vary"], h["Etag"] = f.cacheControl, f.vary, []string{tag}
	if how != "" {
		h["X-Cache"] = sources[how]
	}
	if how == hit {
		h["Age"] = []string{strconv.FormatInt(max(0, int64(s.Now().Sub(k.stored)/time.Second)), 10)}
	}
	if k.links != nil {
		h["Link"] = k.links
	}
	if lines := r.Header["If-None-Match"]; len(lines) > 0 && !noneMatch(lines, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	form := k.in(coding)
	h["Content-Type"], h["Content-Length"] = jsonType, form.length
	if form.coding != nil {
		h["Content-Encoding"] = form.coding
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(form.body) // the client may have gone; there is nobody left to tell
	}
}
