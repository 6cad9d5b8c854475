package realtime

import (
	"sync/atomic"

	"github.com/klatch-chat/klatch/engine"
)

// Stats are counts since New, of both protocols.
type Stats struct {
	UsersRefused uint64                 // connections of users who had all that one may have
	Failed       map[engine.Code]uint64 // frames answered with an error
}

// failureCodes are all that a frame's error may have; otherCode stands for what is forgotten here.
var failureCodes = []engine.Code{
	engine.CodeInvalidJSON, engine.CodeInvalidField, engine.CodeUnauthorized, engine.CodeForbidden, engine.CodeNotFound,
	engine.CodeConflict, engine.CodeTooLarge, engine.CodeRateLimited, engine.CodeNotCaughtUp, engine.CodeUnavailable,
	engine.CodeInternal, codeProtocol, otherCode,
}

const otherCode engine.Code = "other"

// failures counts by code. The map is fixed after newFailures.
type failures map[engine.Code]*atomic.Uint64

func newFailures() failures {
	f := failures{}
	for _, code := range failureCodes {
		f[code] = new(atomic.Uint64)
	}
	return f
}

func (f failures) count(code engine.Code) {
	n, ok := f[code]
	if !ok {
		n = f[otherCode]
	}
	n.Add(1)
}

// Stats returns the counts.
func (h *Handler) Stats() Stats {
	s := Stats{UsersRefused: h.users.refused.Load(), Failed: map[engine.Code]uint64{}}
	for code, n := range h.failures {
		s.Failed[code] = n.Load()
	}
	return s
}
