package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// trace is what is known of a request beside what it says. It belongs to the request's goroutine.
type trace struct {
	id     string
	start  time.Time
	client netip.Addr
	secure bool   // the client speaks TLS, with us or with a trusted proxy
	route  string // for Observation
	user   engine.ID

	operator bool // it came by the operator's door
}

type traceKey struct{}

func traceOf(r *http.Request) *trace { return r.Context().Value(traceKey{}).(*trace) }

// begin attaches a trace.
func (s *server) begin(r *http.Request) *http.Request {
	client, trusted := s.clientOf(r)
	t := &trace{
		id: s.requestID(r.Header.Get("X-Request-Id")), start: s.Now(),
		client: client, secure: r.TLS != nil || trusted && forwardedTLS(r),
	}
	r = r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
	if trusted && client.IsValid() && len(r.Header["X-Forwarded-For"]) > 0 {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
	return r
}

const maxRequestID = 64

// requestID takes the client's own if it is short and plain: it ends up in logs.
func (s *server) requestID(given string) string {
	plain := given != "" && len(given) <= maxRequestID
	for _, c := range []byte(given) {
		plain = plain && (c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.')
	}
	if !plain {
		return s.requests.next()
	}
	return given
}

// requestIDs are unique, not secret: the process's own mark and a count.
type requestIDs struct {
	process string
	count   atomic.Uint64
}

func newRequestIDs() *requestIDs { return &requestIDs{process: rand.Text()[:12] + "-"} }

func (ids *requestIDs) next() string {
	return ids.process + strconv.FormatUint(ids.count.Add(1), 36)
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int // 0 until something is written
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observed runs a handler, answers for it if it panics, and tells the log and the observer.
func (s *server) observed(inner http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	t, w := traceOf(r), &recorder{ResponseWriter: inner}
	w.Header()["X-Request-Id"] = []string{t.id}
	defer s.finish(t, w, r)
	defer s.rescue(w, r)
	handle(w, r)
}

// rescue turns a panic into a problem, or cuts an answer that had begun.
func (s *server) rescue(w *recorder, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	if w.status == 0 {
		s.fail(w, r, internal(err))
		return
	}
	s.Logger.ErrorContext(r.Context(), "answer cut", "request", traceOf(r).id, "err", err)
	panic(http.ErrAbortHandler)
}

func (s *server) finish(t *trace, w *recorder, r *http.Request) {
	took := s.Now().Sub(t.start)
	level := slog.LevelDebug
	if s.tuned.Load().AccessLog || w.status >= 400 {
		level = slog.LevelInfo
	}
	if s.Logger.Enabled(r.Context(), level) {
		s.Logger.LogAttrs(r.Context(), level, "request", append(t.attrs(r),
			slog.Int("status", w.status), slog.Int64("bytes", w.bytes), slog.Duration("took", took),
			slog.String("cache", w.Header().Get("X-Cache")))...)
	}
	if s.Observe != nil {
		s.Observe(Observation{Route: t.route, Method: knownMethod(r.Method), Status: w.status, Duration: took, Bytes: w.bytes})
	}
}

// attrs is who asks for what. The query is left out: it may hold what people search for.
func (t *trace) attrs(r *http.Request) []slog.Attr {
	client := t.client.String()
	if t.operator {
		client = "operator" // has no address
	}
	attrs := []slog.Attr{
		slog.String("request", t.id), slog.String("client", client), slog.String("proto", r.Proto),
		slog.String("method", r.Method), slog.String("path", shownPath(r.URL.Path)),
	}
	if !t.user.IsZero() {
		attrs = append(attrs, slog.String("user", t.user.String()))
	}
	return attrs
}

// longestPart is the most bytes of a name; ids and emojis have fewer.
const longestPart = 64

// shownPath is a path as a log may have it. What is longer than anything that a path
// can name may be a token, put where its id belongs.
func shownPath(path string) string {
	if len(path) <= longestPart {
		return path
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) > longestPart {
			parts[i] = "(long)"
		}
	}
	return strings.Join(parts, "/")
}

// knownMethod keeps made-up methods from making metrics grow.
func knownMethod(m string) string {
	const known = " GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT TRACE "
	if strings.Contains(known, " "+m+" ") {
		return m
	}
	return "other"
}
