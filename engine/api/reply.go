package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/klatch-chat/klatch/engine"
)

// reply is what a route's function answers; send makes HTTP of it.
type reply struct {
	status  int
	body    any            // nil: none
	receipt engine.Receipt // of a write
	signIn  string         // a token for the session cookie
	signOut bool           // takes the session cookie away
	raw     []byte         // JSON that is ready, instead of body
	public  bool           // the same for all, so that caches may keep it
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

// send writes a reply.
func (s *server) send(w http.ResponseWriter, r *request, a reply) {
	if err := s.setHeaders(w, r, a); err != nil {
		s.fail(w, r.Request, err)
		return
	}
	if a.public {
		w.Header().Set("Cache-Control", "public, max-age=300")
	}
	switch {
	case a.raw != nil:
		s.writeBytes(w, r.Request, a.status, "application/json", a.raw)
	case a.body != nil:
		s.write(w, r.Request, a.status, "application/json", a.body)
	default:
		w.WriteHeader(a.status)
	}
}

// write sends a value as JSON.
func (s *server) write(w http.ResponseWriter, r *http.Request, status int, kind string, body any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		panic(err) // our own structs: a mistake of ours, and nothing has been written yet
	}
	s.writeBytes(w, r, status, kind, b.Bytes())
}

func (s *server) writeBytes(w http.ResponseWriter, r *http.Request, status int, kind string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the client may have gone; there is nobody left to tell
	}
}
