package realtime

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
	"github.com/klatch-chat/klatch/engine/socket"
)

// problem is an error before there is a WebSocket (RFC 9457).
type problem struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Code   engine.Code `json:"code"`
	Detail string      `json:"detail"`
}

func writeProblem(w http.ResponseWriter, status int, e *engine.Error) {
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{"about:blank", http.StatusText(status), status, e.Code, e.Message})
}

// refuseHandshake answers a request that is no proper WebSocket handshake.
func refuseHandshake(w http.ResponseWriter, _ *http.Request, r *socket.Refusal) {
	e := &engine.Error{Code: engine.CodeInvalidField, Message: r.Reason}
	if r.Status == http.StatusServiceUnavailable {
		e.Code, e.RetryAfter = engine.CodeUnavailable, engine.ErrUnavailable.RetryAfter
	}
	writeProblem(w, r.Status, e)
}

func statusOf(code engine.Code) int {
	switch code {
	case engine.CodeRateLimited:
		return http.StatusTooManyRequests
	case engine.CodeForbidden:
		return http.StatusForbidden
	case engine.CodeUnauthorized:
		return http.StatusUnauthorized
	}
	return http.StatusServiceUnavailable
}
