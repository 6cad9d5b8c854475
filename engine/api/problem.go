package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// codeMethodNotAllowed is HTTP's own; the engine has no methods.
const codeMethodNotAllowed engine.Code = "method_not_allowed"

// statuses gives every code its status.
var statuses = map[engine.Code]int{
	engine.CodeInvalidJSON:  http.StatusBadRequest,
	engine.CodeUnauthorized: http.StatusUnauthorized,
	engine.CodeForbidden:    http.StatusForbidden,
	engine.CodeNotFound:     http.StatusNotFound,
	codeMethodNotAllowed:    http.StatusMethodNotAllowed,
	engine.CodeConflict:     http.StatusConflict,
	engine.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	engine.CodeInvalidField: http.StatusUnprocessableEntity,
	engine.CodeRateLimited:  http.StatusTooManyRequests,
	engine.CodeInternal:     http.StatusInternalServerError,
	engine.CodeNotCaughtUp:  http.StatusServiceUnavailable,
	engine.CodeUnavailable:  http.StatusServiceUnavailable,
}

// errMediaType has invalid_json's code and a status of its own.
var errMediaType = &engine.Error{Code: engine.CodeInvalidJSON, Message: "the body must be JSON in UTF-8: send Content-Type: application/json"}

// problem is an error as RFC 9457 writes it. Its type is about:blank, so its
// title is the status's; what tells errors apart is the code.
type problem struct {
	Type   string              `json:"type"`
	Title  string              `json:"title"`
	Status int                 `json:"status"`
	Code   engine.Code         `json:"code"`
	Detail string              `json:"detail"`
	Errors []engine.FieldError `json:"errors,omitempty"`
}

// fail answers with an error.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := engine.AsError(err)
	status, known := statuses[e.Code]
	switch {
	case e == errMediaType:
		status = http.StatusUnsupportedMediaType
	case !known || e.Code == engine.CodeInternal:
		status, e = http.StatusInternalServerError, internal(err)
	}
	gone := errors.Is(err, context.Canceled) && r.Context().Err() != nil // the client: nothing has failed
	if status >= 500 && e.Err != nil && !gone {
		s.Logger.ErrorContext(r.Context(), "request failed", "request", traceOf(r).id, "err", err)
	}
	failureHeaders(w.Header(), status, e)
	writeJSON(w, r, status, problemType, encode(problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: e.Code, Detail: e.Message, Errors: e.Fields,
	}))
}

func internal(err error) *engine.Error {
	return &engine.Error{Code: engine.CodeInternal, Message: "something went wrong here; the node's log says more under this X-Request-Id", Err: err}
}

func failureHeaders(h http.Header, status int, e *engine.Error) {
	h.Set("Cache-Control", "no-store")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="klatch"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter(e.RetryAfter))
	}
}

// retryAfter is in whole seconds: rounded up, and never "at once".
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(max(1, seconds(d)), 10)
}
