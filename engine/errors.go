package engine

import (
	"errors"
	"time"
)

// Code is the stable name of an error, for machines. Protocols pass it on as it is.
type Code string

// The codes of the contract.
const (
	CodeInvalidJSON  Code = "invalid_json"
	CodeInvalidField Code = "invalid_field"
	CodeUnauthorized Code = "unauthorized"
	CodeForbidden    Code = "forbidden"
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"
	CodeTooLarge     Code = "too_large"
	CodeRateLimited  Code = "rate_limited"
	CodeNotCaughtUp  Code = "not_caught_up"
	CodeUnavailable  Code = "unavailable"
	CodeInternal     Code = "internal"
)

// Error is what leaves the engine: a code for machines, a sentence for people.
type Error struct {
	Code       Code
	Message    string
	Fields     []FieldError  // with CodeInvalidField
	RetryAfter time.Duration // when waiting helps
	Err        error         // the cause, for logs only
}

// FieldError names a field of the request and what is wrong with it.
type FieldError struct {
	Field string `json:"field"`
	Code  string `json:"code"` // required, too_long, malformed, taken, unknown
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Is matches on the code, so that errors.Is(err, ErrNotFound) holds for every not_found.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Errors to compare with and to return where nothing more can be said.
var (
	ErrNotFound     = &Error{Code: CodeNotFound, Message: "there is no such thing, or it is not yours to see"}
	ErrUnauthorized = &Error{Code: CodeUnauthorized, Message: "sign in first: the token is missing, expired or revoked"}
	ErrForbidden    = &Error{Code: CodeForbidden, Message: "your role does not allow this"}
	ErrUnavailable  = &Error{Code: CodeUnavailable, Message: "the node cannot take this now", RetryAfter: time.Second}
	ErrNotCaughtUp  = &Error{Code: CodeNotCaughtUp, Message: "this node has not yet seen the position you named", RetryAfter: time.Second}
)

// ErrGap is returned by Tx.Append for an event whose predecessor of the same
// origin has not been applied. Nothing of it is stored.
var ErrGap = errors.New("event is ahead of its origin's position")

func invalidField(field, code, message string) *Error {
	return &Error{Code: CodeInvalidField, Message: message, Fields: []FieldError{{field, code}}}
}

// AsError returns the Error in err's chain, or an internal one that wraps err.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong here; the log has the details", Err: err}
}
