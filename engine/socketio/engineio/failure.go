package engineio

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/klatch-chat/klatch/engine"
)

// failure is an error as clients of Engine.IO know it.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The reference server's errors.
var (
	unknownTransport    = failure{0, "Transport unknown"}
	unknownSID          = failure{1, "Session ID unknown"}
	badHandshakeMethod  = failure{2, "Bad handshake method"}
	badRequest          = failure{3, "Bad request"}
	forbidden           = failure{4, "Forbidden"}
	unsupportedProtocol = failure{5, "Unsupported protocol version"}
)

func (f failure) write(w http.ResponseWriter, status int) {
	body, _ := json.Marshal(f) // two plain fields
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// refuse answers a client that is well-behaved but cannot be served.
func refuse(w http.ResponseWriter, e *engine.Error) {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	failure{forbidden.Code, e.Message}.write(w, statusOf(e.Code))
}

func statusOf(code engine.Code) int {
	switch code {
	case engine.CodeRateLimited:
		return http.StatusTooManyRequests
	case engine.CodeForbidden, engine.CodeUnauthorized:
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}
